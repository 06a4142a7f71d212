import { hash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuance } from '../../../src/http/api/issuances/schemas.ts'
import type { IssuancePageView } from '../../../src/http/api/records/schemas.ts'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import { encodeElement, encodeSequence } from '../../../src/pki/der/writer.ts'
import { buildName } from '../../../src/pki/name/name.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import {
  makeCertificationRequest,
  makeDeviceKey,
  signCertificationRequest
} from '../../support/certification-request.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { issueCompromised, issueReleasable } from '../generations.ts'
import { type HttpService, openService, someSubject } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'

const outcomes = ['issued', 'unknown', 'rejected', 'unreadable'] as const
type Outcome = (typeof outcomes)[number]

const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string
const second = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string
const metadata = { fixture: 'F-12' }
const credential = expect.stringMatching(/^[0-9a-f-]{36}$/) as string
const common = { requestedAt: instant, station: 'starter', credential, profile: 'starter', metadata }

let service: HttpService
let issuance: Issuance
/** What is to be read of a request of each kind, in the order of the requests. */
const views = new Map<Outcome, Readonly<Record<string, unknown>> & { readonly id: string }>()

const pemOf = (csr: Uint8Array) => encodePem('CERTIFICATE REQUEST', csr)
const spkiOf = (csr: Uint8Array) => hash('sha256', parseCertificationRequest(csr).spkiDer)
const get = (url: string) => service.as('auditor').get(url)
const list = async (query: string) => (await get(`/v1/issuances?${query}`)).json<IssuancePageView>()

function post(csr: Uint8Array, requestId: string) {
  const headers = { 'content-type': 'application/pkcs10', 'x-request-id': requestId }
  return service.as('station').post('/v1/issuances?profile=starter&metadata=fixture:F-12', csr, headers)
}

async function makeIssued() {
  const csr = makeCertificationRequest(someSubject())
  issuance = (await post(csr, 'asked-1')).json<Issuance>()
  const { replayed, ...shown } = issuance
  expect(replayed).toBe(false)
  views.set('issued', {
    outcome: 'issued',
    state: 'issued',
    spkiSha256: spkiOf(csr),
    ...common,
    ...shown,
    requestId: 'asked-1',
    csr: pemOf(csr)
  })
}

async function makeUnknown() {
  const subject = someSubject()
  const csr = makeCertificationRequest(subject)
  const id = await service.leaveOpen(csr, metadata)
  views.set('unknown', {
    outcome: 'unknown',
    state: 'unknown',
    spkiSha256: spkiOf(csr),
    id,
    ...common,
    requestId: 'test',
    profileVersion: 1,
    templateSha256: issuance.templateSha256,
    authority: 'starter-g1',
    serialNumber: expect.stringMatching(/^[0-9a-f]{2,40}$/) as string,
    subject,
    notBefore: second,
    notAfter: second,
    csr: pemOf(csr),
    notes: []
  })
}

async function makeRejected() {
  const csr = makeCertificationRequest({ CommonName: 'refused' })
  const { issuanceId, detail, violations } = problemOf(await post(csr, 'asked-3'))
  const known = { profileVersion: 1, authority: 'starter-g1' }
  const why = { code: 'subject_refused', detail, violations }
  const sent = { csr: pemOf(csr), csrEncoding: 'pem' }
  const view = { id: issuanceId!, ...common, requestId: 'asked-3', ...known, ...why, ...sent }
  const asked = { state: 'refused', spkiSha256: spkiOf(csr), subject: { CommonName: 'refused' } }
  views.set('rejected', { outcome: 'rejected', ...asked, ...view })
}

async function makeUnreadable() {
  const { issuanceId, detail } = problemOf(await post(new Uint8Array([0xff, 0x00, 0x41]), 'asked-4'))
  const why = { code: 'csr_malformed', detail, violations: [] }
  const sent = { csr: '/wBB', csrEncoding: 'base64' }
  const view = { id: issuanceId!, ...common, requestId: 'asked-4', ...why, ...sent }
  views.set('unreadable', { outcome: 'rejected', state: 'refused', ...view })
}

beforeAll(async () => {
  service = await openService()
  await makeIssued()
  await makeUnknown()
  await makeRejected()
  await makeUnreadable()
})
afterAll(() => service.stop())

describe('GET /v1/issuances/{id}', () => {
  it.each(outcomes)('shows what was %s, as the schema says', async outcome => {
    const view = views.get(outcome)!
    const answer = await get(`/v1/issuances/${view.id}`)
    expect(answer.json()).toEqual(view)
    expect(await faultsOf('IssuanceEntry', answer.json())).toEqual([])
  })

  it('says in violations what was refused', async () => {
    expect(views.get('rejected')).toMatchObject({ violations: [{ pointer: '/subject/Country' }] })
  })

  it.each([
    [
      'an id without a record',
      '019ab1f0-0000-7c6a-9b61-0d6f0b8f2a11',
      { status: 404, code: 'issuance_not_found' }
    ],
    ['what is no id', '42', { status: 400, code: 'request_invalid' }]
  ])('refuses %s', async (_name, id, { status, code }) => {
    const answer = await get(`/v1/issuances/${id}`)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([status, code])
  })
})

describe('GET /v1/issuances', () => {
  const sent = ['csr', 'csrEncoding', 'certificatePem', 'chainPem']
  const withoutPems = (view: object) =>
    Object.fromEntries(Object.entries(view).filter(([name]) => !sent.includes(name)))
  const newestFirst = () => [...views.values()].reverse().map(withoutPems)

  it('answers a page, newest first', async () => {
    const answer = await get('/v1/issuances')
    expect(answer.json()).toEqual({ items: newestFirst() })
    expect(await faultsOf('IssuancePage', answer.json())).toEqual([])
  })

  it('leads from page to page, and leaves nextCursor out on the last one', async () => {
    const first = await list('limit=2')
    expect(first.items).toEqual(newestFirst().slice(0, 2))
    const second = await list(`limit=2&cursor=${first.nextCursor}`)
    expect(second.items).toEqual(newestFirst().slice(2))
    expect(second).not.toHaveProperty('nextCursor')
  })

  const idsOf = ({ items }: IssuancePageView) => items.map(({ id }) => id)
  const idOf = (outcome: Outcome) => views.get(outcome)!.id
  const withColons = (hex: string) => hex.toUpperCase().replace(/..(?=.)/g, '$&:')

  it.each<[string, () => string, readonly Outcome[]]>([
    ['outcome', () => 'outcome=unknown', ['unknown']],
    ['outcome', () => 'outcome=rejected', ['unreadable', 'rejected']],
    ['station', () => 'station=starter&outcome=issued', ['issued']],
    ['a station that asked for nothing', () => 'station=station-7', []],
    ['profile', () => 'profile=starter', ['unreadable', 'rejected', 'unknown', 'issued']],
    ['a profile that nothing was asked for', () => 'profile=other', []],
    ['authority', () => 'authority=starter-g1&outcome=unknown', ['unknown']],
    ['another authority', () => 'authority=starter-g2', []],
    ['certificateId', () => `certificateId=${withColons(issuance.certificateId)}`, ['issued']],
    ['serialNumber', () => `serialNumber=${withColons(issuance.serialNumber)}`, ['issued']],
    ['serialNumber', () => `serialNumber=${issuance.serialNumber.replace(/^00/, '')}`, ['issued']],
    ['another serialNumber', () => 'serialNumber=01', []],
    ['from', () => 'from=2099-01-01T00:00:00Z', []],
    ['to', () => 'to=2026-01-01T00:00:00%2B01:00', []],
    ['from as a date', () => 'from=2099-01-01', []],
    ['to as a date', () => 'to=2026-01-01', []],
    ['from and to as dates', () => 'from=2020-01-01&to=2099-01-01&outcome=issued', ['issued']],
    ['from and to', () => 'from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&outcome=issued', ['issued']]
  ])('finds by %s', async (_what, query, expected) => {
    expect(idsOf(await list(query()))).toEqual(expected.map(idOf))
  })

  it.each([
    ['limit=0', ['/query/limit']],
    ['limit=201', ['/query/limit']],
    ['limit=1e2', ['/query/limit']],
    ['limit=', ['/query/limit']],
    ['outcome=lost', ['/query/outcome']],
    ['from=yesterday&to=2026-11-31', ['/query/from', '/query/to']],
    ['from=2026-11', ['/query/from']],
    ['serialNumber=xyz', ['/query/serialNumber']],
    ['certificateId=ab', ['/query/certificateId']],
    ['station=', ['/query/station']],
    ['station=a&station=b', ['/query/station']],
    ['stations=a', ['/query/stations']]
  ])('refuses %s', async (query, pointers) => {
    const answer = await get(`/v1/issuances?${query}`)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)).toEqual(pointers)
  })
})

describe('POST /v1/issuances/{id}/void', () => {
  const reason = 'changed in the database'
  const declareVoid = (id: string, body: object = { reason }) =>
    service.as('admin').post(`/v1/issuances/${id}/void`, body)

  it('ends an intent, tells who did it and why, and changes nothing when it is asked again', async () => {
    const csr = makeCertificationRequest(someSubject())
    const id = await service.leaveOpen(csr)
    const before = (await get(`/v1/issuances/${id}`)).json<object>()
    const answer = await declareVoid(id)
    expect(answer.statusCode).toBe(200)
    const ended = {
      outcome: 'void',
      state: 'void',
      voidedAt: instant,
      voidedBy: 'admin/starter-admin',
      reason
    }
    expect(answer.json()).toEqual({ ...before, ...ended })
    expect(await faultsOf('IssuanceEntry', answer.json())).toEqual([])
    expect((await get(`/v1/issuances/${id}`)).json()).toEqual(answer.json())
    expect((await list('outcome=void')).items.map(each => each.id)).toEqual([id])
    expect((await declareVoid(id, { reason: 'again' })).json()).toEqual(answer.json())
    expect(await service.audited('issuance.void', answer.headers['x-request-id'])).toMatchObject([
      { actor: 'admin/starter-admin', reason, before: { state: 'unknown' }, after: { state: 'void' } }
    ])
    // Key and device are free again.
    expect((await post(csr, 'asked-again')).statusCode).toBe(201)
  })

  it.each<[string, { readonly id: () => string; readonly body: object }, number]>([
    ['what is issued', { id: () => views.get('issued')!.id, body: { reason } }, 409],
    ['a refusal', { id: () => views.get('rejected')!.id, body: { reason } }, 409],
    ['what is not there', { id: () => '019ab1f0-0000-7c6a-9b61-0d6f0b8f2a11', body: { reason } }, 404],
    ['an intent without a reason', { id: () => views.get('unknown')!.id, body: {} }, 400]
  ])('refuses %s', async (_what, { id, body }, status) => {
    expect((await declareVoid(id(), body)).statusCode).toBe(status)
    expect((await list('outcome=void')).items).toHaveLength(1)
  })
})

describe('a page of large records', () => {
  it('ends early, and the next one goes on from there', async () => {
    const padding = encodeElement(0x04, new Uint8Array(15_000))
    const attribute = encodeSequence(
      encodeElement(0x06, Uint8Array.of(0x55, 4, 3)),
      encodeElement(0x31, padding)
    )
    const attributesDer = encodeElement(0xa0, attribute)
    // Refused for its subject, and kept whole.
    const key = makeDeviceKey()
    for (let count = 0; count < 80; count++) {
      // Each with a signature of its own: what is the same would be counted.
      const csr = signCertificationRequest(buildName({ Country: 'US' }), key, { attributesDer })
      expect((await post(csr, `large-${count}`)).statusCode).toBe(422)
    }
    const ids: string[] = []
    let cursor = ''
    let pages = 0
    do {
      const page = await list(`limit=200&outcome=rejected${cursor}`)
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor === undefined ? '' : `&cursor=${page.nextCursor}`
      pages += 1
    } while (cursor !== '')
    expect(pages).toBe(2)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBeGreaterThanOrEqual(80)
  })
})

describe('POST /v1/issuances/{id}/release', () => {
  const reason = 'back for rework'
  const release = (id: string, body: object = { reason }) =>
    service.as('admin').post(`/v1/issuances/${id}/release`, body)

  it('lets a device of a compromised generation have its next certificate, once, and tells who did it and why', async () => {
    const csr = makeCertificationRequest(someSubject())
    const id = await issueCompromised(service, csr)
    const before = (await get(`/v1/issuances/${id}`)).json<object>()
    const answer = await release(id)
    expect(answer.statusCode).toBe(200)
    const released = { releasedAt: instant, releasedBy: 'admin/starter-admin', releaseReason: reason }
    expect(answer.json()).toEqual({ ...before, ...released })
    expect(await faultsOf('IssuanceEntry', answer.json())).toEqual([])
    expect((await release(id, { reason: 'again' })).json()).toEqual(answer.json())
    expect(await service.audited('issuance.release', answer.headers['x-request-id'])).toMatchObject([
      {
        actor: 'admin/starter-admin',
        reason,
        before: { state: 'revoked', released: false },
        after: { state: 'revoked', released: true }
      }
    ])
    const next = await service.as('station').post('/v1/issuances', { csr: pemOf(csr), profile: 'ended' })
    expect([next.statusCode, next.json<{ authority: string }>().authority]).toEqual([201, 'ended-g2'])
  })

  it('lets an operator release a device that is back for rework, whose next certificate supersedes the one before', async () => {
    const subject = someSubject()
    const csr = makeCertificationRequest(subject)
    const id = await issueReleasable(service, csr)
    const operator = service.as('operator')
    const released = await operator.post(`/v1/issuances/${id}/release`, { reason })
    expect([released.statusCode, released.json<{ releasedBy: string }>().releasedBy]).toEqual([
      200,
      'operator/test-operator'
    ])
    const ask = (sent: Uint8Array) =>
      service.as('station').post('/v1/issuances', { csr: pemOf(sent), profile: 'reworked' })
    const next = (await ask(makeCertificationRequest(subject))).json<Issuance>()
    const before = (await get(`/v1/issuances/${id}`)).json<object>()
    expect(before).toMatchObject({ successor: next.id, supersededAt: instant, endsAt: instant })
    expect((await get(`/v1/issuances/${next.id}`)).json()).toMatchObject({ supersedes: id })
    expect(await faultsOf('IssuanceEntry', before)).toEqual([])
    expect((await list('limit=1&outcome=issued')).items[0]).toMatchObject({ id: next.id, supersedes: id })
    const old = await ask(csr)
    expect([old.statusCode, problemOf(old)]).toEqual([
      410,
      expect.objectContaining({ code: 'certificate_superseded', laterIssuance: next.id })
    ])
  })

  it('is not for an operator where the generation is compromised, nor for what is of other lines', async () => {
    const compromised = await issueCompromised(service)
    const operator = await service.as('operator').post(`/v1/issuances/${compromised}/release`, { reason })
    expect([operator.statusCode, problemOf(operator).code]).toEqual([403, 'role_forbidden'])
    const id = await issueReleasable(service, makeCertificationRequest(someSubject()))
    const held = await service
      .as('admin')
      .post('/v1/tokens', { role: 'operator', name: 'held-operator', lines: ['line-9'] })
    const answer = await service.send({
      method: 'POST',
      url: `/v1/issuances/${id}/release`,
      headers: { authorization: `Bearer ${held.json<{ secret: string }>().secret}` },
      payload: { reason }
    })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([404, 'issuance_not_found'])
  })

  it.each<[string, { readonly id: () => string; readonly body: object }, number]>([
    ['what stands', { id: () => views.get('issued')!.id, body: { reason } }, 409],
    ['a refusal', { id: () => views.get('rejected')!.id, body: { reason } }, 409],
    ['an open intent', { id: () => views.get('unknown')!.id, body: { reason } }, 409],
    ['what is not there', { id: () => '019ab1f0-0000-7c6a-9b61-0d6f0b8f2a11', body: { reason } }, 404],
    ['what is issued, without a reason', { id: () => views.get('issued')!.id, body: {} }, 400]
  ])('refuses %s', async (_what, { id, body }, status) => {
    expect((await release(id(), body)).statusCode).toBe(status)
  })
})
