import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createTestApp, type TestApp } from '../../port.ts'

const url = '/v1/authorities/starter-g1/crl'
const octets = 200_000_000
const part = new Uint8Array(250_000)
let app: TestApp
let address: URL
let open = 0

async function* read() {
  open += 1
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

function ask(): Socket {
  const socket = connect(Number(address.port), address.hostname)
  socket.on('error', () => undefined)
  socket.pause()
  socket.write(`GET ${url} HTTP/1.1\r\nhost: x\r\n\r\n`)
  return socket
}

describe('those who do not read a large CRL', () => {
  it('hold a bounded number of them, and let them go', async () => {
    const idle = Array.from({ length: 20 }, ask)
    await vi.waitFor(() => expect(open).toBe(16), { timeout: 10_000 })
    const refused = await fetch(new URL(url, address))
    expect([refused.headers.get('cache-control'), refused.headers.get('etag')]).toEqual(['no-store', null])
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, 'overloaded'])
    expect((await fetch(new URL(url, address), { method: 'HEAD' })).headers.get('content-length')).toBe(
      String(octets)
    )
    for (const socket of idle) socket.destroy()
    await vi.waitFor(() => expect(open).toBe(0), { timeout: 10_000 })
    const again = await fetch(new URL(url, address))
    expect(again.status).toBe(200)
    await again.body!.cancel()
  })
})
