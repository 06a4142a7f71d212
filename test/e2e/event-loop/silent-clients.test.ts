import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ServiceProcess, startServiceProcess } from '../../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { expectWithin } from '../../support/time-limit.ts'

const socketCount = 500
const mostMegabytes = 50

let data: TemporaryDirectory
let service: ServiceProcess
let authorization: string

beforeAll(async () => {
  data = await createTemporaryDirectory()
  service = await startServiceProcess(data.path, { MINTLINE_LOG_LEVEL: 'error' })
  authorization = `Bearer ${await service.token('auditor')}`
})
afterAll(async () => {
  await service.end('SIGTERM')
  await data.remove()
})

async function readMegabytes(): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`, { headers: { authorization } })).text()
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)![1]) / 1e6
}

/** Asks several times at once, from one of many addresses, and reads nothing. */
function askAndNotRead(path: string, index: number): Socket {
  const { port, host } = new URL(service.url)
  const socket = connect({
    port: Number(port),
    host: '127.0.0.1',
    localAddress: `127.0.${1 + (index % 50)}.1`
  })
  socket.pause().on('error', () => undefined)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(4))
  return socket
}

/** By how much the service grows by them, at most; it goes on serving others meanwhile. */
async function measureGrowth(path: string): Promise<number> {
  const before = await readMegabytes()
  const sockets = Array.from({ length: socketCount }, (_, index) => askAndNotRead(path, index))
  try {
    let most = 0
    for (let time = 0; time < 10; time++) {
      await delay(500)
      most = Math.max(most, await readMegabytes())
      const asked = performance.now()
      expect((await fetch(`${service.url}/readyz`)).status).toBe(200)
      expectWithin(performance.now() - asked, 1_000)
    }
    console.log(`${path}: ${before.toFixed()} MB before, ${most.toFixed()} MB at most`)
    return most - before
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

// The first has the largest answer there is, the second answers in full although nobody reads.
it.each(['/docs/static/swagger-ui-bundle.js', '/healthz'])(
  `${socketCount} sockets that ask for %s and never read take less than ${mostMegabytes} MB, and hold up nobody`,
  async path => {
    // What the first requests make the process grow by stays, whoever sends them.
    for (let time = 0; time < 50; time++) await (await fetch(service.url + path)).text()
    // Garbage that was written on the way lies there until the collector and the allocator come to it: the first time it
    // is measured along. What is held for clients that do not read would be gigabytes, the first time above all.
    const growths = [await measureGrowth(path)]
    expect(growths[0]).toBeLessThan(3 * mostMegabytes)
    while (growths.length < 3 && growths.at(-1)! >= mostMegabytes) growths.push(await measureGrowth(path))
    expect(Math.min(...growths)).toBeLessThan(mostMegabytes)
  }
)
