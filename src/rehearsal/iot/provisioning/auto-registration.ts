import { assertAutoRegistering, findIssuingCa } from '../gateway/issuing-ca.ts'
import { createProvisioningQueue } from '../gateway/provisioning-queue.ts'
import { type IotErrorName, IotRefusal } from '../iot-refusal.ts'
import type { CaCertificateRecord, DeviceCertificateRecord } from '../records.ts'
import { type ReadCertificate, readCertificate } from '../registry/certificates/certificate-reading.ts'
import type { Registry } from '../registry/registry.ts'
import type { StandInSettings } from '../stand-in-settings.ts'

/** What a device showed in a TLS handshake that it completed, and with it that it has the private key. */
export interface PresentedCertificate {
  readonly certificatePem: string
  /** The certificates that came with it, by their id. */
  readonly chainIds: ReadonlySet<string>
  /** The name in SNI. */
  readonly serverName: string | undefined
}

export interface AutoRegistrationOptions {
  readonly registry: Registry
  readonly settings: StandInSettings
  readonly clock: () => number
  /** The names that a device may ask for. */
  readonly serverNames: readonly string[]
  /** Provisioning begins so long after the first connection, a quarter more or less by the certificate. */
  readonly provisioningDelayMs: number
  /** Asked before each provisioning. Throws `ThrottlingException`. */
  readonly assertWithinQuota: () => void
  readonly publish: (topic: string, payload: object) => void
}

export interface AutoRegistration {
  /**
   * Lets a device in that has an ACTIVE certificate. One that is not known is registered under the CA that issued it,
   * provisioned or announced, and still not let in.
   *
   * @returns undefined for a device that must go; the log says why.
   */
  admit(presented: PresentedCertificate): ReadCertificate | undefined
  /** Resolves when nothing is being provisioned. */
  settled(): Promise<void>
  /** Gives up what waits for its turn. */
  stop(): void
}

/** Just-in-time provisioning and registration (Developer Guide, "Just-in-time provisioning", "… registration"). */
export function createAutoRegistration(options: AutoRegistrationOptions): AutoRegistration {
  const { registry } = options
  const provisioning = createProvisioningQueue(options)
  const takeUp = (device: DeviceCertificateRecord, ca: CaCertificateRecord): never => {
    if (ca.registrationConfig === null) announce(options, device, ca)
    else provisioning.begin(device, ca)
    const reason =
      ca.registrationConfig === null ? 'its event was published' : 'its provisioning is under way'
    return refuse('CertificateStateException', `The certificate is PENDING_ACTIVATION; ${reason}.`)
  }
  const examine = (certificate: ReadCertificate, presented: PresentedCertificate): void => {
    const known = registry.findCertificate(certificate.certificateId)
    assertServerName(presented.serverName, known, options)
    assertValidNow(certificate, options.clock())
    if (known === undefined) {
      const ca = findIssuingCa(certificate, presented.chainIds, options)
      takeUp(registry.registerPending(presented.certificatePem, ca), ca)
    } else if (known.status === 'PENDING_ACTIVATION') takeUp(known, caOf(known, registry))
    else if (known.status !== 'ACTIVE')
      refuse('CertificateStateException', `The certificate is ${known.status}.`)
  }
  return {
    admit(presented) {
      let certificateId: string | undefined
      try {
        const certificate = readCertificate(presented.certificatePem)
        certificateId = certificate.certificateId
        examine(certificate, presented)
        return certificate
      } catch (error) {
        if (!(error instanceof IotRefusal)) throw error
        const { errorName: errorCode, message: reason } = error
        const subject = certificateId === undefined ? {} : { certificateId }
        registry.log({ eventType: 'Connect', outcome: 'Failure', errorCode, reason, ...subject })
        return undefined
      }
    },
    settled: provisioning.settled,
    stop: provisioning.stop
  }
}

/** SNI is needed for what is not provisioned yet and under a CA in mode SNI_ONLY; a wrong name never does. */
function assertServerName(
  serverName: string | undefined,
  known: DeviceCertificateRecord | undefined,
  { serverNames }: AutoRegistrationOptions
): void {
  if (serverName !== undefined && !serverNames.includes(serverName.toLowerCase()))
    refuse(
      'InvalidRequestException',
      `SNI is ${serverName}, and the endpoint is ${serverNames.join(' or ')}.`
    )
  const isNeeded =
    known === undefined || known.status === 'PENDING_ACTIVATION' || known.certificateMode === 'SNI_ONLY'
  if (serverName === undefined && isNeeded)
    refuse('InvalidRequestException', 'The connection has no SNI, which this certificate needs.')
}

function assertValidNow({ x509 }: ReadCertificate, now: number): void {
  if (now > x509.validToDate.getTime())
    refuse('CertificateValidationException', 'The certificate has expired.')
  if (now < x509.validFromDate.getTime())
    refuse('CertificateValidationException', 'The certificate is not valid yet.')
}

/** Of a device that is pending, with auto-registration still on. */
function caOf({ caCertificateId }: DeviceCertificateRecord, registry: Registry): CaCertificateRecord {
  const ca = registry.listCaCertificates().find(({ certificateId }) => certificateId === caCertificateId)
  return assertAutoRegistering(ca)
}

function announce(
  { registry, clock, publish }: AutoRegistrationOptions,
  { certificateId, createdAt }: DeviceCertificateRecord,
  { certificateId: caCertificateId }: CaCertificateRecord
): void {
  publish(`$aws/events/certificates/registered/${caCertificateId}`, {
    certificateId,
    caCertificateId,
    timestamp: clock(),
    certificateStatus: 'PENDING_ACTIVATION',
    awsAccountId: registry.accountId,
    certificateRegistrationTimestamp: String(createdAt)
  })
}

function refuse(errorName: IotErrorName, reason: string): never {
  throw new IotRefusal(errorName, reason)
}
