import { type IotErrorName, IotRefusal } from '../iot-refusal.ts'
import type { CaCertificateRecord } from '../records.ts'
import { type ReadCertificate, readCertificate } from '../registry/certificates/certificate-reading.ts'
import { isIssuedBy } from '../registry/certificates/certificate-requirements.ts'
import type { Registry } from '../registry/registry.ts'
import type { StandInSettings } from '../stand-in-settings.ts'

interface IssuerSearch {
  readonly registry: Registry
  readonly settings: StandInSettings
}

/** The registered CA whose name and key fit the certificate. Throws IotRefusal, each with what is the matter. */
export function findIssuingCa(
  certificate: ReadCertificate,
  chainIds: ReadonlySet<string>,
  { registry, settings }: IssuerSearch
): CaCertificateRecord {
  const sameName = registry
    .listCaCertificates()
    .filter(
      ({ certificatePem }) => readCertificate(certificatePem).subjectDerHex === certificate.issuerDerHex
    )
  if (sameName.length === 0)
    refuse(
      'UnauthorizedException',
      'The certificate is not known, and no registered CA has the name of its issuer.'
    )
  const enabled = sameName.filter(isAutoRegistering)
  const shown = enabled.filter(({ certificateId }) => chainIds.has(certificateId))
  if (enabled.length > 1 && shown.length === 0 && settings.sameSubjectWithoutChain === 'refuse')
    refuse(
      'CertificateConflictException',
      `${enabled.length} registered CAs have the name of the issuer, and the device did not send its CA certificate.`
    )
  const candidates = shown.length === 0 ? enabled : shown
  const issuer = candidates.find(({ certificatePem }) =>
    isIssuedBy(certificate, readCertificate(certificatePem))
  )
  if (issuer !== undefined) return issuer
  return enabled.length === 0
    ? refuse('UnauthorizedException', `The CA is ${stateOf(sameName[0])}.`)
    : refuse('UnauthorizedException', 'The registered CA of that name did not sign the certificate.')
}

/** Throws `CertificateStateException` unless the CA still registers devices by itself. */
export function assertAutoRegistering(ca: CaCertificateRecord | undefined): CaCertificateRecord {
  if (ca !== undefined && isAutoRegistering(ca)) return ca
  return refuse(
    'CertificateStateException',
    `The certificate is PENDING_ACTIVATION, and its CA is ${stateOf(ca)}.`
  )
}

function isAutoRegistering({ status, autoRegistrationStatus }: CaCertificateRecord): boolean {
  return status === 'ACTIVE' && autoRegistrationStatus === 'ENABLE'
}

function stateOf(ca: CaCertificateRecord | undefined): string {
  return ca === undefined ? 'gone' : `${ca.status} with auto-registration ${ca.autoRegistrationStatus}`
}

function refuse(errorName: IotErrorName, reason: string): never {
  throw new IotRefusal(errorName, reason)
}
