import { RE2JS } from 're2js'
import type { Violation } from '../../errors/mintline-error.ts'
import { attributeTypes } from '../../pki/name/attribute-type.ts'
import { attributesOf, encodingViolations } from '../../pki/name/name.ts'
import type { Subject, SubjectField } from '../../pki/name/subject-field.ts'
import { describeConstraints, deviceNames, whyOutside } from '../../pki/path/constrained-subject.ts'
import type { ConstrainedNames } from '../../pki/path/name-constraints.ts'
import type { ProfileDocument, SubjectRule } from '../document.ts'
import type { SubjectPolicy } from './selection.ts'

/** Subjects that a profile lets through, held against the name constraints of a CA and those above it. */
export interface NameFit {
  /** One that lies inside of all. */
  readonly inside: Subject | undefined
  /** One that does not, and the CA whose constraints it breaks. */
  readonly outside: OutsideSubject | undefined
  /** Whether all kinds of subjects were tried: then without an `inside` there is none. */
  readonly isComplete: boolean
}

interface OutsideSubject {
  readonly why: string
  readonly by: ConstrainedNames
}

/** As much of a profile as decides on subjects. */
export interface FittingRules extends Pick<SubjectPolicy, 'rules' | 'templateFields'> {
  readonly document: Pick<ProfileDocument, 'subject'>
}

/** More kinds of subjects have profiles whose CAs name dozens of subtrees. */
const maximumTries = 4096

/** What may stand in a field besides what the constraints name. */
const examples = ['Example', 'EXAMPLE', 'example', '0000000001', '000001', 'EX-1', 'QZ', 'AB', 'ab', 'x', '1']

/**
 * Tries of each field that matters the values that the constraints name, another one and none. What a pattern takes is
 * known by example alone, so that an `outside` may be missed; an `inside` is not.
 */
export function fitNames(profile: FittingRules, constrained: readonly ConstrainedNames[]): NameFit {
  let inside: Subject | undefined
  let outside: OutsideSubject | undefined
  let tries = 0
  for (const subject of subjects(profile, constrained)) {
    if (inside !== undefined && outside !== undefined) break
    if (++tries > maximumTries) return { inside, outside, isComplete: false }
    const found = findBreach(subject, constrained)
    if (found === undefined) inside ??= subject
    else outside ??= found
  }
  return { inside, outside, isComplete: true }
}

/**
 * That no subject of the profile can lie inside, or that some do not. Pointers are `/subject`.
 *
 * @param authority name of the generation that issues.
 */
export function nameFitViolations(
  { inside, outside, isComplete }: NameFit,
  authority: string
): { readonly violations: readonly Violation[]; readonly warnings: readonly Violation[] } {
  if (outside === undefined) return { violations: [], warnings: [] }
  const { place, constraints } = outside.by
  const isNever = inside === undefined && isComplete
  const found = {
    pointer: '/subject',
    expected: `subjects inside the name constraints of ${place} of ${authority}: ${describeConstraints(constraints)}`,
    found: isNever ? 'rules that let none of them through' : 'rules that let others through as well',
    message: isNever
      ? `Every subject that the rules let through breaks the constraints, e.g. one that ${outside.why}. Fix the fields to what they permit, and forbid those that do not occur in it.`
      : `A CSR whose subject ${outside.why} passes the rules and is refused all the same. Fix the fields to what the constraints permit, or list the values.`
  }
  return isNever ? { violations: [found], warnings: [] } : { violations: [], warnings: [found] }
}

function findBreach(subject: Subject, constrained: readonly ConstrainedNames[]): OutsideSubject | undefined {
  const names = deviceNames({ attributes: attributesOf(subject) })
  for (const by of constrained) {
    const why = whyOutside(names, by.constraints)
    if (why !== undefined) return { why, by }
  }
  return undefined
}

/** Those that are not empty. */
function subjects(profile: FittingRules, constrained: readonly ConstrainedNames[]): Iterable<Subject> {
  const lastNamed = attributeTypes.findLastIndex(({ field }) => namedValues(field, constrained).length > 0)
  const choices = attributeTypes.map(({ field }, index) => {
    const all = choicesOf(profile, field, namedValues(field, constrained))
    // What stands behind all that is named cannot matter.
    return { field, values: index <= lastNamed ? all : all.slice(0, 1) }
  })
  function* extend(subject: Subject, depth: number): Iterable<Subject> {
    const next = choices[depth]
    if (next === undefined) {
      if (Object.keys(subject).length > 0) yield subject
      return
    }
    for (const value of next.values)
      yield* extend(value === undefined ? subject : { ...subject, [next.field]: value }, depth + 1)
  }
  return extend({}, 0)
}

/** What the field holds in the subtrees of all constraints; of hosts, one below each. */
function namedValues(field: SubjectField, constrained: readonly ConstrainedNames[]): readonly string[] {
  const values = constrained.flatMap(({ constraints: { permitted = [], excluded, hosts } }) => [
    ...[...permitted, ...excluded].flatMap(({ name }) =>
      name.attributes.filter(each => each.field === field)
    ),
    ...(field === 'CommonName' ? hostsBelow([...(hosts.permitted ?? []), ...hosts.excluded]) : [])
  ])
  return [...new Set(values.map(({ value }) => value.replaceAll(/\s+/g, ' ').trim()))]
}

/** And one below none of them, as well as a name that is no host's. */
function hostsBelow(bases: readonly string[]): readonly { readonly value: string }[] {
  if (bases.length === 0) return []
  return [...bases.map(base => `x.${base.replace(/^\./, '')}`), 'x.example.invalid', 'x'].map(value => ({
    value
  }))
}

/** Undefined stands for a subject without the field. */
function choicesOf(
  { document, rules, templateFields }: FittingRules,
  field: SubjectField,
  named: readonly string[]
): readonly (string | undefined)[] {
  const rule = document.subject[field]
  if (rule?.rule === 'fixed') return [rule.value]
  const isDeclared = templateFields.has(field)
  if (rule === undefined ? !isDeclared : rule.rule === 'forbidden') return [undefined]
  const compiled = rules.get(field)
  const takes = (value: string) =>
    encodingViolations(field, value).length === 0 && compiled?.accepts(value) !== false
  const spell = (value: string) =>
    [value, compiled?.nearest(value)].find(each => each !== undefined && takes(each)) ??
    (matchesInAnyCase(rule, value) ? value : undefined)
  const isNamed = (value: string) => named.some(each => fold(each) === fold(value))
  const candidates = (rule && 'values' in rule && rule.values) || examples
  const values = [
    ...named.map(spell).filter(value => value !== undefined),
    ...candidates.filter(value => !isNamed(value) && takes(value)).slice(0, 1)
  ]
  if (values.length === 0) values.push(field === 'Country' ? 'QZ' : 'x')
  return rule?.rule === 'required' || isDeclared ? values : [...values, undefined]
}

/** Names are compared so, and patterns are not: some spelling of the value may match. */
function matchesInAnyCase(rule: SubjectRule | undefined, value: string): boolean {
  if (rule === undefined || !('pattern' in rule) || rule.pattern === undefined || rule.values) return false
  return RE2JS.compile(rule.pattern, RE2JS.CASE_INSENSITIVE).matches(value)
}

function fold(value: string): string {
  return value.normalize('NFKC').toLowerCase()
}
