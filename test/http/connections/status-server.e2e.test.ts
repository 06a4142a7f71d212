import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStatusServer } from '../../../src/http/connections/status-server.ts'
import { bearer, createTestApp, type TestApp } from '../port.ts'

const settings = { requestTimeoutMs: 5_000, headersTimeoutMs: 5_000, keepAliveTimeoutMs: 5_000 }

let app: TestApp
let server: Server
let url: string

beforeAll(async () => {
  ;({ app } = await createTestApp())
  server = createStatusServer(app, settings)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await app.close()
})

const codeOf = async (path: string, init: RequestInit = {}) => {
  const answer = await fetch(`${url}${path}`, init)
  return [answer.status, ((await answer.json()) as { code?: string }).code]
}

describe('the port for status', () => {
  it.each(['/', '/healthz', '/metrics', '/readyz', '/docs', '/docs/json', '/v1/self', '/v1/issuances'])(
    'has no %s, with a token as without',
    async path => {
      expect(await codeOf(path)).toEqual([404, 'route_not_found'])
      expect(await codeOf(path, { headers: bearer('admin') })).toEqual([404, 'route_not_found'])
    }
  )

  it('issues nothing and reads no body for it', async () => {
    const post = { method: 'POST', headers: { ...bearer('station'), 'content-type': 'application/pkcs10' } }
    expect(await codeOf('/v1/issuances?profile=starter', { ...post, body: 'x'.repeat(10_000) })).toEqual([
      404,
      'route_not_found'
    ])
  })

  it('has the routes for status', async () => {
    const headers = { 'content-type': 'text/plain' }
    // Far enough: the route is found, and refuses what is sent to it.
    expect(await codeOf('/v1/ocsp/starter-g1', { method: 'POST', headers, body: 'x' })).toEqual([
      415,
      'media_type_unsupported'
    ])
    for (const path of ['/v1/trust-bundle', '/v1/authorities/starter-g1/crl']) {
      const answer = await fetch(`${url}${path}`)
      expect(await answer.text()).not.toContain('route_not_found')
    }
  })

  it('answers what is no HTTP as the other does', async () => {
    const { connect } = await import('node:net')
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('what?\r\n\r\n')
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 400 [^]*request_invalid/)
  })
})
