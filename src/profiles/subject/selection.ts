import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import type { SubjectAttribute } from '../../pki/csr/certification-request.ts'
import type { CsrNote } from '../../pki/csr/note.ts'
import { findLookalike } from '../../pki/name/lookalike.ts'
import { encodingViolations, nameViolations } from '../../pki/name/name.ts'
import { type Subject, type SubjectField, subjectFields } from '../../pki/name/subject-field.ts'
import type { CompiledRule, SubjectRules } from './rules.ts'
import { howToSet } from './station-subject.ts'

/** What a profile says of subjects. */
export interface SubjectPolicy {
  readonly rules: SubjectRules
  /** Fields that the provisioning template declares; AWS fails the device without them. */
  readonly templateFields: ReadonlySet<SubjectField>
  /** OIDs of the attribute types that are left out of the certificate, whatever they hold. */
  readonly droppedOids: ReadonlySet<string>
  /** Those that a station may set. */
  readonly stationFields: ReadonlySet<SubjectField>
  /** What becomes of a value with characters that only look like ASCII. */
  readonly lookalikes: 'warn' | 'refuse'
}

/** Who named the subject. */
type SubjectSource = 'csr' | 'station'

/** The subject that the certificate will carry, and what is to be told about it. */
export interface SelectedSubject {
  readonly subject: Subject
  readonly notes: readonly CsrNote[]
}

/**
 * Holds a subject, of a CSR or as the station set it, against the profile and gives the subject that the certificate will
 * carry: the values that the rules ask for or allow, and the fixed ones. Whatever is dropped is not looked at.
 *
 * @throws MintlineError `subject_refused` with every violation at once; pointers are `/subject/<field>`, or `/subject`
 *   for one that is empty.
 */
export function selectSubject(
  policy: SubjectPolicy,
  attributes: readonly SubjectAttribute[],
  source: SubjectSource = 'csr'
): SelectedSubject {
  const isDropped = ({ oid }: SubjectAttribute) => policy.droppedOids.has(oid)
  const kept = attributes.filter(attribute => !isDropped(attribute))
  const formViolations = nameViolations(
    attributes,
    attribute => !isDropped(attribute) && isWanted(policy, attribute.field)
  )
  const faulty = new Set(formViolations.map(({ pointer }) => pointer))
  const violations = [...unsupportedAttributes(kept), ...formViolations]
  const notes: CsrNote[] = droppedNotes(attributes.filter(isDropped))
  const selected: Partial<Record<SubjectField, string>> = {}
  for (const field of subjectFields) {
    const pointer = `/subject/${field}`
    if (faulty.has(pointer)) continue
    const sent = kept.filter(attribute => attribute.field === field)
    const { value, found } = judgeField(policy, field, { sent, source })
    violations.push(...found)
    if (value === undefined || found.length > 0) continue
    selected[field] = value
    const lookalike = sent.length > 0 ? findLookalike(value) : undefined
    if (lookalike !== undefined)
      notes.push({ code: 'lookalike', pointer, message: `${field} has ${lookalike}.` })
  }
  if (violations.length === 0 && Object.keys(selected).length === 0)
    violations.push(emptySubject(policy, notes))
  if (violations.length > 0) {
    throw new MintlineError('subject_refused', summarize(violations, source), { violations })
  }
  return { subject: selected, notes }
}

/** Whether a certificate may carry the field at all: by its rule, or because the template declares it. */
export function isWanted(
  { rules, templateFields }: Pick<SubjectPolicy, 'rules' | 'templateFields'>,
  field: SubjectField | undefined
): boolean {
  if (field === undefined) return false
  const presence = rules.get(field)?.presence
  return presence === undefined ? templateFields.has(field) : presence !== 'forbidden'
}

interface JudgedField {
  /** What the certificate would carry. */
  readonly value: string | undefined
  readonly found: readonly Violation[]
}

function judgeField(
  policy: SubjectPolicy,
  field: SubjectField,
  { sent, source }: { readonly sent: readonly SubjectAttribute[]; readonly source: SubjectSource }
): JudgedField {
  const rule = policy.rules.get(field)
  const requested = sent[0]?.value
  const value = requested ?? rule?.fixedValue
  const violation = (expected: string, message: string): JudgedField => {
    const found = requested === undefined ? 'nothing' : `"${requested}"`
    return { value, found: [{ pointer: `/subject/${field}`, expected, found, message }] }
  }
  if (value === undefined) return { value, found: missingField(policy, field, source) }
  if (!isWanted(policy, field)) {
    const reason =
      rule === undefined
        ? `Neither the profile nor its template has a use for ${field}.`
        : `The profile forbids ${field}.`
    return violation('nothing', `${reason} ${leaveOut(sent.length)}`)
  }
  const encoding = encodingViolations(field, value)
  if (encoding.length > 0) return { value, found: encoding }
  if (rule !== undefined && !rule.accepts(value)) {
    return violation(rule.expected, `The profile refuses this ${field}.${nearMiss(field, value, rule)}`)
  }
  const lookalike =
    policy.lookalikes === 'refuse' && requested !== undefined ? findLookalike(value) : undefined
  return lookalike === undefined
    ? { value, found: [] }
    : { value, found: [lookalikeViolation(field, lookalike)] }
}

function missingField(
  policy: SubjectPolicy,
  field: SubjectField,
  source: SubjectSource
): readonly Violation[] {
  const { rules, templateFields } = policy
  const rule = rules.get(field)
  const isDeclared = templateFields.has(field)
  if (!isDeclared && rule?.presence !== 'required') return []
  const reason = isDeclared
    ? `The provisioning template declares ${field}: without it AWS fails the device.`
    : `The profile requires ${field}.`
  const message = reason + howToSet(policy, field, source)
  const expected = isDeclared ? 'a value' : (rule?.expected ?? 'a value')
  return [{ pointer: `/subject/${field}`, expected, found: 'nothing', message }]
}

function nearMiss(field: SubjectField, value: string, rule: CompiledRule): string {
  const nearest = rule.nearest(value)
  if (nearest === undefined) return ''
  const isCase = nearest.toLowerCase() === value.toLowerCase()
  const reason = isCase ? 'Upper and lower case count' : 'The characters are composed in another way'
  const codes = field === 'Country' && isCase ? ' (ISO 3166 writes country codes in capitals)' : ''
  return ` ${reason}${codes}: write "${nearest}".`
}

function lookalikeViolation(field: SubjectField, lookalike: string): Violation {
  return {
    pointer: `/subject/${field}`,
    expected: 'characters that are what they look like',
    found: lookalike,
    message: `${field} has ${lookalike}. Type the value anew; the profile refuses look-alikes.`
  }
}

/** One for each type, however often it occurs. */
function unsupportedAttributes(attributes: readonly SubjectAttribute[]): Violation[] {
  const unsupported = attributes.filter(({ field }) => field === undefined)
  const byOid = Map.groupBy(unsupported, ({ oid }) => oid)
  return [...byOid.values()].map(([first, ...more]) => ({
    pointer: `/subject/${first!.name}`,
    expected: `only ${subjectFields.join(', ')}`,
    found: first!.unreadable?.fault ?? `"${first!.value}"`,
    message: `A certificate from here cannot carry ${first!.name}. ${leaveOut(1 + more.length)} Or an administrator lists it in the profile's dropAttributes.`
  }))
}

function leaveOut(count: number): string {
  return count > 1 ? `Leave all ${count} of them out of the CSR.` : 'Leave it out of the CSR.'
}

function droppedNotes(attributes: readonly SubjectAttribute[]): CsrNote[] {
  return [...new Set(attributes.map(({ name }) => name))].map(name => ({
    code: 'attribute_dropped',
    pointer: `/subject/${name}`,
    message: `The CSR carries ${name}, which the profile leaves out of the certificate.`
  }))
}

/** RFC 5280 §4.1.2.6: without a subjectAltName there must be a subject, and AWS IoT reads nothing but the subject. */
function emptySubject({ stationFields }: SubjectPolicy, dropped: readonly CsrNote[]): Violation {
  const isDropped = dropped.length > 0
  return {
    pointer: '/subject',
    expected: 'at least one subject field',
    found: isDropped ? 'only attributes that the profile drops' : 'an empty subject',
    message:
      'A certificate must name its device. Make the CSR with a subject that the profile allows, e.g. CN.' +
      (stationFields.size > 0 ? ` Or the station sets ${[...stationFields].join(', ')}.` : '')
  }
}

function summarize(violations: readonly Violation[], source: SubjectSource): string {
  const [first] = violations
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''
  const whose = source === 'csr' ? "The CSR's subject" : 'The subject of the request'
  return `${whose} does not fit the profile: ${first?.message ?? ''}${more}`
}
