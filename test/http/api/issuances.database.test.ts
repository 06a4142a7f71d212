import { createHash, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Issuance } from '../../../src/http/api/issuances/schemas.ts'
import type { IssuanceEntryView } from '../../../src/http/api/records/schemas.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { type Answer, type HttpService, openService, type Request, someSubject } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

const pemOf = (csr: Uint8Array) => encodePem('CERTIFICATE REQUEST', csr)
const newCsr = () => makeCertificationRequest(someSubject())
const newBody = () => ({ csr: pemOf(newCsr()), profile: 'starter', metadata: { fixture: 'F-12' } })
const body = newBody()
const pkcs10 = { 'content-type': 'application/pkcs10' }

const post = (payload: Request['payload'], headers: Record<string, string> = {}, query = '') =>
  service.as('station').post(`/v1/issuances${query}`, payload, headers)

const read = async (answer: Answer) =>
  (await service.as('auditor').get(answer.headers['location']!)).json<IssuanceEntryView>()

/** The records, before and after; nothing that is malformed becomes one. */
async function recordsMadeBy(act: () => Promise<void>): Promise<number> {
  const before = await service.countRecords()
  await act()
  return (await service.countRecords()) - before
}

describe('POST /v1/issuances with JSON', () => {
  it('keeps what was asked, by whom and under which request id', async () => {
    const asked = newBody()
    const answer = await post(asked, { 'x-request-id': 'station-7-000451' })
    expect(await read(answer)).toMatchObject({
      csr: asked.csr,
      profile: 'starter',
      metadata: { fixture: 'F-12' },
      station: 'starter',
      requestId: 'station-7-000451'
    })
  })

  it('answers 201 with exactly the members of the contract', async () => {
    const subject = someSubject()
    const answer = await post({ ...body, csr: pemOf(makeCertificationRequest(subject)) })
    expect(answer.statusCode).toBe(201)
    const issuance = answer.json<Issuance>()
    const certificate = new X509Certificate(issuance.certificatePem)
    const certificateId = createHash('sha256').update(certificate.raw).digest('hex')
    const authority = await service.send({ url: '/v1/authorities/starter-g1/certificate' })
    const { templateSha256 } = (await service.as('auditor').get('/v1/profiles/starter')).json<Issuance>()
    expect(issuance).toEqual({
      id: answer.headers['mintline-issuance-id'],
      profile: 'starter',
      profileVersion: 1,
      templateSha256,
      authority: 'starter-g1',
      serialNumber: certificate.serialNumber.toLowerCase().replace(/^(?=[89a-f])/, '00'),
      certificateId,
      subject,
      notBefore: certificate.validFromDate.toISOString().replace('.000', ''),
      notAfter: certificate.validToDate.toISOString().replace('.000', ''),
      certificatePem: certificate.toString(),
      chainPem: certificate.toString() + authority.body,
      issuedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      thing: {
        thingName: certificateId,
        attributes: { version: 'v1', country: 'DE' },
        thingTypeName: null,
        thingGroups: [],
        billingGroup: null
      },
      notes: [],
      replayed: false
    })
    expect(await faultsOf('Issuance', issuance)).toEqual([])
    expect(answer.headers).toMatchObject({
      location: `/v1/issuances/${issuance.id}`,
      'mintline-issuance-id': issuance.id,
      'mintline-replayed': 'false',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff'
    })
  })

  it('answers 200 and says so when the same was asked before', async () => {
    const asked = newBody()
    const first = await post(asked)
    const answer = await post(asked)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ ...first.json<Issuance>(), replayed: true })
    expect(answer.headers['mintline-replayed']).toBe('true')
  })

  it('takes metadata to be empty when it is left out', async () => {
    const answer = await post({ csr: pemOf(newCsr()), profile: 'starter' })
    expect(await read(answer)).toMatchObject({ metadata: {} })
  })

  it.each([
    ['an unknown member', { ...body, profil: 'x' }, ['/profil']],
    ['a numeric CSR', { ...body, csr: 7 }, ['/csr']],
    ['a numeric profile', { ...body, profile: 7 }, ['/profile']],
    ['an empty CSR', { ...body, csr: '' }, ['/csr']],
    ['no CSR', { profile: 'starter' }, ['/csr']],
    ['a profile name that cannot be', { ...body, profile: 'Starter_1' }, ['/profile']],
    [
      'everything wrong at once',
      { csr: null, profile: ['starter'], metadata: 'x', more: 1 },
      ['/more', '/csr', '/profile', '/metadata']
    ],
    ['a metadata value that is a number', { ...body, metadata: { firmware: 1.4 } }, ['/metadata/firmware']],
    ['a metadata key with a space', { ...body, metadata: { 'the fixture': 'x' } }, ['/metadata/the fixture']],
    [
      'a metadata key of 65 characters',
      { ...body, metadata: { ['k'.repeat(65)]: 'x' } },
      [`/metadata/${'k'.repeat(64)}`]
    ],
    ['a metadata value of 257 characters', { ...body, metadata: { k: 'v'.repeat(257) } }, ['/metadata/k']],
    ['a metadata value with a line break', { ...body, metadata: { k: 'a\nb' } }, ['/metadata/k']],
    [
      '17 metadata entries',
      { ...body, metadata: Object.fromEntries([...Array(17).keys()].map(key => [key, ''])) },
      ['/metadata']
    ],
    ['an array', [body], ['']]
  ])('refuses %s and issues nothing', async (_name, payload, pointers) => {
    const made = await recordsMadeBy(async () => {
      const answer = await post(payload)
      expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
      expect(pointersOf(answer)).toEqual([...pointers].sort())
    })
    expect(made).toBe(0)
  })

  it.each([
    ['?profile=starter', ['/query/profile']],
    ['?metadata=a:b', ['/query/metadata']],
    ['?profil=starter', ['/query/profil']]
  ])('refuses %s beside it', async (query, pointers) => {
    const answer = await post(body, {}, query)
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(pointersOf(answer)).toEqual(pointers)
  })

  it('never repeats what stood in place of the CSR', async () => {
    const secret = 'PRIVATE-KEY-PASTED-BY-MISTAKE'
    const answer = await post({ csr: [secret], profile: secret.repeat(3) })
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(answer.body).not.toContain(secret)
  })
})

describe('POST /v1/issuances with a CSR file', () => {
  it.each([
    'application/pkcs10',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'Application/PKCS10; x=y'
  ])('takes the very bytes as %s', async type => {
    const csr = newCsr()
    const answer = await post(csr, { 'content-type': type }, '?profile=starter')
    expect(answer.statusCode).toBe(201)
    expect((await read(answer)).csr).toBe(pemOf(csr))
  })

  it('reads metadata from the query', async () => {
    const query = '?profile=starter&metadata=fixture:F-12&metadata=note:a%3Ab%20c'
    expect(await read(await post(newCsr(), pkcs10, query))).toMatchObject({
      profile: 'starter',
      metadata: { fixture: 'F-12', note: 'a:b c' }
    })
  })

  it('reads a single metadata entry', async () => {
    const answer = await post(newCsr(), pkcs10, '?profile=starter&metadata=fixture:')
    expect((await read(answer)).metadata).toEqual({ fixture: '' })
  })

  it.each([
    ['no profile', '', ['/query/profile']],
    ['a profile twice', '?profile=starter&profile=other', ['/query/profile']],
    ['an unknown parameter', '?profile=starter&firmware=1', ['/query/firmware']],
    ['a metadata entry without a colon', '?profile=starter&metadata=fixture', ['/query/metadata/0']],
    ['a metadata key twice', '?profile=starter&metadata=a:1&metadata=a:2', ['/query/metadata']]
  ])('refuses %s and issues nothing', async (_name, query, pointers) => {
    const made = await recordsMadeBy(async () => {
      const answer = await post(newCsr(), pkcs10, query)
      expect(problemOf(answer).code).toBe('request_invalid')
      expect(pointersOf(answer)).toEqual(pointers)
    })
    expect(made).toBe(0)
  })

  it.each<[string, Record<string, string>]>([
    ['another type', { 'content-type': 'text/plain' }],
    ['a multipart form', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['no type at all', {}],
    ['nonsense for a type', { 'content-type': 'csr' }]
  ])('refuses %s and says which type to send', async (_name, headers) => {
    const answer = await post(newCsr(), headers, '?profile=starter')
    expect([answer.statusCode, problemOf(answer).code]).toEqual([415, 'media_type_unsupported'])
    expect(problemOf(answer).detail).toContain("-H 'Content-Type: application/pkcs10'")
  })

  it('refuses a request without any body', async () => {
    const made = await recordsMadeBy(async () => {
      expect(problemOf(await post(undefined)).code).toBe('request_invalid')
    })
    expect(made).toBe(0)
  })
})

describe('the form of the answer', () => {
  it('is the chain alone when that is accepted', async () => {
    const asked = newBody()
    const answer = await post(asked, { accept: 'application/pem-certificate-chain' })
    expect(answer.headers['content-type']).toBe('application/pem-certificate-chain')
    const { id, chainPem } = (await post(asked)).json<Issuance>()
    expect(answer.body).toBe(chainPem)
    expect(answer.headers).toMatchObject({
      'mintline-issuance-id': id,
      'mintline-replayed': 'false',
      vary: 'Accept'
    })
  })

  it('is the DER alone when that is accepted', async () => {
    const asked = newBody()
    const answer = await post(asked, { accept: 'application/pkix-cert' })
    expect(answer.headers['content-type']).toBe('application/pkix-cert')
    const { certificatePem } = (await post(asked)).json<Issuance>()
    expect(answer.rawPayload).toEqual(new X509Certificate(certificatePem).raw)
  })

  it('is refused before anything is issued when none is acceptable', async () => {
    const made = await recordsMadeBy(async () => {
      const answer = await post(newBody(), { accept: 'text/html' })
      expect([answer.statusCode, problemOf(answer).code]).toEqual([406, 'not_acceptable'])
    })
    expect(made).toBe(0)
  })

  it('is a problem document for a refusal, whatever is accepted, and names the record', async () => {
    const csr = makeCertificationRequest({ CommonName: 'nowhere' })
    const answer = await post({ ...body, csr: pemOf(csr) }, { accept: 'application/pkix-cert' })
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.json()).toMatchObject({ code: 'subject_refused', status: 422 })
    const { instance } = problemOf(answer)
    expect(instance).toMatch(/^\/v1\/issuances\//)
    const entry = (await service.as('auditor').get(instance!)).json<IssuanceEntryView>()
    expect(entry).toMatchObject({ outcome: 'rejected', code: 'subject_refused', csr: pemOf(csr) })
  })
})
