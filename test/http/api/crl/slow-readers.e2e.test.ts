import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTestApp, type TestApp } from '../../port.ts'

const url = '/v1/authorities/starter-g1/crl'
const octets = 200_000_000
const part = new Uint8Array(250_000)
let app: TestApp
let address: URL
let open = 0
let most = 0

async function* read() {
  open += 1
  most = Math.max(most, open)
  try {
    for (let sent = 0; sent < octets; sent += part.length) yield part
  } finally {
    open -= 1
  }
}

beforeAll(async () => {
  const port = await createTestApp()
  app = port.app
  const [thisUpdate, nextUpdate] = [new Date('2026-11-27T00:00:00Z'), new Date('2026-12-04T00:00:00Z')]
  const crl = { number: 1, thisUpdate, nextUpdate, octets, sha256: new Uint8Array(32), read }
  Object.assign(port.services.crls, { find: async () => crl })
  address = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
})
afterAll(() => app.close())

/** Takes the head of the answer, and nothing behind it. */
function ask(from: string): Promise<{ readonly status: number; readonly socket: Socket }> {
  const socket = connect({ port: Number(address.port), host: address.hostname, localAddress: from })
  socket.on('error', () => undefined)
  socket.write(`GET ${url} HTTP/1.1\r\nhost: x\r\n\r\n`)
  return new Promise(resolve =>
    socket.once('data', head => {
      socket.pause()
      resolve({ status: Number(head.toString('latin1').split(' ')[1]), socket })
    })
  )
}

describe('those who do not read a large CRL', () => {
  it('hold a bounded number of them for each address, and let them go', async () => {
    const idle = await Promise.all(Array.from({ length: 20 }, () => ask('127.0.0.1')))
    expect(most).toBe(8)
    expect(new Set(idle.map(each => each.status))).toEqual(new Set([200, 503]))
    const elsewhere = await ask('127.0.1.1')
    expect(elsewhere.status).toBe(200)
    expect((await fetch(new URL(url, address), { method: 'HEAD' })).headers.get('content-length')).toBe(
      String(octets)
    )
    for (const { socket } of [...idle, elsewhere]) socket.destroy()
    await vi.waitFor(() => expect(open).toBe(0), { timeout: 10_000 })
  })

  it('make way for another after a while', async () => {
    const idle = await Promise.all(Array.from({ length: 8 }, () => ask('127.0.0.1')))
    const refused = await fetch(new URL(url, address))
    expect([refused.headers.get('cache-control'), refused.headers.get('etag')]).toEqual(['no-store', null])
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, 'overloaded'])
    await vi.waitFor(async () => expect((await ask('127.0.0.1')).status).toBe(200), { timeout: 10_000 })
    expect(most).toBeLessThanOrEqual(9)
    for (const { socket } of idle) socket.destroy()
  })
})
