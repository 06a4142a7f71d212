import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, createTestApp, type TestApp } from '../port.ts'

let app: TestApp
beforeAll(async () => {
  ;({ app } = await createTestApp())
  await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

/** The answer to a request as it goes over the wire. */
async function send(head: string): Promise<{ status: number; code: string | undefined }> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1').on('data', chunk => (text += String(chunk)))
  const [requestLine, ...rest] = head.split('\r\n')
  socket.write([requestLine, 'Connection: close', ...rest, '', ''].join('\r\n'))
  await new Promise(resolve => socket.once('close', resolve))
  return { status: Number(text.split(' ')[1]), code: /"code":"(\w+)"/.exec(text)?.[1] }
}

describe('what no route can take', () => {
  it.each([
    [
      'two Host headers',
      'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b',
      { status: 400, code: 'request_invalid' }
    ],
    ['no Host header', 'GET /healthz HTTP/1.1', { status: 400, code: 'request_invalid' }],
    [
      'an expectation',
      'GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: x',
      { status: 400, code: 'request_invalid' }
    ],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a', { status: 400, code: 'request_invalid' }],
    [
      'QUERY without a content type',
      'QUERY /v1/issuances HTTP/1.1\r\nHost: a',
      { status: 400, code: 'request_invalid' }
    ],
    [
      'QUERY',
      'QUERY /v1/issuances HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0',
      { status: 405, code: 'method_not_allowed' }
    ],
    [
      'a method that nobody has',
      'FOO /v1/issuances HTTP/1.1\r\nHost: a',
      { status: 400, code: 'request_invalid' }
    ],
    [
      'dots above the documentation',
      'GET /docs/static/../x HTTP/1.1\r\nHost: a',
      { status: 404, code: 'route_not_found' }
    ],
    [
      'encoded dots',
      'GET /docs/static/%2e%2e/x HTTP/1.1\r\nHost: a',
      { status: 404, code: 'route_not_found' }
    ],
    [
      'encoded backslashes',
      'GET /docs/static/%5c..%5cx HTTP/1.1\r\nHost: a',
      { status: 404, code: 'route_not_found' }
    ],
    [
      'a file that is not there',
      'GET /docs/static/x HTTP/1.1\r\nHost: a',
      { status: 404, code: 'route_not_found' }
    ]
  ])('is answered with a problem: %s', async (_name, head, problem) => {
    expect(await send(head)).toEqual(problem)
  })

  it('lets HTTP/1.0 go without a Host header', async () => {
    expect(await send('GET /healthz HTTP/1.0')).toMatchObject({ status: 200 })
  })

  it.each(['gzip', 'identity, gzip', 'aes128gcm'])('is a body under the content coding %s', async coding => {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/issuances?profile=starter',
      headers: { ...bearer('station'), 'content-type': 'application/pkcs10', 'content-encoding': coding },
      payload: 'x'
    })
    expect(answer.statusCode).toBe(415)
    expect(answer.json()).toMatchObject({ code: 'media_type_unsupported' })
  })
})

describe('the description', () => {
  it.each([
    ['/docs/json', /^application\/json/],
    ['/docs/yaml', /^application\/yaml/]
  ])('is served at %s', async (url, type) => {
    const answer = await app.inject({ url })
    expect(answer.headers['content-type']).toMatch(type)
    expect(answer.body).toContain('/v1/issuances')
  })
})
