import { MintlineError, type Violation } from '../errors.ts'
import { type Certificate, parseCertificate } from './certificate.ts'
import { extensionOids, type KeyUsage } from './extension.ts'
import { lintFailed } from './lint.ts'
import { timeTagOf } from './time.ts'
import { isEqual } from './octets.ts'

export { type AuthorityContent, buildAuthorityTbsCertificate } from './authority-tbs-certificate.ts'

/** What the service needs of a CA certificate. Byte arrays are views into `der`. */
export interface AuthorityCertificate {
  readonly der: Uint8Array
  readonly subjectNameDer: Uint8Array
  readonly issuerNameDer: Uint8Array
  readonly subjectKeyIdentifier: Uint8Array
  readonly notBefore: Date
  readonly notAfter: Date
  readonly spkiDer: Uint8Array
  readonly keyUsage: readonly KeyUsage[]
  readonly pathLength: number | undefined
  /** Issuer and subject are the same name, and no other key is named as the issuer's. */
  readonly isSelfSigned: boolean
}

/**
 * Reads a CA certificate, our own or one from elsewhere. Throws `key_unusable` when it is malformed or cannot serve
 * as an issuer: without CA:TRUE, keyCertSign, a SubjectKeyIdentifier or a subject. The signature is not checked.
 */
export function parseAuthorityCertificate(der: Uint8Array): AuthorityCertificate {
  const certificate = parseCertificate(der, 'key_unusable')
  const { subjectName, issuerName, subjectPublicKeyInfo, notBefore, notAfter, extensions } = certificate
  const { basicConstraints, keyUsage, subjectKeyIdentifier, authorityKeyIdentifier } = extensions
  if (basicConstraints?.isCa !== true) throw unusable('it is not a CA certificate (basicConstraints CA:TRUE)')
  if (keyUsage?.includes('keyCertSign') !== true) throw unusable('its keyUsage has no keyCertSign')
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

interface AuthorityCheck {
  readonly name: string
  readonly expected: string
  readonly holds: (certificate: Certificate) => boolean
}

/** RFC 5280 §4.1 and §4.2.1 for a CA certificate; SHA-1 and small keys are what AWS IoT refuses to register. */
const authorityChecks: readonly AuthorityCheck[] = [
  { name: 'version', expected: 'v3', holds: ({ version }) => version === 2 },
  {
    name: 'serialNumber',
    expected: 'a positive serial number of at most 20 octets',
    holds: ({ serialNumber }) =>
      serialNumber.length <= 20 &&
      (serialNumber[0] as number) < 0x80 &&
      serialNumber.some(octet => octet !== 0)
  },
  {
    name: 'signatureAlgorithm',
    expected: 'an accepted signature algorithm, the same inside and outside',
    holds: ({ signatureAlgorithm, outerSignatureAlgorithm }) =>
      signatureAlgorithm.algorithm !== undefined &&
      isEqual(signatureAlgorithm.der, outerSignatureAlgorithm.der)
  },
  {
    name: 'validity',
    expected: 'notBefore ahead of notAfter, in the types that RFC 5280 §4.1.2.5 wants',
    holds: ({ notBefore, notAfter, validity }) =>
      notBefore < notAfter && Object.values(validity).every(({ date, tag }) => tag === timeTagOf(date))
  },
  {
    name: 'subjectPresent',
    expected: 'a subject with at least one attribute',
    holds: ({ subjectName }) => subjectName.attributes.length > 0
  },
  {
    name: 'publicKey',
    expected: 'an EC key on P-256, P-384 or P-521, or an RSA key of 2048 to 4096 bits',
    holds: ({ subjectPublicKeyInfo: { key } }) =>
      key.type === 'ec' || (key.type === 'rsa' && key.modulusBits >= 2048 && key.modulusBits <= 4096)
  },
  {
    name: 'extensionsOnce',
    expected: 'each extension once',
    holds: ({ extensions }) => new Set(extensions.all.map(({ oid }) => oid)).size === extensions.all.length
  },
  {
    name: 'authority',
    expected: 'a critical basicConstraints with CA:TRUE',
    holds: ({ extensions }) =>
      extensions.basicConstraints?.isCa === true && isCritical(extensions, extensionOids.basicConstraints)
  },
  {
    name: 'keyUsage',
    expected: 'a critical keyUsage with keyCertSign and cRLSign',
    holds: ({ extensions }) =>
      extensions.keyUsage?.includes('keyCertSign') === true &&
      extensions.keyUsage.includes('cRLSign') &&
      isCritical(extensions, extensionOids.keyUsage)
  },
  {
    name: 'subjectKeyIdentifier',
    expected: 'a SubjectKeyIdentifier, not critical',
    holds: ({ extensions }) =>
      extensions.subjectKeyIdentifier !== undefined &&
      extensions.subjectKeyIdentifier.length > 0 &&
      !isCritical(extensions, extensionOids.subjectKeyIdentifier)
  },
  {
    name: 'authorityKeyIdentifier',
    expected: 'an AuthorityKeyIdentifier unless self-signed, not critical',
    holds: ({ extensions, subjectName, issuerName }) =>
      (extensions.authorityKeyIdentifier !== undefined || isEqual(subjectName.der, issuerName.der)) &&
      !isCritical(extensions, extensionOids.authorityKeyIdentifier)
  }
]

/** Throws `lint_failed` with one violation, pointer `/lint/<check>`, for each rule that a CA certificate breaks. */
export function lintAuthorityCertificate(der: Uint8Array): void {
  const certificate = parseCertificate(der, 'lint_failed')
  const violations: Violation[] = []
  for (const { name, expected, holds } of authorityChecks) {
    if (holds(certificate)) continue
    const message = `A CA certificate must have ${expected}.`
    violations.push({ pointer: `/lint/${name}`, expected, found: 'something else', message })
  }
  if (violations.length > 0) throw lintFailed(violations)
}

function isCritical({ all }: Certificate['extensions'], oid: string): boolean {
  return all.some(extension => extension.oid === oid && extension.critical)
}
