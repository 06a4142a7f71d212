import { MintlineError } from '../../../errors/mintline-error.ts'
import { isEqual } from '../../der/octets.ts'
import { parseCertificate } from '../certificate.ts'
import type { KeyUsage } from '../extension.ts'

/** What the service needs of a CA certificate. Byte arrays are views into `der`. */
export interface AuthorityCertificate {
  readonly der: Uint8Array
  readonly subjectNameDer: Uint8Array
  readonly issuerNameDer: Uint8Array
  readonly subjectKeyIdentifier: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly spkiDer: Uint8Array
  /** Undefined without the extension: then nothing is restricted (RFC 5280 §4.2.1.3). */
  readonly keyUsage: readonly KeyUsage[] | undefined
  readonly pathLength: number | undefined
  /** Issuer and subject are the same name, and no other key is named as the issuer's. */
  readonly isSelfSigned: boolean
}

/**
 * Whether its key may sign CRLs: by its keyUsage (RFC 5280 §4.2.1.3), and while it has not ended, which what it issued does not
 * outlast.
 */
export function maySignCrls(
  { keyUsage, notAfter }: Pick<AuthorityCertificate, 'keyUsage' | 'notAfter'>,
  now: Date
): boolean {
  return keyUsage?.includes('cRLSign') !== false && now < notAfter
}

/**
 * The same of a generation, by its certificate: without one it signs none.
 *
 * @throws MintlineError `key_unusable` when it cannot be read.
 */
export function maySignCrlsBy(certificateDer: Uint8Array | null, now: Date): boolean {
  return certificateDer !== null && maySignCrls(parseAuthorityCertificate(certificateDer), now)
}

/**
 * Reads a CA certificate, our own or one from elsewhere. Throws `key_unusable` when it is malformed or cannot serve
 * as an issuer: without CA:TRUE, a SubjectKeyIdentifier or a subject, or with a keyUsage that leaves out keyCertSign.
 * The signature is not checked.
 */
export function parseAuthorityCertificate(der: Uint8Array): AuthorityCertificate {
  const certificate = parseCertificate(der, 'key_unusable')
  const { subjectName, issuerName, subjectPublicKeyInfo, notBefore, notAfter, extensions } = certificate
  const { basicConstraints, keyUsage, subjectKeyIdentifier, authorityKeyIdentifier } = extensions
  if (basicConstraints?.isCa !== true) throw unusable('it is not a CA certificate (basicConstraints CA:TRUE)')
  if (keyUsage?.includes('keyCertSign') === false) throw unusable('its keyUsage has no keyCertSign')
  if (subjectKeyIdentifier === undefined) throw unusable('it has no SubjectKeyIdentifier')
  if (subjectName.attributes.length === 0) throw unusable('its subject is empty')
  const isOwnKey =
    authorityKeyIdentifier === undefined || isEqual(authorityKeyIdentifier, subjectKeyIdentifier)
  return {
    der,
    subjectNameDer: subjectName.der,
    issuerNameDer: issuerName.der,
    subjectKeyIdentifier,
    notBefore,
    notAfter,
    spkiDer: subjectPublicKeyInfo.der,
    keyUsage,
    pathLength: basicConstraints.pathLength,
    isSelfSigned: isOwnKey && isEqual(subjectName.der, issuerName.der)
  }
}

function unusable(reason: string): MintlineError {
  return new MintlineError('key_unusable', `The CA certificate cannot issue certificates: ${reason}.`)
}
