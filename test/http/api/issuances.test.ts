import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp, csrDer, record } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const port = await createTestApp()
const { app, asked } = port
afterAll(() => app.close())
beforeEach(() => {
  asked.requests.length = 0
  port.issue = async () => ({ record, replayed: false })
})

const station = bearer('station')
const body = { csr: 'the CSR', profile: 'starter', metadata: { fixture: 'F-12' } }
const chainPem =
  '-----BEGIN CERTIFICATE-----\nMAECAw==\n-----END CERTIFICATE-----\n' +
  '-----BEGIN CERTIFICATE-----\nMAkJ\n-----END CERTIFICATE-----\n'

const post = (payload: object | string | Buffer, headers: Record<string, string> = {}, query = '') =>
  app.inject({ method: 'POST', url: `/v1/issuances${query}`, headers: { ...station, ...headers }, payload })

describe('POST /v1/issuances with JSON', () => {
  it('hands on what was asked, by whom and under which request id', async () => {
    await post(body, { 'x-request-id': 'station-7-000451' })
    expect(asked.requests).toEqual([
      {
        csr: Buffer.from('the CSR'),
        profile: 'starter',
        metadata: { fixture: 'F-12' },
        station: { tokenId: 'token-of-station', name: 'station-1', role: 'station' },
        requestId: 'station-7-000451'
      }
    ])
  })

  it('answers 201 with exactly the members of the contract', async () => {
    const answer = await post(body)
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toEqual({
      id: record.id,
      profile: 'starter',
      profileVersion: 3,
      templateSha256: '5a'.repeat(32),
      authority: 'starter-g1',
      serialNumber: '00f33a9c0e41b7d288',
      certificateId: '9f'.repeat(32),
      subject: { Country: 'DE', CommonName: 'sensor-000451' },
      notBefore: '2026-11-23T09:00:00Z',
      notAfter: '9999-12-31T23:59:59Z',
      certificatePem: '-----BEGIN CERTIFICATE-----\nMAECAw==\n-----END CERTIFICATE-----\n',
      chainPem,
      issuedAt: '2026-11-23T10:00:00.123Z',
      thing: record.thing,
      notes: [],
      replayed: false
    })
    expect(await faultsOf('Issuance', answer.json())).toEqual([])
    expect(answer.headers).toMatchObject({
      location: `/v1/issuances/${record.id}`,
      'mintline-issuance-id': record.id,
      'mintline-replayed': 'false',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff'
    })
  })

  it('answers 200 and says so when the same was asked before', async () => {
    port.issue = async () => ({ record, replayed: true })
    const answer = await post(body)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ replayed: true })
    expect(answer.headers['mintline-replayed']).toBe('true')
  })

  it('takes metadata to be empty when it is left out', async () => {
    await post({ csr: 'x', profile: 'starter' })
    expect(asked.requests[0]?.metadata).toEqual({})
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
    const answer = await post(payload)
    expect([answer.statusCode, problemOf(answer).code]).toEqual([400, 'request_invalid'])
    expect(pointersOf(answer)).toEqual([...pointers].sort())
    expect(asked.requests).toEqual([])
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
    const answer = await post(Buffer.from(csrDer), { 'content-type': type }, '?profile=starter')
    expect(answer.statusCode).toBe(201)
    expect(new Uint8Array(asked.requests[0]?.csr ?? [])).toEqual(csrDer)
  })

  it('reads metadata from the query', async () => {
    const query = '?profile=starter&metadata=fixture:F-12&metadata=note:a%3Ab%20c'
    await post('x', { 'content-type': 'application/pkcs10' }, query)
    expect(asked.requests[0]).toMatchObject({
      profile: 'starter',
      metadata: { fixture: 'F-12', note: 'a:b c' }
    })
  })

  it('reads a single metadata entry', async () => {
    await post('x', { 'content-type': 'application/pkcs10' }, '?profile=starter&metadata=fixture:')
    expect(asked.requests[0]?.metadata).toEqual({ fixture: '' })
  })

  it.each([
    ['no profile', '', ['/query/profile']],
    ['a profile twice', '?profile=starter&profile=other', ['/query/profile']],
    ['an unknown parameter', '?profile=starter&firmware=1', ['/query/firmware']],
    ['a metadata entry without a colon', '?profile=starter&metadata=fixture', ['/query/metadata/0']],
    ['a metadata key twice', '?profile=starter&metadata=a:1&metadata=a:2', ['/query/metadata']]
  ])('refuses %s', async (_name, query, pointers) => {
    const answer = await post('x', { 'content-type': 'application/pkcs10' }, query)
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(pointersOf(answer)).toEqual(pointers)
    expect(asked.requests).toEqual([])
  })

  it.each([
    ['another type', { 'content-type': 'text/plain' }],
    ['a multipart form', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['no type at all', {}],
    ['nonsense for a type', { 'content-type': 'csr' }]
  ])('refuses %s and says which type to send', async (_name, headers) => {
    const answer = await post('x', headers, '?profile=starter')
    expect([answer.statusCode, problemOf(answer).code]).toEqual([415, 'media_type_unsupported'])
    expect(problemOf(answer).detail).toContain("-H 'Content-Type: application/pkcs10'")
  })

  it('refuses a request without any body', async () => {
    const answer = await app.inject({ method: 'POST', url: '/v1/issuances', headers: station })
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(asked.requests).toEqual([])
  })
})

describe('the form of the answer', () => {
  it('is the chain alone when that is accepted', async () => {
    const answer = await post(body, { accept: 'application/pem-certificate-chain' })
    expect(answer.headers['content-type']).toBe('application/pem-certificate-chain')
    expect(answer.body).toBe(chainPem)
    expect(answer.headers).toMatchObject({
      'mintline-issuance-id': record.id,
      'mintline-replayed': 'false',
      vary: 'Accept'
    })
  })

  it('is the DER alone when that is accepted', async () => {
    const answer = await post(body, { accept: 'application/pkix-cert' })
    expect(answer.headers['content-type']).toBe('application/pkix-cert')
    expect(new Uint8Array(answer.rawPayload)).toEqual(record.certificateDer)
  })

  it('is refused before anything is issued when none is acceptable', async () => {
    const answer = await post(body, { accept: 'text/html' })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([406, 'not_acceptable'])
    expect(asked.requests).toEqual([])
  })

  it('is a problem document for a refusal, whatever is accepted', async () => {
    port.issue = async () => {
      throw new MintlineError('key_refused', 'No.', { members: { issuanceId: record.id } })
    }
    const answer = await post(body, { accept: 'application/pkix-cert' })
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.json()).toMatchObject({
      code: 'key_refused',
      status: 422,
      instance: `/v1/issuances/${record.id}`
    })
  })
})
