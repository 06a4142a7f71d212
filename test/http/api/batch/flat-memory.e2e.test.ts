import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodePem } from '../../../../src/pki/pem/pem.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { type ServiceProcess, startServiceProcess } from '../../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { sendBatch } from './batch-client.ts'

const megabyte = 1024 * 1024

let data: TemporaryDirectory
let service: ServiceProcess
beforeAll(async () => {
  data = await createTemporaryDirectory()
  service = await startServiceProcess(data.path, { MINTLINE_LOG_LEVEL: 'warn' })
})
afterAll(async () => {
  await service.end('SIGTERM')
  await data.remove()
})

/** Megabytes that the service has of the machine. */
async function measureMemory(): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / megabyte
}

function* makeLines(prefix: string, count: number) {
  for (let index = 0; index < count; index++) {
    const subject = { Country: 'DE', CommonName: `${prefix}-${index}` }
    const csr = encodePem('CERTIFICATE REQUEST', makeCertificationRequest(subject))
    yield `${JSON.stringify({ ref: `${prefix}-${index}`, csr, profile: 'starter' })}\n`
  }
}

it('10,000 lines are all issued, and the second half takes no more memory than the first', async () => {
  const sender = { url: service.url, token: await service.token('station') }
  // What the program grows to under any load.
  await sendBatch(sender, makeLines('warm', 1_500))
  const start = performance.now()
  const samples: { readonly at: number; readonly memory: number }[] = []
  let isOver = false
  const watch = (async () => {
    while (!isOver) {
      samples.push({ at: performance.now(), memory: await measureMemory() })
      await delay(200)
    }
  })()
  const { lines, summary, text } = await sendBatch(sender, makeLines('device', 10_000))
  const end = performance.now()
  isOver = true
  await watch
  const half = (start + end) / 2
  const most = (isOfHalf: (at: number) => boolean) =>
    Math.max(...samples.filter(({ at }) => isOfHalf(at)).map(({ memory }) => memory))
  const [first, second] = [most(at => at < half), most(at => at >= half)]
  console.log(
    `10,000 lines in ${((end - start) / 1_000).toFixed(1)} s, ${(text.length / megabyte).toFixed(0)} MB of answers; ` +
      `memory ${first.toFixed(0)} MB at most in the first half, ${second.toFixed(0)} MB in the second`
  )
  expect(summary).toMatchObject({ complete: true, answered: 10_000, issued: 10_000 })
  expect(new Set(lines.map(({ ref }) => ref)).size).toBe(10_000)
  expect(text.length / megabyte).toBeGreaterThan(20)
  expect(second - first).toBeLessThan(50)
})
