import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PreviewView } from '../../../src/http/api/preview/schemas.ts'
import { encodePem } from '../../../src/pki/pem/pem.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { pointersOf, problemOf } from '../answer.ts'
import { type HttpService, openService, type Request, someSubject } from '../service.ts'
import { faultsOf } from '../shared-schema.ts'

const subject = someSubject()
const csr = makeCertificationRequest(subject)
const csrPem = encodePem('CERTIFICATE REQUEST', csr)
const document =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}'

/** A policy that must exist, one that AWS makes, and a thing in a group. */
const richTemplate = {
  ...starterProfile.template,
  Resources: {
    thing: {
      Type: 'AWS::IoT::Thing',
      Properties: { ThingName: { Ref: 'AWS::IoT::Certificate::Id' }, ThingGroups: ['sensors'] }
    },
    certificate: (starterProfile.template as { Resources: { certificate: object } }).Resources.certificate,
    named: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'sensor' } },
    made: { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument: document } }
  }
}

let service: HttpService
let certificatePem: string
let chainPem: string

beforeAll(async () => {
  service = await openService()
  ;({ certificatePem, chainPem } = await service.issue())
  const posted = await service
    .as('admin')
    .post('/v1/profiles', { ...starterProfile, name: 'sensors', template: richTemplate })
  expect(posted.statusCode).toBe(201)
})
afterAll(() => service.stop())

const post = (payload: Request['payload'], contentType = 'application/json', profile = 'sensors') =>
  service.as('station').post(`/v1/profiles/${profile}/preview`, payload, { 'content-type': contentType })

interface Sent {
  readonly payload: () => Request['payload']
  readonly contentType: string
}

describe('POST /v1/profiles/{name}/preview', () => {
  it('answers what would come of it, as the schema says', async () => {
    const answer = await post({ csr: csrPem })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({
      profile: 'sensors',
      profileVersion: 1,
      subject,
      thing: { thingName: null, thingNameFrom: 'certificateId', thingGroups: ['sensors'] },
      certificate: { status: 'ACTIVE' },
      policies: [{ policyName: 'sensor' }, { policyDocument: document, predictedName: null }]
    })
    expect(await faultsOf('Preview', answer.json())).toEqual([])
  })

  it('issues nothing and records nothing', async () => {
    const before = await service.countRecords()
    await post({ csr: csrPem })
    await post(makeCertificationRequest({ CommonName: 'refused' }), 'application/pkcs10')
    expect(await service.countRecords()).toBe(before)
  })

  it.each<[string, Sent, 'csr' | 'certificate']>([
    ['a CSR in JSON', { payload: () => ({ csr: csrPem }), contentType: 'application/json' }, 'csr'],
    [
      'a certificate in JSON',
      { payload: () => ({ certificate: certificatePem }), contentType: 'application/json' },
      'certificate'
    ],
    ['a CSR file', { payload: () => csr, contentType: 'application/pkcs10' }, 'csr'],
    [
      'a certificate file',
      { payload: () => new X509Certificate(certificatePem).raw, contentType: 'application/pkix-cert' },
      'certificate'
    ],
    [
      'a chain, its type with a parameter',
      { payload: () => chainPem, contentType: 'Application/PEM-certificate-chain; charset=utf-8' },
      'certificate'
    ]
  ])('takes %s', async (_, { payload, contentType }, kind) => {
    const answer = await post(payload(), contentType)
    expect(answer.statusCode).toBe(200)
    const preview = answer.json<PreviewView>()
    if (kind === 'csr') {
      expect([preview.subject, preview.thing?.thingName]).toEqual([subject, null])
      return
    }
    // Of a certificate the id is known, and so is the name of its thing.
    const fingerprint = new X509Certificate(certificatePem).fingerprint256.replaceAll(':', '').toLowerCase()
    expect(preview.thing?.thingName).toBe(fingerprint)
  })

  it.each([
    ['both', { csr: csrPem, certificate: 'x' }],
    ['neither', {}],
    ['something else', { csr: csrPem, profile: 'starter' }]
  ])('refuses %s', async (_, payload) => {
    const answer = await post(payload)
    expect(problemOf(answer)).toMatchObject({ status: 400, code: 'request_invalid' })
    expect(pointersOf(answer).length).toBeGreaterThan(0)
  })

  it('refuses an unknown type and an unknown profile', async () => {
    expect(problemOf(await post('x', 'text/plain')).code).toBe('media_type_unsupported')
    expect(problemOf(await post({ csr: csrPem }, undefined, 'nowhere')).code).toBe('profile_not_found')
  })

  it('refuses what an issuance would refuse', async () => {
    const answer = await post(makeCertificationRequest({ CommonName: 'refused' }), 'application/pkcs10')
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'subject_refused'])
    expect(pointersOf(answer)).toEqual(['/subject/Country'])
  })
})
