import type { Violation } from '../../../errors/mintline-error.ts'
import { isEqual } from '../../der/octets.ts'
import { timeTagOf } from '../../der/time.ts'
import { type Certificate, parseCertificate } from '../certificate.ts'
import { extensionOids } from '../extension.ts'
import { lintFailed } from '../lint.ts'

interface AuthorityCheck {
  readonly name: string
  readonly expected: string
  readonly holds: (certificate: Certificate) => boolean
  /** Whether a CA that was made elsewhere serves although it breaks the rule; without it, it does not. */
  readonly isTolerable?: (certificate: Certificate) => boolean
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
      extensions.basicConstraints?.isCa === true && isCritical(extensions, extensionOids.basicConstraints),
    isTolerable: ({ extensions }) => extensions.basicConstraints?.isCa === true
  },
  {
    name: 'keyUsage',
    expected: 'a critical keyUsage with keyCertSign and cRLSign',
    holds: ({ extensions }) =>
      extensions.keyUsage?.includes('keyCertSign') === true &&
      extensions.keyUsage.includes('cRLSign') &&
      isCritical(extensions, extensionOids.keyUsage),
    // Without the extension nothing is restricted (§4.2.1.3), and `openssl req -x509` leaves it out.
    isTolerable: ({ extensions }) => extensions.keyUsage?.includes('keyCertSign') !== false
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

export interface AuthorityExamination {
  /** Rules without which it cannot serve. */
  readonly flaws: readonly Violation[]
  /**
   * Rules that CAs made elsewhere often break, and that keep neither AWS IoT nor a path validation of RFC 5280 §6 from
   * taking them: keyUsage left out, without cRLSign or not critical, and a basicConstraints that is not critical.
   */
  readonly irregularities: readonly Violation[]
}

/** Holds a CA certificate against every rule. Pointers are `/lint/<check>`. Throws `lint_failed` for what cannot be read. */
export function examineAuthorityCertificate(der: Uint8Array): AuthorityExamination {
  const certificate = parseCertificate(der, 'lint_failed')
  const broken = authorityChecks.filter(({ holds }) => !holds(certificate))
  const isIrregularity = ({ isTolerable }: AuthorityCheck) => isTolerable?.(certificate) === true
  return {
    flaws: broken.filter(check => !isIrregularity(check)).map(describe),
    irregularities: broken.filter(isIrregularity).map(describeIrregularity)
  }
}

/** Throws `lint_failed` with one violation for each rule that a CA certificate breaks, irregularities included. */
export function lintAuthorityCertificate(der: Uint8Array): void {
  const { flaws, irregularities } = examineAuthorityCertificate(der)
  const violations = [...flaws, ...irregularities]
  if (violations.length > 0) throw lintFailed(violations)
}

function describe({ name, expected }: AuthorityCheck): Violation {
  const message = `A CA certificate must have ${expected}.`
  return { pointer: `/lint/${name}`, expected, found: 'something else', message }
}

function describeIrregularity(check: AuthorityCheck): Violation {
  const message =
    'It can issue as it is, but strict verifiers may refuse its chain. Rotate to a generation that has it.'
  return { ...describe(check), message }
}

function isCritical({ all }: Certificate['extensions'], oid: string): boolean {
  return all.some(extension => extension.oid === oid && extension.critical)
}
