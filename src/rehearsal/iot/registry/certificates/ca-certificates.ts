import { randomBytes } from 'node:crypto'
import { IotRefusal } from '../../iot-refusal.ts'
import type {
  AutoRegistrationStatus,
  CaCertificateRecord,
  CaStatus,
  CertificateMode,
  RegistrationConfig
} from '../../records.ts'
import type { RegistryContext } from '../context.ts'
import { type ReadCertificate, readCertificate } from './certificate-reading.ts'
import { assertCa, assertRegistrable, isIssuedBy } from './certificate-requirements.ts'

interface CaRegistration {
  readonly caCertificatePem: string
  readonly verificationCertificatePem: string | null
  readonly certificateMode: CertificateMode
  readonly setAsActive: boolean
  readonly allowAutoRegistration: boolean
  readonly registrationConfig: RegistrationConfig | null
}

/** What is absent stays as it is. */
interface CaChange {
  readonly status?: CaStatus | undefined
  readonly autoRegistrationStatus?: AutoRegistrationStatus | undefined
  /** Null goes from just-in-time provisioning to just-in-time registration. */
  readonly registrationConfig?: RegistrationConfig | null | undefined
}

export interface CaCertificates {
  /** Made at the first call, the same until it is deleted. */
  getRegistrationCode(): string
  /** Throws `ResourceNotFoundException` when there is none. */
  deleteRegistrationCode(): void
  registerCaCertificate(registration: CaRegistration): CaCertificateRecord
  /** Throws `ResourceNotFoundException`. */
  describeCaCertificate(certificateId: string): CaCertificateRecord
  updateCaCertificate(certificateId: string, change: CaChange): CaCertificateRecord
  /** Throws `CertificateStateException` while it is ACTIVE. */
  deleteCaCertificate(certificateId: string): void
  listCaCertificates(): readonly CaCertificateRecord[]
}

/** AWS holds at most so many CAs of one subject for one account and region. */
const sameSubjectMaximum = 10

export function createCaCertificates(context: RegistryContext): CaCertificates {
  const { state, clock, changed } = context
  const describeCaCertificate = (certificateId: string): CaCertificateRecord => {
    const record = state.caCertificates.get(certificateId)
    if (record !== undefined) return record
    throw new IotRefusal('ResourceNotFoundException', `CA certificate ${certificateId} not found.`)
  }
  const put = (record: CaCertificateRecord): CaCertificateRecord => {
    state.caCertificates.set(record.certificateId, record)
    changed()
    return record
  }
  return {
    ...createRegistrationCode(context),
    registerCaCertificate(registration) {
      const certificate = readRegistrableCa(context, registration)
      const now = clock()
      return put({
        certificateId: certificate.certificateId,
        certificatePem: registration.caCertificatePem,
        certificateMode: registration.certificateMode,
        status: registration.setAsActive ? 'ACTIVE' : 'INACTIVE',
        autoRegistrationStatus: registration.allowAutoRegistration ? 'ENABLE' : 'DISABLE',
        registrationConfig: registration.registrationConfig,
        createdAt: now,
        modifiedAt: now,
        customerVersion: 1
      })
    },
    describeCaCertificate,
    updateCaCertificate(certificateId, change) {
      const record = describeCaCertificate(certificateId)
      const { registrationConfig = record.registrationConfig } = change
      assertTemplate(context, registrationConfig)
      return put({
        ...record,
        status: change.status ?? record.status,
        autoRegistrationStatus: change.autoRegistrationStatus ?? record.autoRegistrationStatus,
        registrationConfig,
        modifiedAt: clock(),
        customerVersion: record.customerVersion + 1
      })
    },
    deleteCaCertificate(certificateId) {
      if (describeCaCertificate(certificateId).status === 'ACTIVE')
        throw new IotRefusal('CertificateStateException', `CA certificate ${certificateId} is ACTIVE.`)
      state.caCertificates.delete(certificateId)
      changed()
    },
    listCaCertificates: () => [...state.caCertificates.values()]
  }
}

/** What the verification certificate of a CA must name. */
function createRegistrationCode({
  state,
  changed
}: RegistryContext): Pick<CaCertificates, 'getRegistrationCode' | 'deleteRegistrationCode'> {
  return {
    getRegistrationCode() {
      if (state.registrationCode === null) {
        state.registrationCode = randomBytes(32).toString('hex')
        changed()
      }
      return state.registrationCode
    },
    deleteRegistrationCode() {
      if (state.registrationCode === null)
        throw new IotRefusal('ResourceNotFoundException', 'There is no registration code.')
      state.registrationCode = null
      changed()
    }
  }
}

function readRegistrableCa(context: RegistryContext, registration: CaRegistration): ReadCertificate {
  const { caCertificatePem, certificateMode, registrationConfig } = registration
  const { caCertificates } = context.state
  const ca = readCertificate(caCertificatePem)
  assertRegistrable(ca, context.clock())
  assertCa(ca)
  const { certificateId } = ca
  if (caCertificates.has(certificateId))
    throw new IotRefusal('ResourceAlreadyExistsException', 'The CA certificate is already registered.', {
      resourceId: certificateId,
      resourceArn: context.arns.caCertificateArn(certificateId)
    })
  assertVerified(context, ca, registration)
  assertTemplate(context, registrationConfig)
  const isElsewhere = context
    .otherAccounts()
    .some(other => other.caCertificates.get(certificateId)?.certificateMode === 'DEFAULT')
  // The ARN would name the other account.
  if (certificateMode === 'DEFAULT' && isElsewhere)
    throw new IotRefusal(
      'ResourceAlreadyExistsException',
      'The CA certificate is registered in another account in DEFAULT mode.',
      { resourceId: certificateId }
    )
  const sameSubject = [...caCertificates.values()].filter(
    other => readCertificate(other.certificatePem).subjectDerHex === ca.subjectDerHex
  )
  if (sameSubject.length >= sameSubjectMaximum)
    throw new IotRefusal('LimitExceededException', 'There are 10 CA certificates of this subject already.')
  return ca
}

/** DEFAULT mode wants the proof that the account holds the CA key, SNI_ONLY takes none. */
function assertVerified(context: RegistryContext, ca: ReadCertificate, registration: CaRegistration): void {
  const { certificateMode, verificationCertificatePem } = registration
  if (certificateMode === 'SNI_ONLY') {
    if (verificationCertificatePem === null) return
    throw new IotRefusal('InvalidRequestException', 'SNI_ONLY takes no verification certificate.')
  }
  if (verificationCertificatePem === null)
    throw new IotRefusal('InvalidRequestException', 'DEFAULT mode needs a verification certificate.')
  const verification = readCertificate(verificationCertificatePem)
  assertRegistrable(verification, context.clock())
  if (!isIssuedBy(verification, ca))
    throw new IotRefusal(
      'CertificateValidationException',
      'The verification certificate is not signed by the CA.'
    )
  const { registrationCode } = context.state
  const [commonName, ...more] = verification.commonNames
  if (registrationCode === null || commonName !== registrationCode || more.length > 0)
    throw new IotRefusal(
      'RegistrationCodeValidationException',
      'The common name of the verification certificate is not the registration code.'
    )
}

function assertTemplate({ state }: RegistryContext, config: RegistrationConfig | null): void {
  if (config === null || !('templateName' in config)) return
  const template = state.templates.get(config.templateName)
  if (template === undefined)
    throw new IotRefusal('ResourceNotFoundException', `Template ${config.templateName} not found.`)
  if (template.type !== 'JITP')
    throw new IotRefusal('InvalidRequestException', `Template ${config.templateName} is not of type JITP.`)
}
