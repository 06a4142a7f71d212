import { afterAll, describe, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp, record } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())

const admin = bearer('admin')
const get = (url: string) => app.inject({ url, headers: admin })
const post = (url: string, payload: object | string, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, headers: { ...admin, ...headers }, payload })

const body = {
  line: 'starter',
  key: { kind: 'local', keyType: 'P-256' },
  subject: { CommonName: 'Starter CA' },
  certificate: { kind: 'self-signed', days: 9125 }
}

describe('reading authorities', () => {
  it.each([
    ['/v1/authorities', ['starter-g1', 'starter-g2']],
    ['/v1/authorities/starter', ['starter-g1', 'starter-g2']],
    ['/v1/authorities/starter-g2', ['starter-g2']]
  ])('%s lists %j', async (url, names) => {
    const answer = await get(url)
    expect(answer.json<{ items: { name: string }[] }>().items.map(({ name }) => name)).toEqual(names)
    expect(await faultsOf('AuthorityList', answer.json())).toEqual([])
  })

  it.each([
    ['/v1/authorities', undefined],
    ['/v1/authorities/starter', 'starter']
  ])('%s explains the serial numbers that are not on record', async (url, asker) => {
    const { openCertificateIntents } = (await get(url)).json<{ openCertificateIntents: object[] }>()
    expect(asked.openIntentsOf.at(-1)).toBe(asker)
    expect(openCertificateIntents).toEqual([
      {
        purpose: 'cross-signed',
        authority: 'starter-g2',
        issuer: 'starter-g1',
        key: { kind: 'local', keyFile: 'starter-g1.key.pem' },
        serialNumber: '5f3a9c',
        createdAt: '2026-11-23T10:00:00.123Z',
        createdBy: 'admin/admin-1'
      }
    ])
  })

  it('leaves out the certificate that is still to come', async () => {
    const [item] = (await get('/v1/authorities/starter-g2')).json<{ items: object[] }>().items
    expect(item).not.toHaveProperty('certificate')
  })

  it('tells a count from a bound', async () => {
    const { items } = (await get('/v1/authorities')).json<{ items: object[] }>()
    expect(items.map(item => 'issuances' in item && 'issuancesAtLeast' in item)).toEqual([false, false])
    expect(items).toMatchObject([{ issuancesAtLeast: 10_000 }, { issuances: 7 }])
  })

  it('says so when there is none', async () => {
    expect(problemOf(await get('/v1/authorities/other')).code).toBe('authority_not_found')
  })

  it('gives the plan', async () => {
    const answer = await get('/v1/authorities/starter/plan')
    expect(answer.json()).toMatchObject({ ready: false, missing: [{ pointer: '/successor' }] })
    expect(await faultsOf('RotationPlan', answer.json())).toEqual([])
  })

  it('gives the request as PEM', async () => {
    const answer = await get('/v1/authorities/starter-g2/csr')
    expect(answer.body).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----\n/)
  })

  it.each(['/v1/authorities/starter-g1/certificate', '/v1/trust-bundle'])('%s is public PEM', async url => {
    const answer = await app.inject(url)
    expect(answer.headers['content-type']).toMatch(/^application\/pem-certificate-chain/)
    expect(answer.body).toMatch(/^-----BEGIN CERTIFICATE-----\n/)
  })
})

describe('acting on authorities', () => {
  it('makes a generation and says where it is', async () => {
    const answer = await post('/v1/authorities', body)
    expect([answer.statusCode, answer.headers['location']]).toEqual([201, '/v1/authorities/starter-g2'])
    expect(asked.authorityRequests.at(-1)).toEqual(body)
    expect(await faultsOf('AuthorityGeneration', answer.json())).toEqual([])
  })

  it.each([
    [
      'an alias of a KMS key',
      { key: { kind: 'kms', keyId: 'alias/ca', region: 'eu-central-1' } },
      '/key/keyId'
    ],
    ['a file path', { key: { kind: 'local', keyFile: '../../etc/passwd' } }, '/key/keyFile'],
    ['a key type that no CA has', { key: { kind: 'local', keyType: 'Ed25519' } }, '/key/keyType'],
    ['no CommonName', { subject: { Organization: 'Acme' } }, '/subject/CommonName'],
    ['a line with a slash', { line: '../x' }, '/line']
  ])('refuses %s', async (_what, change, pointer) => {
    const answer = await post('/v1/authorities', { ...body, ...change })
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(pointersOf(answer)).toContain(pointer)
  })

  it.each(['activate', 'retire', 'compromise'])('hands on who asks to %s, and why', async verb => {
    const answer = await post(`/v1/authorities/starter-g1/${verb}`, { reason: 'planned' })
    expect(answer.statusCode).toBe(200)
    const requestId = answer.headers['x-request-id']
    expect(asked.steps.at(-1)).toEqual({
      verb,
      name: 'starter-g1',
      act: { actor: 'admin/admin-1', reason: 'planned', requestId }
    })
  })

  it.each(['activate', 'retire', 'compromise', 'cross-sign'])(
    'refuses to %s without a reason',
    async verb => {
      const answer = await post(`/v1/authorities/starter-g1/${verb}`, { authority: 'starter-g2' })
      expect(pointersOf(answer)).toContain('/reason')
    }
  )

  it.each([
    ['as JSON', { chain: 'PEM' }, {}],
    ['as it is', 'PEM', { 'content-type': 'application/pem-certificate-chain' }]
  ])('takes the chain %s', async (_form, payload, headers) => {
    const answer = await post('/v1/authorities/starter-g2/certificate', payload, headers)
    expect(answer.statusCode).toBe(200)
    expect(asked.steps.at(-1)).toMatchObject({ verb: 'certify', name: 'starter-g2', with: 'PEM' })
  })

  it('cross-signs and gives the certificate', async () => {
    const payload = { authority: 'starter-g2', reason: 'planned' }
    const answer = await post('/v1/authorities/starter-g1/cross-sign', payload)
    expect(answer.statusCode).toBe(201)
    expect(answer.json<{ certificate: string }>().certificate).toContain(
      Buffer.from(record.certificateDer).toString('base64')
    )
    expect(asked.steps.at(-1)).toMatchObject({ name: 'starter-g1', with: 'starter-g2' })
  })
})
