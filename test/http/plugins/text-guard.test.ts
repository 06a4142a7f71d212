import { afterAll, describe, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp, profileDocument } from '../port.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())

const post = (url: string, role: 'station' | 'admin', payload: string) =>
  app.inject({
    method: 'POST',
    url,
    headers: { ...bearer(role), 'content-type': 'application/json' },
    payload
  })

/** JSON text with raw escapes: what a client sends, not what JavaScript would write. */
const withMetadata = (text: string) => `{"csr":"x","profile":"starter","metadata":{"fixture":"${text}"}}`

describe('text that cannot be kept', () => {
  it.each([
    ['a lone surrogate in a value', '/v1/issuances', 'station', withMetadata('\\ud800'), '/metadata/fixture'],
    ['NUL in a token name', '/v1/tokens', 'admin', '{"role":"station","name":"a\\u0000b"}', '/name'],
    [
      'NUL deep in a document',
      '/v1/profiles',
      'admin',
      JSON.stringify({ ...profileDocument, template: { a: [{ 'b/c': 'x\0' }] } }),
      '/template/a/0/b~1c'
    ],
    [
      'NUL in a name',
      '/v1/profiles',
      'admin',
      JSON.stringify({ ...profileDocument, template: { a: { 'x\0': 1 } } }),
      '/template/a'
    ]
  ] as const)('is refused with its place: %s', async (_, url, role, payload, pointer) => {
    const answer = await post(url, role, payload)
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(pointersOf(answer)).toEqual([pointer])
    expect(asked.requests).toEqual([])
    expect(asked.documents).toEqual([])
  })

  it('is left to whoever judges the CSR, so that the refusal is on record', async () => {
    const answer = await post('/v1/issuances', 'station', '{"csr":"x\\u0000\\ud800","profile":"starter"}')
    expect(answer.statusCode).toBe(201)
    const [request] = asked.requests.splice(0)
    expect(Buffer.from(request!.csr).toString('hex')).toBe('7800efbfbd')
  })

  it('is refused in the query', async () => {
    const answer = await app.inject({ url: '/v1/issuances?station=a%00b', headers: bearer('auditor') })
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(pointersOf(answer)).toEqual(['/query/station'])
    expect(asked.queries).toEqual([])
  })

  it('does not take well-formed characters outside the basic plane for it', async () => {
    const answer = await post('/v1/issuances', 'station', withMetadata('\\ud83d\\udd27'))
    expect(answer.statusCode).toBe(201)
    expect(asked.requests.splice(0)).toHaveLength(1)
  })
})

describe('JSON that is nested too deeply', () => {
  it('is refused without walking down', async () => {
    const template = `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`
    const document = JSON.stringify({ ...profileDocument, template: null }).replace('null', template)
    const answer = await post('/v1/profiles', 'admin', document)
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
  })
})

describe('a cursor', () => {
  it.each(['abc', '00000000-0000-0000-0000-00000000000g', "1' OR '1'='1"])('%s is refused', async cursor => {
    const url = `/v1/issuances?cursor=${encodeURIComponent(cursor)}`
    const answer = await app.inject({ url, headers: bearer('auditor') })
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
  })
})
