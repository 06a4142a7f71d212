import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CancelCertificateTransferCommand,
  CertificateConflictException,
  CertificateStateException,
  CertificateValidationException,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DeleteConflictException,
  DescribeCertificateCommand,
  DescribeEndpointCommand,
  DetachThingPrincipalCommand,
  InvalidRequestException,
  type IoTClient,
  ListAttachedPoliciesCommand,
  ListCertificatesByCACommand,
  ListTargetsForPolicyCommand,
  paginateListCertificates,
  RegisterCACertificateCommand,
  RegisterCertificateCommand,
  RegisterCertificateWithoutCACommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  TransferCertificateCommand,
  TransferConflictException,
  UpdateCACertificateCommand,
  UpdateCertificateCommand
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCa, makeCertificate } from '../certificate-making.ts'
import {
  accountId,
  type ControlPlaneRehearsal,
  endpointAddress,
  policyDocument,
  prepareRegistration,
  registerCa,
  registerDevice,
  startControlPlane
} from './control-plane-rehearsal.ts'

let rehearsal: ControlPlaneRehearsal
let client: IoTClient

beforeAll(async () => {
  rehearsal = await startControlPlane()
  client = rehearsal.client
})

afterAll(() => rehearsal[Symbol.asyncDispose]())

const describeCertificate = async (certificateId: string) =>
  (await client.send(new DescribeCertificateCommand({ certificateId }))).certificateDescription!
const update = (certificateId: string, newStatus: 'ACTIVE' | 'INACTIVE' | 'REVOKED') =>
  client.send(new UpdateCertificateCommand({ certificateId, newStatus }))

describe('a certificate on its way to another account', () => {
  it('takes no other status until the transfer is taken back, and is INACTIVE then', async () => {
    const { certificateId } = await registerDevice(client, 'ACTIVE')
    const transfer = () =>
      client.send(new TransferCertificateCommand({ certificateId, targetAwsAccount: '444455556666' }))
    await expect(transfer()).rejects.toBeInstanceOf(CertificateStateException)
    await update(certificateId, 'INACTIVE')
    expect((await transfer()).transferredCertificateArn).toMatch(certificateId)
    expect(await describeCertificate(certificateId)).toMatchObject({ status: 'PENDING_TRANSFER' })
    await expect(update(certificateId, 'REVOKED')).rejects.toBeInstanceOf(CertificateStateException)
    await expect(client.send(new DeleteCertificateCommand({ certificateId }))).rejects.toBeInstanceOf(
      CertificateStateException
    )
    await client.send(new CancelCertificateTransferCommand({ certificateId }))
    expect(await describeCertificate(certificateId)).toMatchObject({ status: 'INACTIVE' })
    await expect(client.send(new CancelCertificateTransferCommand({ certificateId }))).rejects.toBeInstanceOf(
      CertificateStateException
    )
  })

  it('has no policy', async () => {
    const { certificateId, certificateArn } = await registerDevice(client)
    await client.send(new CreatePolicyCommand({ policyName: 'not-moved', policyDocument }))
    await client.send(new AttachPolicyCommand({ policyName: 'not-moved', target: certificateArn }))
    await expect(
      client.send(new TransferCertificateCommand({ certificateId, targetAwsAccount: '444455556666' }))
    ).rejects.toBeInstanceOf(TransferConflictException)
  })
})

describe('registering a device certificate', () => {
  it('under a CA takes over its mode, and is INACTIVE unless told otherwise', async () => {
    const ca = await makeCa()
    const input = await prepareRegistration(client, ca)
    const { certificateId: caCertificateId } = await client.send(
      new RegisterCACertificateCommand({ ...input, setAsActive: true })
    )
    const { certificatePem } = await makeCertificate({ issuer: ca })
    const { certificateId, certificateArn } = await client.send(
      new RegisterCertificateCommand({ certificatePem })
    )
    const x509 = new X509Certificate(certificatePem)
    expect(certificateId).toBe(x509.fingerprint256.replaceAll(':', '').toLowerCase())
    expect(certificateArn).toBe(`arn:aws:iot:eu-west-1:${accountId}:cert/${certificateId}`)
    expect(await describeCertificate(certificateId!)).toEqual({
      certificateArn,
      certificateId,
      caCertificateId,
      certificatePem,
      certificateMode: 'DEFAULT',
      status: 'INACTIVE',
      ownedBy: accountId,
      customerVersion: 1,
      creationDate: expect.any(Date) as Date,
      lastModifiedDate: expect.any(Date) as Date,
      validity: { notBefore: x509.validFromDate, notAfter: x509.validToDate }
    })
    const { certificates } = await client.send(new ListCertificatesByCACommand({ caCertificateId }))
    expect(certificates).toMatchObject([{ certificateId, certificateArn, certificateMode: 'DEFAULT' }])
  })

  it.each([
    ['ACTIVE by its status', { status: 'ACTIVE' }, 'ACTIVE'],
    ['ACTIVE by the old flag', { setAsActive: true }, 'ACTIVE'],
    ['REVOKED', { status: 'REVOKED' }, 'REVOKED']
  ] as const)('%s', async (_, wish, status) => {
    const { ca } = await registerCa(client, { setAsActive: true })
    const { certificatePem } = await makeCertificate({ issuer: ca })
    const { certificateId } = await client.send(new RegisterCertificateCommand({ certificatePem, ...wish }))
    expect(await describeCertificate(certificateId!)).toMatchObject({ status, certificateMode: 'SNI_ONLY' })
  })

  it('without a CA is in SNI_ONLY mode and belongs to none', async () => {
    const { certificateId } = await registerDevice(client, 'ACTIVE')
    const description = await describeCertificate(certificateId)
    expect(description).toMatchObject({ certificateMode: 'SNI_ONLY', status: 'ACTIVE' })
    expect(description.caCertificateId).toBeUndefined()
  })

  it('a second time answers with the id and ARN of the first', async () => {
    const { certificatePem, certificateId, certificateArn } = await registerDevice(client)
    const refusal = await client
      .send(new RegisterCertificateWithoutCACommand({ certificatePem }))
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ResourceAlreadyExistsException)
    expect(refusal).toMatchObject({ resourceId: certificateId, resourceArn: certificateArn })
  })

  it('needs the CA to be named where two have one subject', async () => {
    const wishes = { commonNames: ['twin'] }
    const { ca, certificateId: caCertificateId } = await registerCa(client, { setAsActive: true }, wishes)
    const { ca: twin } = await registerCa(client, { setAsActive: true }, wishes)
    const { certificatePem } = await makeCertificate({ issuer: ca })
    const register = (caCertificatePem?: string) =>
      client.send(new RegisterCertificateCommand({ certificatePem, caCertificatePem }))
    await expect(register()).rejects.toBeInstanceOf(CertificateConflictException)
    await expect(register(twin.certificatePem)).rejects.toBeInstanceOf(CertificateValidationException)
    const { certificateId } = await register(ca.certificatePem)
    expect((await describeCertificate(certificateId!)).caCertificateId).toBe(caCertificateId)
  })

  it('refuses an issuer that is not registered, not ACTIVE or only named', async () => {
    const stranger = await makeCa()
    const { ca, certificateId } = await registerCa(client)
    const register = async (issuer: typeof ca, signer = issuer) => {
      const { certificatePem } = await makeCertificate({ issuer, signer })
      return client.send(new RegisterCertificateCommand({ certificatePem }))
    }
    await expect(register(stranger)).rejects.toBeInstanceOf(CertificateValidationException)
    await expect(register(ca)).rejects.toBeInstanceOf(CertificateStateException)
    await client.send(new UpdateCACertificateCommand({ certificateId, newStatus: 'ACTIVE' }))
    await expect(register(ca, stranger)).rejects.toBeInstanceOf(CertificateValidationException)
    await register(ca)
  })

  it.each([
    ['that has expired', { notAfter: new Date(Date.now() - 3_600_000) }],
    ['with RSA-1024', { key: 'RSA-1024' }]
  ] as const)('refuses one %s', async (_, wishes) => {
    const { certificatePem } = await makeCertificate(wishes)
    await expect(
      client.send(new RegisterCertificateWithoutCACommand({ certificatePem }))
    ).rejects.toBeInstanceOf(CertificateValidationException)
  })

  it('refuses a status that AWS alone sets', async () => {
    const { certificatePem } = await makeCertificate()
    const command = new RegisterCertificateWithoutCACommand({ certificatePem, status: 'PENDING_ACTIVATION' })
    await expect(client.send(command)).rejects.toBeInstanceOf(InvalidRequestException)
  })
})

describe('the status of a device certificate', () => {
  it('goes where it is told, and counts each change', async () => {
    const { certificateId } = await registerDevice(client)
    for (const status of ['ACTIVE', 'ACTIVE', 'INACTIVE', 'REVOKED'] as const) {
      await update(certificateId, status)
      expect((await describeCertificate(certificateId)).status).toBe(status)
    }
    expect((await describeCertificate(certificateId)).customerVersion).toBe(4)
  })

  it.each(['PENDING_ACTIVATION', 'PENDING_TRANSFER', 'made up'])('never becomes %s', async status => {
    const { certificateId } = await registerDevice(client)
    await expect(update(certificateId, status as 'ACTIVE')).rejects.toBeInstanceOf(InvalidRequestException)
  })

  it('is of a certificate that is there', async () => {
    await expect(update('0'.repeat(64), 'ACTIVE')).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(describeCertificate('0'.repeat(64))).rejects.toBeInstanceOf(ResourceNotFoundException)
  })
})

describe('deleting a device certificate', () => {
  const deleteCertificate = (certificateId: string, forceDelete?: boolean) =>
    client.send(new DeleteCertificateCommand({ certificateId, forceDelete }))

  it('is refused while it is ACTIVE', async () => {
    const { certificateId } = await registerDevice(client, 'ACTIVE')
    await expect(deleteCertificate(certificateId, true)).rejects.toBeInstanceOf(CertificateStateException)
    await update(certificateId, 'INACTIVE')
    await deleteCertificate(certificateId)
    await expect(deleteCertificate(certificateId)).rejects.toBeInstanceOf(ResourceNotFoundException)
  })

  it('is refused while a policy is attached, unless it is forced', async () => {
    const { certificateId, certificateArn } = await registerDevice(client)
    const policyName = 'attached'
    await client.send(new CreatePolicyCommand({ policyName, policyDocument }))
    await client.send(new AttachPolicyCommand({ policyName, target: certificateArn }))
    await expect(deleteCertificate(certificateId)).rejects.toBeInstanceOf(DeleteConflictException)
    await deleteCertificate(certificateId, true)
    expect((await client.send(new ListTargetsForPolicyCommand({ policyName }))).targets).toEqual([])
    await expect(
      client.send(new ListAttachedPoliciesCommand({ target: certificateArn }))
    ).rejects.toBeInstanceOf(ResourceNotFoundException)
  })

  it('is refused while a thing is attached, even when it is forced', async () => {
    const { certificateId, certificateArn: principal } = await registerDevice(client)
    const thingName = 'attached'
    await client.send(new CreateThingCommand({ thingName }))
    await client.send(new AttachThingPrincipalCommand({ thingName, principal }))
    await expect(deleteCertificate(certificateId, true)).rejects.toBeInstanceOf(DeleteConflictException)
    await client.send(new DetachThingPrincipalCommand({ thingName, principal }))
    await deleteCertificate(certificateId)
  })
})

describe('listing device certificates', () => {
  it('gives each one once, even when those already listed are deleted on the way', async () => {
    const there = rehearsal.createClient({ region: 'us-west-2' })
    const ids = new Set<string>()
    for (let count = 0; count < 7; count++) ids.add((await registerDevice(there)).certificateId)
    const listed: string[] = []
    for await (const page of paginateListCertificates({ client: there, pageSize: 2 }, {})) {
      for (const { certificateId } of page.certificates!) {
        listed.push(certificateId!)
        await there.send(new DeleteCertificateCommand({ certificateId }))
      }
    }
    expect(listed).toHaveLength(7)
    expect(new Set(listed)).toEqual(ids)
  })
})

describe('the endpoint', () => {
  const older = endpointAddress.replace('-ats', '')

  it.each([
    ['iot:Data-ATS', endpointAddress],
    ['iot:Data', older],
    [undefined, older]
  ])('of type %s is the host name for devices', async (endpointType, expected) => {
    const reply = await client.send(new DescribeEndpointCommand({ endpointType }))
    expect(reply.endpointAddress).toBe(expected)
  })

  it.each(['iot:Jobs', 'iot:CredentialProvider', 'iot:Nothing'])(
    'of type %s is refused',
    async endpointType => {
      await expect(client.send(new DescribeEndpointCommand({ endpointType }))).rejects.toBeInstanceOf(
        InvalidRequestException
      )
    }
  )
})

describe('keys and certificate that AWS IoT makes', () => {
  it.each([
    [true, 'ACTIVE'],
    [undefined, 'INACTIVE']
  ] as const)('with setAsActive %s are %s, and fit each other', async (setAsActive, status) => {
    const made = await client.send(new CreateKeysAndCertificateCommand({ setAsActive }))
    const { certificateId, certificatePem = '', keyPair } = made
    const certificate = new X509Certificate(certificatePem)
    expect(certificate.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(certificateId)
    expect(certificate.checkPrivateKey(createPrivateKey(keyPair?.PrivateKey ?? ''))).toBe(true)
    expect(createPublicKey(keyPair?.PublicKey ?? '').equals(certificate.publicKey)).toBe(true)
    const { certificateDescription } = await client.send(new DescribeCertificateCommand({ certificateId }))
    expect(certificateDescription).toMatchObject({ status, certificateMode: 'DEFAULT', certificatePem })
  })
})
