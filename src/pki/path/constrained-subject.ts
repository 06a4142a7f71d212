import type { Violation } from '../../errors/mintline-error.ts'
import type { Name } from '../name/name.ts'
import { type ComparableName, comparableName, describeName, isBelow } from './distinguished-name.ts'
import { isBelowDomain, isBelowMailbox, isHostName } from './internet-name.ts'
import type { ConstrainedNames, DirectorySubtree, NameConstraints, Subtrees } from './name-constraints.ts'

/** The names that a subject has, in each form that constraints may have. */
export interface SubjectNames {
  readonly directory: ComparableName
  readonly hosts: readonly string[]
  readonly mailboxes: readonly string[]
}

const emailAddress = '1.2.840.113549.1.9.1'

type Attributes = Pick<Name, 'attributes'>

/** An emailAddress is held against the constraints of rfc822Name (RFC 5280 §4.2.1.10). */
export function authorityNames(name: Attributes): SubjectNames {
  const mailboxes = name.attributes.filter(({ oid }) => oid === emailAddress).map(({ value }) => value)
  return { directory: comparableName(name), hosts: [], mailboxes }
}

/** Of a certificate without subjectAltName that ends the path: a common name that is a host's is taken for one. */
export function deviceNames(name: Attributes): SubjectNames {
  const commonNames = name.attributes.filter(({ field }) => field === 'CommonName').map(({ value }) => value)
  return { ...authorityNames(name), hosts: commonNames.filter(isHostName) }
}

/** Why the names lie outside, e.g. `is below the excluded CommonName=x`; undefined where none does (RFC 5280 §6.1.3 (b) and (c)). */
export function whyOutside(
  { directory, hosts, mailboxes }: SubjectNames,
  constraints: NameConstraints
): string | undefined {
  const { permitted, excluded } = constraints
  const hit = excluded.find(({ base }) => isBelow(directory.loose, base.loose))
  if (hit !== undefined) return `is below the excluded ${describeName(hit.name)}`
  if (permitted?.some(({ base }) => isBelow(directory.exact, base.exact)) === false)
    return `is not below ${describeSubtrees(permitted)}`
  return (
    whyTextOutside(hosts, constraints.hosts, { isBelow: isBelowDomain, what: 'CommonName, a host name,' }) ??
    whyTextOutside(mailboxes, constraints.mailboxes, { isBelow: isBelowMailbox, what: 'emailAddress' })
  )
}

interface TextForm {
  readonly isBelow: (name: string, base: string) => boolean
  readonly what: string
}

function whyTextOutside(
  names: readonly string[],
  { permitted, excluded }: Subtrees<string>,
  form: TextForm
): string | undefined {
  for (const name of names) {
    const hit = excluded.find(base => form.isBelow(name, base))
    if (hit !== undefined) return `has the ${form.what} ${name}, below the excluded ${quoted(hit)}`
    if (permitted?.some(base => form.isBelow(name, base)) === false) {
      return `has the ${form.what} ${name}, not below ${permitted.slice(0, 5).map(quoted).join(' or ')}`
    }
  }
  return undefined
}

const quoted = (base: string) => JSON.stringify(base.slice(0, 100))

/** By which constraints of the CAs above verifiers refuse a device of this subject. Pointers are `/subject`. */
export function subjectOutsideViolations(
  name: Attributes,
  constrained: readonly ConstrainedNames[]
): readonly Violation[] {
  if (constrained.length === 0) return []
  const names = deviceNames(name)
  return constrained.flatMap(({ place, constraints }) => {
    const why = whyOutside(names, constraints)
    if (why === undefined) return []
    return {
      pointer: '/subject',
      expected: `a subject inside the name constraints of ${place}: ${describeConstraints(constraints)}`,
      found: describeName(name),
      message: `The subject ${why}. Verifiers refuse it for the name constraints of ${place}. Make the CSR with a subject inside of them.`
    }
  })
}

/** For messages, e.g. `permitted Organization=Acme; excluded CommonName=x`. */
export function describeConstraints({ permitted, excluded, hosts, mailboxes }: NameConstraints): string {
  const list = (kind: string, names: string) => (names === '' ? [] : [`${kind} ${names}`])
  const texts = (bases: readonly string[] = []) => bases.slice(0, 5).map(quoted).join(' or ')
  return [
    ...list('permitted', describeSubtrees(permitted ?? [])),
    ...list('excluded', describeSubtrees(excluded)),
    ...[hosts, mailboxes].flatMap(form => [
      ...list('permitted', texts(form.permitted)),
      ...list('excluded', texts(form.excluded))
    ])
  ].join('; ')
}

export function describeSubtrees(subtrees: readonly DirectorySubtree[]): string {
  const shown = subtrees.slice(0, 5).map(({ name }) => describeName(name))
  return shown.join(' or ') + (subtrees.length > 5 ? ` or ${subtrees.length - 5} more` : '')
}
