import { afterAll, describe, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp, csrDer, entries } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())

const get = (url: string) => app.inject({ url, headers: bearer('auditor') })
const csrPem = `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(csrDer)
  .toString('base64')
  .replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE REQUEST-----\n`

const common = {
  requestedAt: '2026-11-23T10:00:00.123Z',
  station: 'station-7',
  profile: 'starter',
  metadata: { fixture: 'F-12' },
  requestId: 'request-1'
}
const intent = {
  profileVersion: 3,
  templateSha256: '5a'.repeat(32),
  authority: 'starter-g1',
  serialNumber: '00f33a9c0e41b7d288',
  subject: { Country: 'DE', CommonName: 'sensor-000451' },
  notBefore: '2026-11-23T09:00:00Z',
  notAfter: '9999-12-31T23:59:59Z',
  csr: csrPem,
  notes: []
}

const views = {
  issued: {
    outcome: 'issued',
    id: entries['issued']?.id,
    ...common,
    ...intent,
    certificateId: '9f'.repeat(32),
    certificatePem: '-----BEGIN CERTIFICATE-----\nMAECAw==\n-----END CERTIFICATE-----\n',
    chainPem:
      '-----BEGIN CERTIFICATE-----\nMAECAw==\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMAkJ\n-----END CERTIFICATE-----\n',
    issuedAt: '2026-11-23T10:00:00.123Z',
    thing: {
      thingName: 'sensor-000451',
      attributes: { line: 'A7' },
      thingTypeName: null,
      thingGroups: ['sensors'],
      billingGroup: null
    }
  },
  unknown: { outcome: 'unknown', id: entries['unknown']?.id, ...common, ...intent },
  rejected: {
    outcome: 'rejected',
    id: entries['rejected']?.id,
    ...common,
    profileVersion: 3,
    authority: 'starter-g1',
    code: 'subject_refused',
    detail: 'One field is refused.',
    violations: [
      { pointer: '/subject/Country', expected: 'two letters', found: '"D"', message: 'Correct it.' }
    ],
    csr: csrPem,
    csrEncoding: 'pem'
  },
  unreadable: {
    outcome: 'rejected',
    id: entries['unreadable']?.id,
    ...common,
    code: 'csr_malformed',
    detail: 'Not a CSR.',
    violations: [],
    csr: '/wBB',
    csrEncoding: 'base64'
  }
}

describe('GET /v1/issuances/{id}', () => {
  it.each(Object.entries(views))('shows what was %s, as the schema says', async (_name, view) => {
    const answer = await get(`/v1/issuances/${view.id}`)
    expect(answer.json()).toEqual(view)
    expect(await faultsOf('IssuanceEntry', answer.json())).toEqual([])
  })

  it.each([
    ['an id without a record', '019ab1f0-0000-7c6a-9b61-0d6f0b8f2a11', 404, 'issuance_not_found'],
    ['what is no id', '42', 400, 'request_invalid']
  ])('refuses %s', async (_name, id, status, code) => {
    const answer = await get(`/v1/issuances/${id}`)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([status, code])
  })
})

describe('GET /v1/issuances', () => {
  it('answers a page and how to go on', async () => {
    const answer = await get('/v1/issuances')
    expect(answer.json()).toEqual({ items: Object.values(views), nextCursor: 'older' })
    expect(await faultsOf('IssuancePage', answer.json())).toEqual([])
  })

  it('leaves nextCursor out on the last page', async () => {
    expect((await get('/v1/issuances?cursor=older')).json()).not.toHaveProperty('nextCursor')
  })

  const id = 'AB:'.repeat(31) + 'AB'
  it.each([
    ['', { limit: 50 }],
    [
      'limit=200&cursor=019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11',
      { limit: 200, cursor: '019ab1f0-7d3e-7c6a-9b61-0d6f0b8f2a11' }
    ],
    [
      'station=station-7&profile=starter&authority=starter-g1&outcome=unknown',
      { limit: 50, station: 'station-7', profile: 'starter', authority: 'starter-g1', outcome: 'unknown' }
    ],
    [
      'from=2026-11-23T00:00:00%2B01:00&to=2026-11-24T00:00:00.5Z',
      { limit: 50, from: new Date('2026-11-22T23:00:00Z'), to: new Date('2026-11-24T00:00:00.5Z') }
    ],
    [`certificateId=${id}`, { limit: 50, certificateId: 'ab'.repeat(32) }],
    ['serialNumber=5F:3A', { limit: 50, serialNumber: '5f3a' }],
    ['serialNumber=F33A', { limit: 50, serialNumber: '00f33a' }],
    ['serialNumber=00f33a', { limit: 50, serialNumber: '00f33a' }],
    ['serialNumber=0:01', { limit: 50, serialNumber: '01' }],
    ['serialNumber=00', { limit: 50, serialNumber: '00' }]
  ])('asks for %s', async (query, expected) => {
    await get(`/v1/issuances?${query}`)
    expect(asked.queries.at(-1)).toEqual(expected)
  })

  it.each([
    ['limit=0', ['/query/limit']],
    ['limit=201', ['/query/limit']],
    ['limit=1e2', ['/query/limit']],
    ['limit=', ['/query/limit']],
    ['outcome=lost', ['/query/outcome']],
    ['from=yesterday&to=2026-11-24', ['/query/from', '/query/to']],
    ['serialNumber=xyz', ['/query/serialNumber']],
    ['certificateId=ab', ['/query/certificateId']],
    ['station=', ['/query/station']],
    ['station=a&station=b', ['/query/station']],
    ['stations=a', ['/query/stations']]
  ])('refuses %s', async (query, pointers) => {
    const before = asked.queries.length
    const answer = await get(`/v1/issuances?${query}`)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)).toEqual(pointers)
    expect(asked.queries).toHaveLength(before)
  })
})
