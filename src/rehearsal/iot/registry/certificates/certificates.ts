import { IotRefusal } from '../../iot-refusal.ts'
import type {
  CaCertificateRecord,
  CertificateMode,
  CertificateStatus,
  DeviceCertificateRecord
} from '../../records.ts'
import type { RegistryContext } from '../context.ts'
import { type ReadCertificate, readCertificate } from './certificate-reading.ts'
import { assertRegistrable, isIssuedBy } from './certificate-requirements.ts'
import { type MadeCertificate, makeKeysAndCertificate } from './made-certificate.ts'

interface CertificateRegistration {
  readonly certificatePem: string
  /** Needed where several registered CAs have the same subject. */
  readonly caCertificatePem: string | null
  readonly status: Exclude<CertificateStatus, 'PENDING_ACTIVATION' | 'PENDING_TRANSFER'>
}

export interface Certificates {
  /** Under a CA that is registered and ACTIVE. */
  registerCertificate(registration: CertificateRegistration): DeviceCertificateRecord
  /** In mode SNI_ONLY, from any issuer. */
  registerCertificateWithoutCa(
    registration: Omit<CertificateRegistration, 'caCertificatePem'>
  ): DeviceCertificateRecord
  /** A key and its certificate, as AWS IoT makes them. The key is not kept. */
  createKeysAndCertificate(
    status: 'ACTIVE' | 'INACTIVE'
  ): MadeCertificate & { readonly record: DeviceCertificateRecord }
  /** For auto-registration alone: the caller has found the CA. */
  registerPending(certificatePem: string, ca: CaCertificateRecord): DeviceCertificateRecord
  findCertificate(certificateId: string): DeviceCertificateRecord | undefined
  /** Throws `ResourceNotFoundException`. */
  describeCertificate(certificateId: string): DeviceCertificateRecord
  /** Throws `CertificateStateException` while it is PENDING_TRANSFER. */
  setCertificateStatus(certificateId: string, status: CertificateStatus): DeviceCertificateRecord
  /**
   * Offers it to another account; from then on nothing but taking the offer back changes it. Throws
   * `CertificateStateException` while it is ACTIVE and `TransferConflictException` while a policy is attached.
   */
  transferCertificate(certificateId: string): DeviceCertificateRecord
  /** It is INACTIVE then. Throws `CertificateStateException` where it is not PENDING_TRANSFER. */
  cancelCertificateTransfer(certificateId: string): DeviceCertificateRecord
  listCertificates(): readonly DeviceCertificateRecord[]
  listCertificatesByCa(caCertificateId: string): readonly DeviceCertificateRecord[]
  /**
   * Throws `CertificateStateException` while it is ACTIVE and `DeleteConflictException` while a thing or a policy is
   * attached. With `force` policies are detached.
   */
  deleteCertificate(certificateId: string, force: boolean): void
}

export function createCertificates(context: RegistryContext): Certificates {
  const { state, clock, changed } = context
  const put = (record: DeviceCertificateRecord): DeviceCertificateRecord => {
    state.certificates.set(record.certificateId, record)
    changed()
    return record
  }
  const add = (
    certificate: ReadCertificate,
    { certificatePem, status }: Pick<DeviceCertificateRecord, 'certificatePem' | 'status'>,
    ca: CaCertificateRecord | null
  ): DeviceCertificateRecord => {
    const { certificateId } = certificate
    assertNew(context, certificateId)
    const certificateMode: CertificateMode = ca?.certificateMode ?? 'SNI_ONLY'
    const caCertificateId = ca?.certificateId ?? null
    const now = clock()
    const times = { createdAt: now, modifiedAt: now, customerVersion: 1 }
    return put({ certificateId, certificatePem, certificateMode, status, caCertificateId, ...times })
  }
  const read = (certificatePem: string): ReadCertificate => {
    const certificate = readCertificate(certificatePem)
    assertRegistrable(certificate, clock())
    return certificate
  }
  const addOf = (certificatePem: string, status: CertificateStatus, ca: CaCertificateRecord | null) =>
    add(read(certificatePem), { certificatePem, status }, ca)
  const describeCertificate = (certificateId: string) => certificateOf(context, certificateId)
  return {
    registerCertificate({ certificatePem, caCertificatePem, status }) {
      const certificate = read(certificatePem)
      return add(certificate, { certificatePem, status }, findIssuer(context, certificate, caCertificatePem))
    },
    registerCertificateWithoutCa: ({ certificatePem, status }) => addOf(certificatePem, status, null),
    createKeysAndCertificate(status) {
      const made = makeKeysAndCertificate(clock())
      const record = addOf(made.certificatePem, status, null)
      return { ...made, record: put({ ...record, certificateMode: 'DEFAULT' }) }
    },
    registerPending: (certificatePem, ca) => addOf(certificatePem, 'PENDING_ACTIVATION', ca),
    findCertificate: certificateId => state.certificates.get(certificateId),
    describeCertificate,
    ...createTransitions(context, put),
    listCertificates: () => [...state.certificates.values()],
    listCertificatesByCa: caCertificateId =>
      [...state.certificates.values()].filter(record => record.caCertificateId === caCertificateId),
    deleteCertificate(certificateId, force) {
      assertDeletable(context, describeCertificate(certificateId), force)
      detachPolicies(context, certificateId)
      state.certificates.delete(certificateId)
      changed()
    }
  }
}

type Transitions = Pick<
  Certificates,
  'setCertificateStatus' | 'transferCertificate' | 'cancelCertificateTransfer'
>

function createTransitions(
  context: RegistryContext,
  put: (record: DeviceCertificateRecord) => DeviceCertificateRecord
): Transitions {
  const become = (record: DeviceCertificateRecord, status: CertificateStatus) => {
    if (record.status === status) return record
    const customerVersion = record.customerVersion + 1
    return put({ ...record, status, modifiedAt: context.clock(), customerVersion })
  }
  return {
    setCertificateStatus(certificateId, status) {
      const record = certificateOf(context, certificateId)
      if (record.status !== 'PENDING_TRANSFER') return become(record, status)
      throw new IotRefusal('CertificateStateException', `Certificate ${certificateId} is PENDING_TRANSFER.`)
    },
    transferCertificate(certificateId) {
      const record = certificateOf(context, certificateId)
      if (record.status === 'ACTIVE')
        throw new IotRefusal('CertificateStateException', `Certificate ${certificateId} is ACTIVE.`)
      if (hasPolicy(context, certificateId))
        throw new IotRefusal('TransferConflictException', 'A policy is attached to the certificate.')
      return become(record, 'PENDING_TRANSFER')
    },
    cancelCertificateTransfer(certificateId) {
      const record = certificateOf(context, certificateId)
      if (record.status === 'PENDING_TRANSFER') return become(record, 'INACTIVE')
      throw new IotRefusal('CertificateStateException', `Certificate ${certificateId} is ${record.status}.`)
    }
  }
}

function hasPolicy({ state, arns }: RegistryContext, certificateId: string): boolean {
  const arn = arns.certificateArn(certificateId)
  return [...state.policies.values()].some(({ targets }) => targets.includes(arn))
}

function certificateOf({ state }: RegistryContext, certificateId: string): DeviceCertificateRecord {
  const record = state.certificates.get(certificateId)
  if (record !== undefined) return record
  throw new IotRefusal('ResourceNotFoundException', `Certificate ${certificateId} not found.`)
}

function assertNew({ state, arns }: RegistryContext, certificateId: string): void {
  if (!state.certificates.has(certificateId)) return
  throw new IotRefusal('ResourceAlreadyExistsException', 'The certificate is already registered.', {
    resourceId: certificateId,
    resourceArn: arns.certificateArn(certificateId)
  })
}

/** Throws `CertificateConflictException`, `CertificateValidationException`, `CertificateStateException`. */
function findIssuer(
  { state }: RegistryContext,
  certificate: ReadCertificate,
  caCertificatePem: string | null
): CaCertificateRecord {
  const chosenId = caCertificatePem === null ? undefined : readCertificate(caCertificatePem).certificateId
  const candidates = [...state.caCertificates.values()].filter(
    ({ certificateId, certificatePem }) =>
      (chosenId === undefined || certificateId === chosenId) &&
      readCertificate(certificatePem).subjectDerHex === certificate.issuerDerHex
  )
  const [ca] = candidates
  if (candidates.length > 1)
    throw new IotRefusal(
      'CertificateConflictException',
      'Several registered CA certificates have the subject of the issuer; caCertificatePem must say which.'
    )
  if (ca === undefined || !isIssuedBy(certificate, readCertificate(ca.certificatePem)))
    throw new IotRefusal(
      'CertificateValidationException',
      'No registered CA certificate issued the certificate.'
    )
  if (ca.status !== 'ACTIVE')
    throw new IotRefusal('CertificateStateException', 'The CA certificate is not ACTIVE.')
  return ca
}

function assertDeletable(
  context: RegistryContext,
  { certificateId, status }: DeviceCertificateRecord,
  force: boolean
): void {
  const { state, arns } = context
  const arn = arns.certificateArn(certificateId)
  if (status === 'ACTIVE' || status === 'PENDING_TRANSFER')
    throw new IotRefusal('CertificateStateException', `Certificate ${certificateId} is ${status}.`)
  const isOnThing = [...state.things.values()].some(thing =>
    thing.principals.some(({ principal }) => principal === arn)
  )
  if (isOnThing) throw new IotRefusal('DeleteConflictException', 'A thing is attached to the certificate.')
  if (hasPolicy(context, certificateId) && !force)
    throw new IotRefusal('DeleteConflictException', 'A policy is attached to the certificate.')
}

function detachPolicies({ state, arns }: RegistryContext, certificateId: string): void {
  const arn = arns.certificateArn(certificateId)
  for (const policy of state.policies.values()) {
    if (!policy.targets.includes(arn)) continue
    const targets = policy.targets.filter(target => target !== arn)
    state.policies.set(policy.policyName, { ...policy, targets })
  }
}
