import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import {
  CertificateStateException,
  CertificateValidationException,
  CreateProvisioningTemplateCommand,
  DeleteCACertificateCommand,
  DeleteRegistrationCodeCommand,
  DescribeCACertificateCommand,
  GetRegistrationCodeCommand,
  InvalidRequestException,
  type IoTClient,
  LimitExceededException,
  ListCACertificatesCommand,
  paginateListCACertificates,
  RegisterCACertificateCommand,
  type RegisterCACertificateCommandInput,
  RegistrationCodeValidationException,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateCACertificateCommand,
  type UpdateCACertificateCommandInput
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../../../support/needs/needs.ts'
import { type CertificateWishes, makeCa, makeCertificate } from '../certificate-making.ts'
import {
  accountId,
  type ControlPlaneRehearsal,
  prepareRegistration,
  registerCa,
  roleArn,
  startControlPlane
} from './control-plane-rehearsal.ts'

let rehearsal: ControlPlaneRehearsal
let client: IoTClient

beforeAll(async () => {
  rehearsal = await startControlPlane({ accounts: new Map([['AKIDTWO', '444455556666']]) })
  client = rehearsal.client
  for (const type of ['JITP', 'FLEET_PROVISIONING'] as const)
    await client.send(
      new CreateProvisioningTemplateCommand({
        templateName: type,
        templateBody: '{"Resources":{}}',
        provisioningRoleArn: roleArn,
        type
      })
    )
})

afterAll(() => rehearsal[Symbol.asyncDispose]())

const register = (input: RegisterCACertificateCommandInput) =>
  client.send(new RegisterCACertificateCommand(input))
const describeCa = (certificateId: string) => client.send(new DescribeCACertificateCommand({ certificateId }))
const inline = { templateBody: '{"Resources":{}}', roleArn }

/** A self-signed CA certificate in PEM, made by openssl. */
async function runOpensslRequest(keyOptions: string): Promise<string> {
  const options = `req -x509 ${keyOptions} -nodes -keyout /dev/null -subj /CN=ca`.split(' ')
  const constraints = ['-addext', 'basicConstraints=critical,CA:TRUE']
  return (await promisify(execFile)('openssl', [...options, ...constraints])).stdout
}

describe('the registration code', () => {
  it('stays the same until it is deleted, and is another one in each region', async () => {
    const region = { region: 'ap-south-1' }
    const elsewhere = rehearsal.createClient(region)
    const read = async () => (await elsewhere.send(new GetRegistrationCodeCommand({}))).registrationCode
    const first = await read()
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(await read()).toBe(first)
    expect((await client.send(new GetRegistrationCodeCommand({}))).registrationCode).not.toBe(first)
    await elsewhere.send(new DeleteRegistrationCodeCommand({}))
    await expect(elsewhere.send(new DeleteRegistrationCodeCommand({}))).rejects.toBeInstanceOf(
      ResourceNotFoundException
    )
    expect(await read()).not.toBe(first)
  })
})

describe('registering a CA certificate', () => {
  it('leaves it off unless told otherwise, and identifies it by the SHA-256 of its DER', async () => {
    const ca = await makeCa()
    const { certificateId, certificateArn } = await register(await prepareRegistration(client, ca))
    const x509 = new X509Certificate(ca.certificatePem)
    expect(certificateId).toBe(x509.fingerprint256.replaceAll(':', '').toLowerCase())
    expect(certificateArn).toBe(`arn:aws:iot:eu-west-1:${accountId}:cacert/${certificateId}`)
    const { certificateDescription, registrationConfig } = await describeCa(certificateId!)
    expect(registrationConfig).toBeUndefined()
    expect(certificateDescription).toEqual({
      certificateArn,
      certificateId,
      certificatePem: ca.certificatePem,
      ownedBy: accountId,
      status: 'INACTIVE',
      autoRegistrationStatus: 'DISABLE',
      certificateMode: 'DEFAULT',
      customerVersion: 1,
      creationDate: expect.any(Date) as Date,
      lastModifiedDate: expect.any(Date) as Date,
      validity: { notBefore: x509.validFromDate, notAfter: x509.validToDate }
    })
    const ageMs = Date.now() - certificateDescription!.creationDate!.getTime()
    expect(ageMs).toBeGreaterThanOrEqual(0)
    expect(ageMs).toBeLessThan(60_000)
  })

  it('switches on what it is told to, with a template body or the name of a template', async () => {
    const on = { setAsActive: true, allowAutoRegistration: true }
    const { certificateId } = await registerCa(client, { ...on, registrationConfig: inline })
    expect(await describeCa(certificateId)).toMatchObject({
      certificateDescription: {
        status: 'ACTIVE',
        autoRegistrationStatus: 'ENABLE',
        certificateMode: 'SNI_ONLY'
      },
      registrationConfig: inline
    })
    const named = await registerCa(client, { registrationConfig: { templateName: 'JITP' } })
    expect((await describeCa(named.certificateId)).registrationConfig).toEqual({ templateName: 'JITP' })
    const { certificates } = await client.send(new ListCACertificatesCommand({ templateName: 'JITP' }))
    expect(certificates?.map(certificate => certificate.certificateId)).toEqual([named.certificateId])
  })

  it('a second time answers with the id and ARN of the first', async () => {
    const ca = await makeCa()
    const input = await prepareRegistration(client, ca)
    const { certificateId, certificateArn } = await register(input)
    const error = await register(input).catch((refusal: unknown) => refusal)
    expect(error).toBeInstanceOf(ResourceAlreadyExistsException)
    expect(error).toMatchObject({ resourceId: certificateId, resourceArn: certificateArn })
    expect((error as ResourceAlreadyExistsException).$metadata).toMatchObject({
      httpStatusCode: 409,
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string
    })
  })

  it.each<[string, CertificateWishes]>([
    ['without CA:TRUE', { isCa: false }],
    ['with RSA-1024', { key: 'RSA-1024' }],
    ['signed with RSA and SHA-1', { key: 'RSA-2048', hash: 'SHA-1' }],
    ['signed with PSS and SHA-1', { key: 'RSA-PSS', hash: 'SHA-1' }],
    ['signed with ECDSA and SHA-1', { hash: 'SHA-1' }],
    ['not valid yet', { notBefore: new Date(Date.now() + 3_600_000) }],
    ['expired', { notAfter: new Date(Date.now() - 3_600_000) }]
  ])('refuses a certificate %s', async (_, wishes) => {
    await expect(registerCa(client, {}, wishes)).rejects.toBeInstanceOf(CertificateValidationException)
  })

  it.each([
    ['Ed25519', '-newkey ed25519'],
    ['a curve that is not of NIST', '-newkey ec -pkeyopt ec_paramgen_curve:secp256k1']
  ])('refuses a certificate with a key of %s', needs('openssl'), async (_, keyOptions) => {
    const caCertificate = await runOpensslRequest(keyOptions)
    await expect(register({ caCertificate, certificateMode: 'SNI_ONLY' })).rejects.toBeInstanceOf(
      CertificateValidationException
    )
  })

  it.each<[string, CertificateWishes]>([
    ['P-384 with SHA-384', { key: 'P-384', hash: 'SHA-384' }],
    ['P-521 with SHA-512', { key: 'P-521', hash: 'SHA-512' }],
    ['RSA-2048 with SHA-512', { key: 'RSA-2048', hash: 'SHA-512' }],
    ['RSASSA-PSS with SHA-256', { key: 'RSA-PSS' }]
  ])('takes %s', async (_, wishes) => {
    const { ca, certificateId } = await registerCa(client, {}, wishes)
    const { certificateDescription } = await describeCa(certificateId)
    expect(certificateDescription?.certificatePem).toBe(ca.certificatePem)
  })

  it.each([
    ['that is no certificate', 'no PEM'],
    ['of two certificates', undefined]
  ])('refuses a PEM %s', async (_, text) => {
    const { certificatePem } = await makeCa()
    const input = {
      caCertificate: text ?? certificatePem + certificatePem,
      certificateMode: 'SNI_ONLY'
    } as const
    await expect(register(input)).rejects.toBeInstanceOf(CertificateValidationException)
  })

  it('takes no eleventh CA of one subject', async () => {
    const wishes = { commonNames: ['the same subject'] }
    for (let count = 0; count < 10; count++) await registerCa(client, {}, wishes)
    await expect(registerCa(client, {}, wishes)).rejects.toBeInstanceOf(LimitExceededException)
    await registerCa(client, {}, { commonNames: ['another subject'] })
  })

  it('in DEFAULT mode is for one account of a region, in SNI_ONLY mode for all', async () => {
    const other = rehearsal.createClient({ accessKeyId: 'AKIDTWO' })
    const ca = await makeCa()
    await register(await prepareRegistration(client, ca))
    const input = await prepareRegistration(other, ca)
    const refusal = await other.send(new RegisterCACertificateCommand(input)).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ResourceAlreadyExistsException)
    expect((refusal as ResourceAlreadyExistsException).resourceArn).toBeUndefined()
    const shared = { caCertificate: ca.certificatePem, certificateMode: 'SNI_ONLY' } as const
    const { certificateArn } = await other.send(new RegisterCACertificateCommand(shared))
    expect(certificateArn).toContain(':444455556666:cacert/')
    const elsewhere = rehearsal.createClient({ accessKeyId: 'AKIDTWO', region: 'eu-north-1' })
    const far = await elsewhere.send(
      new RegisterCACertificateCommand(await prepareRegistration(elsewhere, ca))
    )
    expect(far.certificateArn).toContain('eu-north-1:444455556666')
  })
})

describe('the verification certificate', () => {
  it('is refused when somebody else signed it, even under the name of the CA', async () => {
    const ca = await makeCa()
    const impostor = await makeCa({ commonNames: ca.subject })
    const { registrationCode } = await client.send(new GetRegistrationCodeCommand({}))
    for (const issuer of [impostor, await makeCa()]) {
      const proof = await makeCertificate({ commonNames: [registrationCode!], issuer })
      const input = { caCertificate: ca.certificatePem, verificationCertificate: proof.certificatePem }
      await expect(register(input)).rejects.toBeInstanceOf(CertificateValidationException)
    }
  })

  it.each<[string, (code: string) => string[]]>([
    ['another common name', () => ['0'.repeat(64)]],
    ['no common name', () => []],
    ['a code in upper case', code => [code.toUpperCase()]],
    ['two common names', code => [code, code]]
  ])('is refused with %s', async (_, namesOf) => {
    const ca = await makeCa()
    const { registrationCode } = await client.send(new GetRegistrationCodeCommand({}))
    const proof = await makeCertificate({ commonNames: namesOf(registrationCode!), issuer: ca })
    const input = { caCertificate: ca.certificatePem, verificationCertificate: proof.certificatePem }
    await expect(register(input)).rejects.toBeInstanceOf(RegistrationCodeValidationException)
  })

  it('is refused with a code that was deleted or is of another region', async () => {
    const ca = await makeCa()
    const elsewhere = rehearsal.createClient({ region: 'sa-east-1' })
    const input = await prepareRegistration(elsewhere, ca)
    await expect(register(input)).rejects.toBeInstanceOf(RegistrationCodeValidationException)
    await elsewhere.send(new DeleteRegistrationCodeCommand({}))
    await expect(elsewhere.send(new RegisterCACertificateCommand(input))).rejects.toBeInstanceOf(
      RegistrationCodeValidationException
    )
  })

  it('is refused when it has expired', async () => {
    const ca = await makeCa()
    const { registrationCode } = await client.send(new GetRegistrationCodeCommand({}))
    const notAfter = new Date(Date.now() - 3_600_000)
    const proof = await makeCertificate({ commonNames: [registrationCode!], issuer: ca, notAfter })
    const input = { caCertificate: ca.certificatePem, verificationCertificate: proof.certificatePem }
    await expect(register(input)).rejects.toBeInstanceOf(CertificateValidationException)
  })

  it('is needed in DEFAULT mode and refused in SNI_ONLY mode', async () => {
    const ca = await makeCa()
    const input = await prepareRegistration(client, ca)
    const { caCertificate } = input
    for (const wrong of [{ caCertificate }, { ...input, certificateMode: 'SNI_ONLY' as const }])
      await expect(register(wrong)).rejects.toBeInstanceOf(InvalidRequestException)
    await register(input)
  })
})

describe('a registration config', () => {
  const withPolicy = (Properties: object) =>
    JSON.stringify({ Resources: { policy: { Type: 'AWS::IoT::Policy', Properties } } })

  it.each([
    ['with a body and a name', { ...inline, templateName: 'JITP' }, InvalidRequestException],
    ['with neither', {}, InvalidRequestException],
    ['with a body and no role', { templateBody: '{"Resources":{}}' }, InvalidRequestException],
    ['with a name and a role', { templateName: 'JITP', roleArn }, InvalidRequestException],
    [
      'with a role that is no ARN',
      { templateBody: '{"Resources":{}}', roleArn: 'arn:aws:iam::1:role/x' },
      InvalidRequestException
    ],
    ['with a body that is not JSON', { ...inline, templateBody: '{' }, InvalidRequestException],
    ['with an empty body', { ...inline, templateBody: '' }, InvalidRequestException],
    ['without resources', { ...inline, templateBody: '{"Parameters":{}}' }, InvalidRequestException],
    ['with a policy that is empty', { ...inline, templateBody: withPolicy({}) }, InvalidRequestException],
    [
      'with a policy whose name is empty',
      { ...inline, templateBody: withPolicy({ PolicyName: '' }) },
      InvalidRequestException
    ],
    [
      'with a body that is too long',
      { ...inline, templateBody: `{"Resources":{}}${' '.repeat(10_225)}` },
      InvalidRequestException
    ],
    ['with a template of another type', { templateName: 'FLEET_PROVISIONING' }, InvalidRequestException],
    ['with a template that is not there', { templateName: 'absent' }, ResourceNotFoundException]
  ])('%s is refused, on registering and on updating', async (_, registrationConfig, error) => {
    await expect(registerCa(client, { registrationConfig })).rejects.toBeInstanceOf(error)
    const { certificateId } = await registerCa(client)
    const update = new UpdateCACertificateCommand({ certificateId, registrationConfig })
    await expect(client.send(update)).rejects.toBeInstanceOf(error)
  })

  it('may have a body of 10,240 characters', async () => {
    const templateBody = `{"Resources":{}}${' '.repeat(10_224)}`
    const { certificateId } = await registerCa(client, { registrationConfig: { templateBody, roleArn } })
    expect((await describeCa(certificateId)).registrationConfig?.templateBody).toBe(templateBody)
  })
})

describe('updating a CA certificate', () => {
  const update = (input: UpdateCACertificateCommandInput) =>
    client.send(new UpdateCACertificateCommand(input))

  it('changes what is given and keeps the rest', async () => {
    const { certificateId } = await registerCa(client, { registrationConfig: inline })
    await update({ certificateId, newStatus: 'ACTIVE' })
    await update({ certificateId, newAutoRegistrationStatus: 'ENABLE' })
    expect(await describeCa(certificateId)).toMatchObject({
      certificateDescription: { status: 'ACTIVE', autoRegistrationStatus: 'ENABLE', customerVersion: 3 },
      registrationConfig: inline
    })
    await update({ certificateId, registrationConfig: { templateName: 'JITP' } })
    expect((await describeCa(certificateId)).registrationConfig).toEqual({ templateName: 'JITP' })
    await update({ certificateId, removeAutoRegistration: true })
    const { certificateDescription, registrationConfig } = await describeCa(certificateId)
    expect(registrationConfig).toBeUndefined()
    expect(certificateDescription).toMatchObject({ status: 'ACTIVE', autoRegistrationStatus: 'ENABLE' })
  })

  it('refuses a config that is given and removed, unknown values and an unknown CA', async () => {
    const { certificateId } = await registerCa(client)
    const both = { certificateId, registrationConfig: inline, removeAutoRegistration: true }
    const unknownStatus = { certificateId, newStatus: 'REVOKED' as 'ACTIVE' }
    for (const wrong of [both, unknownStatus])
      await expect(update(wrong)).rejects.toBeInstanceOf(InvalidRequestException)
    await expect(update({ certificateId: 'f'.repeat(64) })).rejects.toBeInstanceOf(ResourceNotFoundException)
  })
})

describe('deleting and listing CA certificates', () => {
  const deleteCa = (certificateId: string) => client.send(new DeleteCACertificateCommand({ certificateId }))

  it('deletes one that is not ACTIVE', async () => {
    const { certificateId } = await registerCa(client, { setAsActive: true })
    await expect(deleteCa(certificateId)).rejects.toBeInstanceOf(CertificateStateException)
    await client.send(new UpdateCACertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
    await deleteCa(certificateId)
    await expect(deleteCa(certificateId)).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(describeCa(certificateId)).rejects.toBeInstanceOf(ResourceNotFoundException)
  })

  it('lists by time, page by page, the newest first unless told otherwise', async () => {
    const there = rehearsal.createClient({ region: 'ca-central-1' })
    const ids: string[] = []
    for (let count = 0; count < 7; count++) {
      ids.push((await registerCa(there)).certificateId)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    const listed: string[] = []
    const pages = paginateListCACertificates({ client: there, pageSize: 3 }, { ascendingOrder: true })
    for await (const page of pages) {
      expect(page.certificates!.length).toBeLessThanOrEqual(3)
      listed.push(...page.certificates!.map(({ certificateId }) => certificateId!))
    }
    expect(listed).toEqual(ids)
    const newest = await there.send(new ListCACertificatesCommand({ pageSize: 1 }))
    expect(newest.certificates).toMatchObject([
      { certificateId: ids.at(-1), status: 'INACTIVE', creationDate: expect.any(Date) as Date }
    ])
  })

  it.each([{ pageSize: 0 }, { pageSize: 251 }, { marker: 'made up' }])('refuses %o', async input => {
    await expect(client.send(new ListCACertificatesCommand(input))).rejects.toBeInstanceOf(
      InvalidRequestException
    )
  })
})
