import type { Violation } from '../../errors/mintline-error.ts'
import { extensionOids } from '../certificate/extension.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextPrimitive } from '../der/tag.ts'
import { describePlace, isSelfIssued, type Path } from './path-certificate.ts'

/**
 * Our certificates name no policy, so that they fail wherever one is required by the end of the path (RFC 5280
 * §6.1.3 (f), §6.1.4 (h) and (i), §6.1.5). What the root says of policies counts for no path below it.
 */
export function policyViolations(path: Path): readonly Violation[] {
  let left = Infinity
  let requiring = -1
  for (let index = path.length - 2; index >= 0; index--) {
    const certificate = path[index]!
    if (!isSelfIssued(certificate) && left > 0) left -= 1
    const value = certificate.extensions.all.find(({ oid }) => oid === extensionOids.policyConstraints)?.value
    const required = value && parseRequireExplicitPolicy(value)
    if (required === undefined || required >= left) continue
    left = required
    requiring = index
  }
  if (left > 1) return []
  return [
    {
      pointer: `/chain/${requiring}/policyConstraints`,
      expected: 'no requireExplicitPolicy that reaches a device certificate (RFC 5280 §4.2.1.11)',
      found: 'one that does',
      message: `Below ${describePlace(path, requiring)} each certificate must name a policy, and those of devices name none. Have that one issued anew without it.`
    }
  ]
}

/** @throws MintlineError `authority_invalid`. */
function parseRequireExplicitPolicy(value: Uint8Array): number | undefined {
  const outer = new DerReader(value, createDerRefusal('authority_invalid', 'policyConstraints'))
  const constraints = outer.readSequence('policyConstraints')
  outer.assertEnd('policyConstraints')
  if (constraints.isAtEnd) throw constraints.refuse('it constrains nothing', 0)
  if (constraints.peekTag() !== contextPrimitive(0)) return undefined
  const element = constraints.readElement('requireExplicitPolicy')
  const octets = constraints.content(element)
  if (octets.length === 0 || octets[0]! >= 0x80) {
    throw constraints.refuse('requireExplicitPolicy must be a number of certificates', element.start)
  }
  return octets.reduce((sum, octet) => sum * 256 + octet, 0)
}
