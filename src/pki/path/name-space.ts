import type { Violation } from '../../errors/mintline-error.ts'
import { attributeTypes } from '../name/attribute-type.ts'
import { encodingViolations, type Name } from '../name/name.ts'
import { authorityNames, describeSubtrees, whyOutside } from './constrained-subject.ts'
import { type ComparableName, isBelow } from './distinguished-name.ts'
import type { ConstrainedNames, NameConstraints } from './name-constraints.ts'
import { describePlace, isSelfIssued, type Path } from './path-certificate.ts'

/** What names keep a path from being one: those of the CAs themselves, and that no subject of ours fits. */
export function namesViolations(path: Path, constrained: readonly ConstrainedNames[]): readonly Violation[] {
  return [
    ...constrained.flatMap(distanceViolations),
    ...constrained.flatMap(each => authorityViolations(path, each)),
    ...subjectViolations(constrained)
  ]
}

function distanceViolations({ index, place, constraints }: ConstrainedNames): readonly Violation[] {
  if (!constraints.hasDistances) return []
  return [
    {
      pointer: `/chain/${index}/nameConstraints`,
      expected: 'subtrees without minimum and maximum (RFC 5280 §4.2.1.10)',
      found: 'one that has them',
      message: `Verifiers refuse every certificate below ${place} for it. Have that one issued anew.`
    }
  ]
}

/** A self-issued CA is passed over (RFC 5280 §6.1.3 (b)). */
function authorityViolations(
  path: Path,
  { index, place, constraints }: ConstrainedNames
): readonly Violation[] {
  return path.slice(0, index).flatMap((certificate, below) => {
    if (isSelfIssued(certificate)) return []
    const why = whyOutside(authorityNames(certificate.subjectName), constraints)
    if (why === undefined) return []
    return {
      pointer: `/chain/${index}/nameConstraints`,
      expected: `a name constraint that the CAs below it keep`,
      found: `the subject of ${describePlace(path, below)} ${why}`,
      message: `Verifiers refuse what is below ${place}. Have the CA certified under a subject that its name constraints allow.`
    }
  })
}

type Place = Pick<ComparableName, 'exact' | 'loose'> & { readonly name: Name | undefined }

/**
 * Whether some subject of ours lies inside of all of them: one that begins with the attributes of a permitted subtree
 * of each CA, which it can write, and of no excluded one.
 */
function subjectViolations(constrained: readonly ConstrainedNames[]): readonly Violation[] {
  let places: readonly Place[] = [{ name: undefined, exact: [], loose: [] }]
  for (const { index, place, constraints } of constrained) {
    places = narrow(places, constraints)
    if (places.length > 0) continue
    const { permitted, excluded } = constraints
    const found = [
      ...(permitted === undefined ? [] : [`permitted ${describeSubtrees(permitted)}`]),
      ...(excluded.length === 0 ? [] : [`excluded ${describeSubtrees(excluded)}`])
    ]
    return [
      {
        pointer: `/chain/${index}/nameConstraints`,
        expected:
          'directory names among which the subject of a device can be: its attributes one by one, in the order ' +
          attributeTypes.map(({ field }) => field).join(', '),
        found: found.join('; '),
        message: `No subject of a device lies inside the name constraints of ${place} and of those above it. Have that one issued anew with others.`
      }
    ]
  }
  return []
}

function narrow(places: readonly Place[], { permitted, excluded }: NameConstraints): readonly Place[] {
  const bases = permitted?.filter(({ name }) => isWritable(name)).map(({ name, base }) => ({ name, ...base }))
  const inside = new Map<string, Place>()
  for (const place of places) {
    for (const base of bases ?? [place]) {
      const deeper = isBelow(base.exact, place.exact)
        ? base
        : isBelow(place.exact, base.exact)
          ? place
          : undefined
      if (deeper !== undefined) inside.set(JSON.stringify(deeper.exact), deeper)
    }
  }
  return [...inside.values()].filter(place => !excluded.some(({ base }) => isBelow(place.loose, base.loose)))
}

/** Whether a subject that `buildName` writes can begin like this. */
function isWritable({ attributes, violations }: Name): boolean {
  if (violations.length > 0) return false
  const order = attributes.map(({ oid }) => attributeTypes.findIndex(type => type.oid === oid))
  if (order.some((rank, position) => rank <= (order[position - 1] ?? -1))) return false
  return attributes.every(
    ({ field, value }) => encodingViolations(field!, value.replaceAll(/\s+/g, ' ').trim()).length === 0
  )
}
