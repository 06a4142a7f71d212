import { afterAll, describe, expect, it } from 'vitest'
import { bearer, createTestApp, profileDocument } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const port = await createTestApp()
const { app, asked } = port
afterAll(() => app.close())

const admin = bearer('admin')
const get = (url: string) => app.inject({ url, headers: admin })
const post = (url: string, payload: object) => app.inject({ method: 'POST', url, headers: admin, payload })
const pointersOf = (answer: { json(): { violations?: { pointer: string }[] } }) =>
  answer.json().violations?.map(({ pointer }) => pointer)

const profile = {
  id: '019ab1ec-5310-7e25-a1d4-6c0f4e7b8a92',
  name: 'starter',
  version: 3,
  document: profileDocument,
  createdAt: '2026-11-23T10:00:00.123Z',
  createdBy: 'admin/admin'
}

describe('profiles', () => {
  it('are made from a document, and answered with warnings and their place', async () => {
    const answer = await post('/v1/profiles', profileDocument)
    expect(answer.statusCode).toBe(201)
    expect(answer.headers['location']).toBe('/v1/profiles/starter/versions/3')
    expect(answer.json()).toMatchObject({ ...profile, warnings: [{ pointer: '/validity' }] })
    expect(asked.documents.at(-1)).toEqual(profileDocument)
    expect(await faultsOf('PostedProfile', answer.json())).toEqual([])
  })

  it.each([
    ['/v1/profiles', { items: [profile] }, 'ProfileList'],
    ['/v1/profiles/starter', profile, 'Profile'],
    ['/v1/profiles/starter/versions', { items: [profile, { ...profile, version: 2 }] }, 'ProfileList'],
    ['/v1/profiles/starter/versions/2', { ...profile, version: 2 }, 'Profile']
  ])('are read at %s', async (url, expected, schema) => {
    const answer = await get(url)
    expect(answer.json()).toEqual(expected)
    expect(await faultsOf(schema, answer.json())).toEqual([])
  })

  it.each([
    ['/v1/profiles/other', 404, 'profile_not_found'],
    ['/v1/profiles/other/versions', 404, 'profile_not_found'],
    ['/v1/profiles/starter/versions/4', 404, 'profile_not_found'],
    ['/v1/profiles/starter/versions/0', 400, 'request_invalid'],
    ['/v1/profiles/starter/versions/two', 400, 'request_invalid'],
    ['/v1/profiles/starter/versions/2.0', 400, 'request_invalid'],
    ['/v1/profiles/Starter', 400, 'request_invalid']
  ])('are refused at %s', async (url, status, code) => {
    const answer = await get(url)
    expect([answer.statusCode, answer.json().code]).toEqual([status, code])
  })

  const { subject } = profileDocument
  it.each([
    ['an unknown member', { extensions: [] }, ['/extensions']],
    ['a number as text', { backdateMinutes: '60' }, ['/backdateMinutes']],
    ['an unknown rule', { subject: { ...subject, Country: { rule: 'maybe' } } }, ['/subject/Country/rule']],
    ['a rule without its value', { subject: { Country: { rule: 'fixed' } } }, ['/subject/Country/value']],
    [
      'a rule with another rule’s members',
      { subject: { Country: { rule: 'forbidden', pattern: 'x', values: ['y'] } } },
      ['/subject/Country/pattern', '/subject/Country/values']
    ],
    ['no rule at all', { subject: { Country: {} } }, ['/subject/Country/rule']],
    ['text in place of a rule', { subject: { Country: 'required' } }, ['/subject/Country']],
    ['an unknown subject field', { subject: { Mail: { rule: 'allowed' } } }, ['/subject/Mail']],
    ['an unknown curve', { keys: { ec: { curves: ['P-256', 'P-192'] } } }, ['/keys/ec/curves/1']],
    [
      'an unknown choice deep in a union',
      { validity: { days: 1, whenIssuerExpiresFirst: 'ignore' } },
      ['/validity/whenIssuerExpiresFirst']
    ],
    [
      'a wrong literal',
      { validity: { notAfter: 'never', whenIssuerExpiresFirst: 'refuse' } },
      ['/validity/notAfter']
    ],
    [
      'three faults in three places',
      { name: 'No', backdateMinutes: -1, keyUsage: [] },
      ['/backdateMinutes', '/keyUsage', '/name']
    ]
  ])('with %s are refused where it stands, once', async (_name, change, pointers) => {
    const answer = await post('/v1/profiles', { ...profileDocument, ...change })
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)?.sort()).toEqual(pointers)
  })

  it('with an unknown choice are told the choices', async () => {
    const answer = await post('/v1/profiles', { ...profileDocument, subject: { Country: { rule: 'maybe' } } })
    expect(answer.json().violations).toMatchObject([
      { expected: 'required | allowed | fixed | forbidden', found: '"maybe"' }
    ])
  })
})

describe('tokens', () => {
  it('are made with their secret', async () => {
    const answer = await post('/v1/tokens', { role: 'auditor', name: 'quality' })
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toMatchObject({ role: 'auditor', name: 'quality', secret: 'mintline_new' })
    expect(await faultsOf('NewToken', answer.json())).toEqual([])
  })

  it('are listed without it', async () => {
    const answer = await get('/v1/tokens')
    expect(answer.body).not.toContain('secret')
    expect(answer.json().items.map((token: object) => 'revokedAt' in token)).toEqual([false, true])
    expect(await faultsOf('TokenList', answer.json())).toEqual([])
  })

  it('are revoked once', async () => {
    const url = '/v1/tokens/019ab1ec-52c4-7d0a-8f36-3a2b5d1c9e70'
    const answer = await app.inject({ method: 'DELETE', url, headers: admin })
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    const unknown = await app.inject({ method: 'DELETE', url: url.replace('9e70', '9e71'), headers: admin })
    expect(unknown.json().code).toBe('token_not_found')
  })

  it.each([
    [{ role: 'root', name: 'x' }, ['/role']],
    [{ role: 'admin' }, ['/name']],
    [{ role: 'admin', name: 'a b', secret: 'mine' }, ['/name', '/secret']]
  ])('are refused for %o', async (payload, pointers) => {
    const answer = await post('/v1/tokens', payload)
    expect(answer.json().code).toBe('request_invalid')
    expect(pointersOf(answer)?.sort()).toEqual(pointers)
  })
})

describe('health', () => {
  it('tells readiness from life', async () => {
    port.isReady = false
    const ready = await get('/readyz')
    expect([ready.statusCode, ready.json()]).toEqual([
      503,
      { ready: false, checks: { database: { ok: false, detail: 'refuses connections' } } }
    ])
    expect((await get('/healthz')).statusCode).toBe(200)
    port.isReady = true
    expect((await get('/readyz')).statusCode).toBe(200)
  })

  it('shows metrics in the format of Prometheus', async () => {
    const { Counter } = await import('prom-client')
    new Counter({ name: 'mintline_tested_total', help: 'x', registers: [port.services.metrics] }).inc()
    const answer = await get('/metrics')
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(answer.body).toContain('mintline_tested_total{app="mintline"} 1')
  })
})
