import { isMintlineError, type Violation } from '../../errors/mintline-error.ts'
import { type Extension, extensionOids } from '../certificate/extension.ts'
import { nameConstraintsOf } from './name-constraints.ts'
import { namesViolations } from './name-space.ts'
import { describePlace, type Path } from './path-certificate.ts'
import { policyViolations } from './policy.ts'

/**
 * What OpenSSL and GnuTLS process when it is critical, of all that RFC 5280 §4.2 defines. A verifier refuses what it
 * does not process.
 */
const processed: ReadonlySet<string> = new Set([
  extensionOids.keyUsage,
  extensionOids.subjectAlternativeName,
  extensionOids.basicConstraints,
  extensionOids.nameConstraints,
  extensionOids.crlDistributionPoints,
  extensionOids.certificatePolicies,
  extensionOids.policyMappings,
  extensionOids.policyConstraints,
  extensionOids.extendedKeyUsage,
  extensionOids.inhibitAnyPolicy
])

/**
 * Why no device certificate below these CAs could be verified, whatever its subject: by RFC 5280 §6.1, as OpenSSL
 * (`verify -x509_strict -policy_check -purpose sslclient`) and GnuTLS see it. Signatures, dates and path lengths are not
 * looked at. Pointers are `/chain/<index>/<extension>`.
 */
export function pathViolations(path: Path): readonly Violation[] {
  return [
    ...path.flatMap((_, index) => criticalViolations(path, index)),
    ...path.flatMap((_, index) => purposeViolations(path, index)),
    ...readable('policyConstraints', () => policyViolations(path)),
    ...readable('nameConstraints', () => namesViolations(path, nameConstraintsOf(path)))
  ]
}

/** Of a repeated extension too: which one counts, verifiers do not agree on. */
function criticalViolations(path: Path, index: number): readonly Violation[] {
  const isUnknown = ({ oid, critical }: Extension) => critical && !processed.has(oid)
  return path[index]!.extensions.all.filter(isUnknown).map(({ oid }) => ({
    pointer: `/chain/${index}/extensions/${oid}`,
    expected: 'no critical extension that verifiers do not process (RFC 5280 §4.2)',
    found: `a critical extension ${oid}`,
    message: `Verifiers refuse all that is below ${describePlace(path, index)} for it. Have that one issued anew without the extension, or with it not critical.`
  }))
}

/** RFC 5280 §4.2.1.12. OpenSSL and GnuTLS want the purpose itself, and do not take anyExtendedKeyUsage for it. */
function purposeViolations(path: Path, index: number): readonly Violation[] {
  const { extendedKeyUsage } = path[index]!.extensions
  if (extendedKeyUsage === undefined || extendedKeyUsage.includes('clientAuth')) return []
  return [
    {
      pointer: `/chain/${index}/extendedKeyUsage`,
      expected: 'clientAuth (1.3.6.1.5.5.7.3.2) by its own OID, or no extendedKeyUsage',
      found: extendedKeyUsage.join(', ') || 'no purpose',
      message: `No device below ${describePlace(path, index)} is taken as a TLS client. Have that one issued anew with clientAuth, or without extendedKeyUsage.`
    }
  ]
}

function readable(extension: string, judge: () => readonly Violation[]): readonly Violation[] {
  try {
    return judge()
  } catch (error) {
    if (!isMintlineError(error, 'authority_invalid')) throw error
    const expected = `each ${extension} of the chain in strict DER`
    const message = `${error.detail} Have that certificate issued anew.`
    return [{ pointer: `/chain/${extension}`, expected, found: 'one that cannot be read', message }]
  }
}
