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
  // What is garbage is collected at once, where with more room it would stay for tens of thousands of lines.
  const NODE_OPTIONS = '--max-old-space-size=200'
  const environment = { MINTLINE_LOG_LEVEL: 'warn', NODE_OPTIONS }
  service = await startServiceProcess(data.path, environment)
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

it('10,000 lines are all issued, and take no more memory than some do', async () => {
  const sender = { url: service.url, token: await service.token('station') }
  // What the program grows to under any load.
  await sendBatch(sender, makeLines('warm', 1_500))
  const before = await measureMemory()
  let most = before
  let isOver = false
  const watch = (async () => {
    while (!isOver) {
      most = Math.max(most, await measureMemory())
      await delay(200)
    }
  })()
  const start = performance.now()
  const { lines, summary, text } = await sendBatch(sender, makeLines('device', 10_000))
  isOver = true
  await watch
  const seconds = (performance.now() - start) / 1_000
  console.log(
    `10,000 lines in ${seconds.toFixed(1)} s, ${(text.length / megabyte).toFixed(0)} MB of answers; ` +
      `memory ${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most`
  )
  expect(summary).toMatchObject({ complete: true, answered: 10_000, issued: 10_000 })
  expect(new Set(lines.map(({ ref }) => ref)).size).toBe(10_000)
  expect(text.length / megabyte).toBeGreaterThan(20)
  expect(most - before).toBeLessThan(60)
})
