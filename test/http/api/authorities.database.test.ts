import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  AuthorityGenerationView,
  OpenCertificateIntentView
} from '../../../src/http/api/authorities/schemas.ts'
import { act, createTestAdministration } from '../../support/authority-administration.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { generationBody, makeGeneration, makeSignedChain } from '../generations.ts'
import { type HttpService, openService, type Request } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'

let service: HttpService

beforeAll(async () => {
  service = await openService()
  await makeGeneration(service, 'starter', 'pending')
  await makeGeneration(service, 'pumps', 'active')
})
afterAll(() => service.stop())

const get = (url: string) => service.as('admin').get(url)
const post = (url: string, payload: Request['payload'], headers: Record<string, string> = {}) =>
  service.as('admin').post(url, payload, headers)

interface AuthorityList {
  readonly items: readonly AuthorityGenerationView[]
  readonly openCertificateIntents: readonly OpenCertificateIntentView[]
}

const read = async (url: string) => (await get(url)).json<AuthorityList>()
const stateOf = async (name: string) => (await read(`/v1/authorities/${name}`)).items[0]?.state
const body = generationBody('starter')

describe('reading authorities', () => {
  it.each([
    ['/v1/authorities', ['starter-g1', 'starter-g2', 'pumps-g1']],
    ['/v1/authorities/starter', ['starter-g1', 'starter-g2']],
    ['/v1/authorities/starter-g2', ['starter-g2']]
  ])('%s lists %j', async (url, names) => {
    const answer = await get(url)
    expect(answer.json<AuthorityList>().items.map(({ name }) => name)).toEqual(names)
    expect(await faultsOf('AuthorityList', answer.json())).toEqual([])
  })

  it('leaves out the certificate that is still to come', async () => {
    const [item] = (await read('/v1/authorities/starter-g2')).items
    expect(item).toMatchObject({ state: 'pending' })
    expect(item).not.toHaveProperty('certificate')
  })

  it('counts what a generation issued', async () => {
    await service.issue()
    expect((await read('/v1/authorities/starter-g1')).items).toMatchObject([{ issuances: 1 }])
    expect((await read('/v1/authorities/pumps-g1')).items).toMatchObject([{ issuances: 0 }])
  })

  it('says so when there is none', async () => {
    expect(problemOf(await get('/v1/authorities/other')).code).toBe('authority_not_found')
  })

  it('gives the plan', async () => {
    const answer = await get('/v1/authorities/starter/plan')
    expect(answer.json()).toMatchObject({
      line: 'starter',
      active: 'starter-g1',
      successor: 'starter-g2',
      ready: false,
      missing: [{ pointer: '/successor/certificate' }]
    })
    expect(await faultsOf('RotationPlan', answer.json())).toEqual([])
    const other = await get('/v1/authorities/pumps/plan')
    expect(other.json()).toMatchObject({ ready: false, missing: [{ pointer: '/successor' }] })
  })

  it('gives the request as PEM', async () => {
    const answer = await get('/v1/authorities/starter-g2/csr')
    expect(answer.body).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----\n/)
  })

  it.each([
    ['/v1/authorities/starter-g1/certificate', ['Mintline Starter CA G1']],
    ['/v1/trust-bundle', ['Mintline Starter CA G1', 'pumps CA']]
  ])('%s is public PEM', async (url, names) => {
    const answer = await service.send({ url })
    expect(answer.headers['content-type']).toMatch(/^application\/pem-certificate-chain/)
    const pems = answer.body.match(/-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----\n/g) ?? []
    expect(pems.join('')).toBe(answer.body)
    expect(pems.map(pem => new X509Certificate(pem).subject)).toEqual(names.map(name => `CN=${name}`))
  })
})

describe('acting on authorities', () => {
  it('makes a generation and says where it is', async () => {
    const asked = generationBody('fans')
    const answer = await post('/v1/authorities', asked)
    expect([answer.statusCode, answer.headers['location']]).toEqual([201, '/v1/authorities/fans-g1'])
    expect(await faultsOf('AuthorityGeneration', answer.json())).toEqual([])
    expect(answer.json()).toMatchObject({ line: 'fans', generation: 1, state: 'staged' })
    expect((await read('/v1/authorities/fans')).items).toEqual([answer.json()])
    expect(await service.audited('authority.create', answer.headers['x-request-id'])).toMatchObject([
      {
        actor: 'admin/starter-admin',
        subject: 'authority/fans-g1',
        after: { state: 'staged', keyType: 'P-256', subject: { CommonName: 'fans CA' } }
      }
    ])
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

  it.each([
    ['activate', 'staged', 'active'],
    ['retire', 'retiring', 'retired'],
    ['compromise', 'active', 'compromised']
  ] as const)('keeps who asks to %s, and why', async (verb, before, after) => {
    const name = await makeGeneration(service, `to-${verb}`, before)
    const answer = await post(`/v1/authorities/${name}/${verb}`, { reason: 'over' })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ name, state: after })
    expect(await stateOf(name)).toBe(after)
    expect(await service.audited(`authority.${after}`, answer.headers['x-request-id'])).toMatchObject([
      { actor: 'admin/starter-admin', subject: `authority/${name}`, reason: 'over' }
    ])
  })

  it.each(['activate', 'retire', 'compromise', 'cross-sign'])(
    'refuses to %s without a reason',
    async verb => {
      const answer = await post(`/v1/authorities/starter-g1/${verb}`, { authority: 'starter-g2' })
      expect(pointersOf(answer)).toContain('/reason')
      expect(await stateOf('starter-g1')).toBe('active')
    }
  )

  it.each<[string, (chain: string) => Request['payload'], Record<string, string>]>([
    ['as JSON', chain => ({ chain }), {}],
    ['as it is', chain => chain, { 'content-type': 'application/pem-certificate-chain' }]
  ])('takes the chain %s', async (form, payload, headers) => {
    const name = await makeGeneration(service, `chain-${form.replaceAll(' ', '-').toLowerCase()}`, 'pending')
    const chain = await makeSignedChain(service, name)
    const answer = await post(`/v1/authorities/${name}/certificate`, payload(chain), headers)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ name, state: 'staged' })
    expect((await get(`/v1/authorities/${name}/certificate`)).body).toBe(chain)
  })

  it('refuses a chain that is none, and a body that is not there', async () => {
    const url = '/v1/authorities/starter-g2/certificate'
    expect(problemOf(await post(url, { chain: 'PEM' })).status).toBe(422)
    expect(problemOf(await post(url, undefined)).code).toBe('request_invalid')
    expect(await stateOf('starter-g2')).toBe('pending')
  })

  it('cross-signs, gives the certificate, and has it in the trust bundle', async () => {
    const subject = await makeGeneration(service, 'crossed')
    const answer = await post('/v1/authorities/starter-g1/cross-sign', {
      authority: subject,
      reason: 'planned'
    })
    expect(answer.statusCode).toBe(201)
    const { certificate } = answer.json<{ certificate: string }>()
    const { issuer, subject: name } = new X509Certificate(certificate)
    expect([issuer, name]).toEqual(['CN=Mintline Starter CA G1', 'CN=crossed CA'])
    expect((await service.send({ url: '/v1/trust-bundle' })).body).toContain(certificate)
    expect(await service.audited('authority.cross-sign', answer.headers['x-request-id'])).toMatchObject([
      { actor: 'admin/starter-admin', reason: 'planned' }
    ])
  })
})

describe('a CA certificate that was never recorded', () => {
  it.each([
    ['/v1/authorities', true],
    ['/v1/authorities/cut-off', true],
    ['/v1/authorities/pumps', false]
  ])('is explained at %s: %s', async (url, isThere) => {
    const subject = await makeGeneration(service, 'cut-off')
    const { administration } = createTestAdministration(service.database, service.dataDirectory, {
      wrapOpener: open => async reference => ({
        ...(await open(reference)),
        sign: async () => {
          throw new Error('cut off')
        }
      })
    })
    await expect(administration.crossSign('starter-g1', subject, act)).rejects.toThrow('cut off')
    const [{ key } = { key: undefined }] = (await read('/v1/authorities/starter-g1')).items
    const open = (await read(url)).openCertificateIntents
    const mine = open.filter(({ authority }) => authority === subject)
    expect(mine).toEqual(
      isThere
        ? [
            {
              purpose: 'cross-signed',
              authority: subject,
              issuer: 'starter-g1',
              key,
              serialNumber: expect.stringMatching(/^[0-9a-f]{2,40}$/) as string,
              createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
              createdBy: 'admin/test'
            }
          ]
        : []
    )
  })
})

// Last, since it retires the starter's generation.
describe('a generation with issuances that are not finished', () => {
  it('is not retired, nor are its registrations touched, unless they are given up', async () => {
    const id = await service.leaveOpen()
    await makeGeneration(service, 'starter', 'active')
    const registrations = '/v1/authorities/starter-g1/aws-registrations'
    const desired = { region: 'eu-central-1', setAsActive: true, allowAutoRegistration: true }
    expect((await post(registrations, { ...desired, certificateMode: 'DEFAULT' })).statusCode).toBe(202)
    const retire = { reason: 'over', aws: 'deactivate' }
    const refused = await post('/v1/authorities/starter-g1/retire', retire)
    expect([refused.statusCode, problemOf(refused).code]).toEqual([409, 'intents_open'])
    expect(refused.json()).toMatchObject({ openIntents: 1 })
    expect(await stateOf('starter-g1')).toBe('retiring')
    const desiredNow = async () =>
      (await get(registrations)).json<{ items: readonly { desired: { setAsActive: boolean } }[] }>().items[0]
        ?.desired.setAsActive
    expect(await desiredNow()).toBe(true)
    const retired = await post('/v1/authorities/starter-g1/retire', { ...retire, abandon: true })
    expect(retired.json()).toMatchObject({ state: 'retired' })
    expect(await desiredNow()).toBe(false)
    const ended = (await get(`/v1/issuances/${id}`)).json()
    expect(ended).toMatchObject({ outcome: 'void', reason: 'starter-g1 was retired: over' })
  })
})
