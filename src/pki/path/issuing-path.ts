import { parseCertificate } from '../certificate/certificate.ts'
import { type ConstrainedNames, nameConstraintsOf } from './name-constraints.ts'
import { describePlace } from './path-certificate.ts'

/** What an issuing CA and those above it leave to the certificates below. */
export interface IssuingPath {
  readonly notBefore: Date
  /** The earliest end of all of them, the root's included: no certificate below can be verified after it. */
  readonly notAfter: Date
  /** Whose end that is, for messages; undefined where it is the issuing CA's own. */
  readonly endsWith: string | undefined
  /** The root first. */
  readonly constrained: readonly ConstrainedNames[]
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
    notBefore: new Date(Math.max(...path.map(({ notBefore }) => notBefore.getTime()))),
    notAfter: path[first]!.notAfter,
    endsWith: first === 0 ? undefined : describePlace(path, first),
    constrained: nameConstraintsOf(path)
  }
}
