import type { Violation } from '../../errors/mintline-error.ts'
import { type Certificate, parseCertificate, type TbsCertificate } from '../certificate/certificate.ts'
import { subjectOutsideViolations } from './constrained-subject.ts'
import { type ConstrainedNames, nameConstraintsOf } from './name-constraints.ts'
import { describePlace } from './path-certificate.ts'

/** What an issuing CA and those above it leave to the certificates below. */
export interface IssuingPath {
  /** The issuing CA first, the root last. */
  readonly certificates: readonly Certificate[]
  /** The earliest end of all of them, the root's included: no certificate below can be verified after it. */
  readonly notAfter: Date
  /** Whose end that is, for messages; undefined where it is the issuing CA's own. */
  readonly endsWith: string | undefined
  /** The root first. */
  readonly constrained: readonly ConstrainedNames[]
}

/** Why a certificate below could not be verified: by what depends on it, and not on the CAs alone. */
export function belowViolations(
  { subjectName, notAfter }: Pick<TbsCertificate, 'subjectName' | 'notAfter'>,
  path: IssuingPath
): readonly Violation[] {
  const outside = subjectOutsideViolations(subjectName, path.constrained)
  if (notAfter <= path.notAfter) return outside
  const late = {
    pointer: '/notAfter',
    expected: `${path.notAfter.toISOString()} or earlier, when the first CA of the chain ends`,
    found: notAfter.toISOString(),
    message: 'It cannot be verified to its end.'
  }
  return [...outside, late]
}

type End = Pick<IssuingPath, 'notAfter' | 'endsWith'>

/** For messages: the CA that the certificates of the generation cannot outlive. */
export function holderOfEnd(name: string, { endsWith }: Pick<End, 'endsWith'>): string {
  return endsWith === undefined ? name : `the CA above ${name}, ${endsWith},`
}

/** For messages, e.g. `acme-g1 ends 2027-01-01T00:00:00.000Z`. */
export function describeEnd(name: string, end: End): string {
  return `${holderOfEnd(name, end)} ends ${end.notAfter.toISOString()}`
}

/**
 * @param chainDer the issuing CA first, the root last.
 * @throws MintlineError `authority_invalid` for name constraints that cannot be read, `key_unusable` for other faults.
 */
export function parseIssuingPath(chainDer: readonly Uint8Array[]): IssuingPath {
  const path = chainDer.map(der => parseCertificate(der, 'key_unusable'))
  const ends = path.map(({ notAfter }) => notAfter.getTime())
  const first = ends.indexOf(Math.min(...ends))
  return {
    certificates: path,
    notAfter: path[first]!.notAfter,
    endsWith: first === 0 ? undefined : describePlace(path, first),
    constrained: nameConstraintsOf(path)
  }
}
