import { readFile } from 'node:fs/promises'
import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type ErrorCode, errorCodes, MintlineError } from '../../../src/errors/mintline-error.ts'
import { problemTable } from '../../../src/http/problems/problem-table.ts'
import { problemOf } from '../answer.ts'
import { bearer, createTestApp, record } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const port = await createTestApp({ bodyLimitBytes: 2_000 })
const { app } = port
afterAll(() => app.close())

const json = { 'content-type': 'application/json' }
const post = (payload: string, headers: Record<string, string> = json) =>
  app.inject({ method: 'POST', url: '/v1/issuances', headers: { ...bearer('station'), ...headers }, payload })
const issue = () => post(JSON.stringify({ csr: 'x', profile: 'starter' }))
const failWith = (error: unknown) => {
  port.issue = async () => {
    throw error
  }
}
beforeEach(() => failWith(new MintlineError('internal_error', 'unset')))

describe('every code', () => {
  it.each(errorCodes)('%s becomes a problem document that fits its schema', async code => {
    failWith(new MintlineError(code, 'What happened.'))
    const answer = await issue()
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers['x-request-id']).toBe(problemOf(answer).requestId)
    expect(answer.statusCode).toBe(problemTable[code].status)
    expect(answer.json()).toEqual({
      type: `/docs/errors#${code}`,
      title: problemTable[code].title,
      status: answer.statusCode,
      detail: 'What happened.',
      code,
      requestId: answer.headers['x-request-id']
    })
    expect(await faultsOf('Problem', answer.json())).toEqual([])
  })

  it('has a section in the reference and on the page that `type` points at', async () => {
    const reference = await readFile('docs/errors.md', 'utf8')
    const page = (await app.inject('/docs/errors')).body
    const sections = [...reference.matchAll(/^## (.+)$/gm)].map(([, code]) => code)
    expect(sections).toEqual([...errorCodes])
    const anchors = [...page.matchAll(/id="(.+?)"/g)].map(([, code]) => code)
    expect(anchors).toEqual([...errorCodes])
    for (const code of errorCodes) expect(page).toContain(`HTTP status ${problemTable[code].status}.`)
  })
})

describe('a problem document', () => {
  it('carries violations, further members and the record of the rejection', async () => {
    const violation = { pointer: '/subject/Country', expected: 'a', found: 'b', message: 'c' }
    const members = { issuanceId: record.id, earlierIssuanceId: 'earlier' }
    failWith(new MintlineError('subject_refused', 'No.', { violations: [violation], members }))
    expect((await issue()).json()).toMatchObject({
      instance: `/v1/issuances/${record.id}`,
      violations: [violation],
      ...members
    })
  })

  it('keeps its own members against further ones of the same name', async () => {
    failWith(
      new MintlineError('key_refused', 'No.', { members: { status: 200, code: 'fine', requestId: 'x' } })
    )
    const answer = await issue()
    expect(answer.json()).toMatchObject({ status: 422, code: 'key_refused' })
    expect(problemOf(answer).requestId).toBe(answer.headers['x-request-id'])
  })

  it('lists at most 50 violations and counts the rest', async () => {
    const payload = JSON.stringify(Object.fromEntries([...Array(70).keys()].map(key => [`x${key}`, 1])))
    const answer = await post(payload)
    expect(problemOf(answer).violations).toHaveLength(50)
    expect(problemOf(answer).violationsOmitted).toBe(22)
  })

  it('says when to try again, in whole seconds', async () => {
    failWith(new MintlineError('database_unavailable', 'No.', { retryAfterSeconds: 1.2 }))
    expect((await issue()).headers['retry-after']).toBe('2')
  })

  it.each(errorCodes)('of %s says when to try again if it is a 503', async code => {
    failWith(new MintlineError(code, 'No.'))
    const { statusCode, headers } = await issue()
    expect(statusCode).toBe(problemTable[code].status)
    if (statusCode === 503) expect(headers['retry-after']).toMatch(/^[1-9]\d*$/)
    else expect(headers).not.toHaveProperty('retry-after')
  })

  it('says nothing of a fault that is not known', async () => {
    failWith(Object.assign(new Error('postgres://user:secret@host'), { statusCode: 400, code: 'P2002' }))
    const answer = await issue()
    expect([answer.statusCode, problemOf(answer).code]).toEqual([500, 'internal_error'])
    expect(answer.body).not.toMatch(/secret|P2002/)
  })

  it.each([['a string'], [42], [{}]])('is made even of a thrown %j', async thrown => {
    failWith(thrown)
    expect(problemOf(await issue()).code).toBe('internal_error')
  })
})

type Case = readonly [
  name: string,
  request: () => Promise<LightMyRequestResponse>,
  problem: { readonly status: number; readonly code: ErrorCode }
]

const cases: readonly Case[] = [
  [
    'a body over the limit',
    () => post(`"${'x'.repeat(70_000)}"`),
    { status: 413, code: 'request_too_large' }
  ],
  ['JSON that ends early', () => post('{"csr":'), { status: 400, code: 'request_invalid' }],
  [
    'JSON with a raw line break in a string',
    () => post('{"csr":"a\nb"}'),
    { status: 400, code: 'request_invalid' }
  ],
  [
    'JSON with a __proto__ member',
    () => post('{"csr":"x","profile":"starter","__proto__":{"a":1}}'),
    { status: 400, code: 'request_invalid' }
  ],
  ['an empty JSON body', () => post(''), { status: 400, code: 'request_invalid' }],
  [
    'a body shorter than announced',
    () => post('{}', { ...json, 'content-length': '9' }),
    { status: 400, code: 'request_invalid' }
  ],
  [
    'a content type that is not read',
    () => post('x', { 'content-type': 'text/xml' }),
    { status: 415, code: 'media_type_unsupported' }
  ],
  ['an unknown path', () => app.inject('/v2/issuances'), { status: 404, code: 'route_not_found' }],
  ['a path below a known one', () => app.inject('/v1/tokens/a/b'), { status: 404, code: 'route_not_found' }],
  [
    'an unknown method',
    () => app.inject({ method: 'PATCH', url: '/v1/tokens' }),
    { status: 405, code: 'method_not_allowed' }
  ],
  [
    'a path with broken percent-encoding',
    () => app.inject('/v1/issuances/%zz'),
    { status: 400, code: 'request_invalid' }
  ],
  [
    'a path parameter of 200 characters',
    () => app.inject(`/v1/tokens/${'a'.repeat(200)}`),
    { status: 405, code: 'method_not_allowed' }
  ]
]

describe('what Fastify itself refuses', () => {
  it.each(cases)('%s', async (_name, request, { status, code }) => {
    const answer = await request()
    expect([answer.statusCode, problemOf(answer).code]).toEqual([status, code])
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    expect(answer.headers['x-request-id']).toBe(problemOf(answer).requestId)
  })

  it.each([
    ['/v1/issuances?x=1', 'PUT', 'GET, HEAD, POST'],
    ['/v1/issuances/42', 'DELETE', 'GET, HEAD'],
    ['/v1/tokens/42', 'GET', 'DELETE'],
    ['/docs/json', 'OPTIONS', 'GET, HEAD']
  ])('names the methods of %s', async (url, method, allow) => {
    const answer = await app.inject({ method: method as 'GET', url })
    expect([answer.statusCode, answer.headers['allow']]).toEqual([405, allow])
  })
})
