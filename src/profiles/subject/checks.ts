import type { Violation } from '../../errors/mintline-error.ts'
import { attributeNames, attributeOid } from '../../pki/name/attribute-type.ts'
import { findLookalike } from '../../pki/name/lookalike.ts'
import { encodingViolations } from '../../pki/name/name.ts'
import { type SubjectField, subjectFields } from '../../pki/name/subject-field.ts'
import type { ProfileDocument, SubjectRule } from '../document.ts'
import { type CompiledRule, compileRule, type SubjectRules } from './rules.ts'

type TemplateFields = ReadonlySet<SubjectField>

/** Mistakes in the rules are added to `violations`. */
export function compileRules(document: ProfileDocument, violations: Violation[]): SubjectRules {
  const rules = new Map<SubjectField, CompiledRule>()
  for (const field of subjectFields) {
    const rule = document.subject[field]
    if (rule === undefined) continue
    violations.push(...valueViolations(field, rule))
    try {
      rules.set(field, compileRule(rule))
    } catch (error) {
      violations.push({
        pointer: `/subject/${field}/pattern`,
        expected: 'a pattern in RE2 syntax',
        found: 'pattern' in rule ? (rule.pattern ?? '') : '',
        message: `RE2 does not take this pattern: ${error instanceof Error ? error.message : 'unknown error'}.`
      })
    }
  }
  return rules
}

/** Values that no certificate could carry. */
function valueViolations(field: SubjectField, rule: SubjectRule): readonly Violation[] {
  const pointer = `/subject/${field}`
  if (rule.rule === 'fixed') {
    return encodingViolations(field, rule.value).map(violation => ({
      ...violation,
      pointer: `${pointer}/value`
    }))
  }
  const values = 'values' in rule ? (rule.values ?? []) : []
  return values.flatMap((value, index) =>
    encodingViolations(field, value).map(violation => ({
      ...violation,
      pointer: `${pointer}/values/${index}`
    }))
  )
}

export function templateRuleViolations(
  document: ProfileDocument,
  templateFields: TemplateFields
): readonly Violation[] {
  return [...templateFields]
    .filter(field => document.subject[field]?.rule === 'forbidden')
    .map(field => ({
      pointer: `/subject/${field}`,
      expected: 'a rule that lets the certificate carry it',
      found: 'forbidden',
      message: `The template declares ${field}, so AWS fails every device whose certificate lacks it.`
    }))
}

/** What is dropped cannot be asked for at the same time. */
export function dropViolations(
  { dropAttributes = [], subject }: ProfileDocument,
  templateFields: TemplateFields
): readonly Violation[] {
  const violations: Violation[] = []
  for (const [index, name] of dropAttributes.entries()) {
    const add = (expected: string, found: string, message: string) =>
      void violations.push({ pointer: `/dropAttributes/${index}`, expected, found, message })
    if (attributeOid(name) === undefined) {
      const names = attributeNames.join(', ')
      add(`one of ${names}, or the dotted OID of another type`, name, 'Correct the name.')
      continue
    }
    const field = subjectFields.find(each => each === name)
    const rule = field && subject[field]?.rule
    if (rule !== undefined && rule !== 'fixed') {
      add(
        'a field without a rule, or with a fixed value',
        `${name}, which is ${rule}`,
        'Leave out one of the two.'
      )
    } else if (field !== undefined && rule === undefined && templateFields.has(field)) {
      const message =
        'AWS fails the device without it. Give the field a fixed value, or let the CSR carry it.'
      add('a field that the template does not declare', name, message)
    }
  }
  return violations
}

/** An identity field that may be absent would make all devices without it one device. */
export function identityViolations(
  document: ProfileDocument,
  templateFields: TemplateFields
): readonly Violation[] {
  return (document.deviceIdentity ?? []).flatMap((field, index) => {
    const rule = document.subject[field]?.rule
    if (rule === 'required' || templateFields.has(field)) return []
    return [
      {
        pointer: `/deviceIdentity/${index}`,
        expected: 'a field that every certificate carries: required, or declared by the template',
        found: `${field}, which is ${rule ?? 'not in subject'}`,
        message: `Make ${field} required, or leave it out of the identity.`
      }
    ]
  })
}

/** A value that the document itself holds, and where. */
interface WrittenValue {
  readonly pointer: string
  readonly value: string
  readonly isFixed: boolean
}

function writtenValues({ subject }: ProfileDocument): readonly WrittenValue[] {
  return subjectFields.flatMap((field): readonly WrittenValue[] => {
    const rule = subject[field]
    if (rule?.rule === 'fixed')
      return [{ pointer: `/subject/${field}/value`, value: rule.value, isFixed: true }]
    const values = rule !== undefined && 'values' in rule ? (rule.values ?? []) : []
    return values.map((value, index) => ({
      pointer: `/subject/${field}/values/${index}`,
      value,
      isFixed: false
    }))
  })
}

function lookalikesOf(document: ProfileDocument) {
  return writtenValues(document).flatMap(written => {
    const found = findLookalike(written.value)
    return found === undefined ? [] : [{ ...written, found }]
  })
}

/** A value of a CSR that is listed and would be refused all the same. */
export function lookalikeViolations(document: ProfileDocument): readonly Violation[] {
  if (document.lookalikes !== 'refuse') return []
  return lookalikesOf(document)
    .filter(({ isFixed }) => !isFixed)
    .map(({ pointer, found }) => ({
      pointer,
      expected: 'characters that are what they look like, while lookalikes is refuse',
      found,
      message: 'No CSR with this value could pass. Type it anew, or let lookalikes be warn.'
    }))
}

/** What looks like ASCII in the document, and device names that could differ by what nobody sees. */
export function lookalikeWarnings(document: ProfileDocument): readonly Violation[] {
  const written = lookalikesOf(document).map(({ pointer, found }) => ({
    pointer,
    expected: 'characters that are what they look like',
    found,
    message: 'It looks like another value than it is. Type it anew unless it is meant.'
  }))
  if (document.lookalikes === 'refuse') return written
  const open = (document.deviceIdentity ?? []).filter(field => isUnbounded(document.subject[field]))
  return [
    ...written,
    ...open.map(field => ({
      pointer: '/lookalikes',
      expected: `refuse, or a pattern or values for ${field}`,
      found: 'warn',
      message: `Two devices could carry a ${field} that looks the same, one of them with Cyrillic or Greek letters.`
    }))
  ]
}

function isUnbounded(rule: SubjectRule | undefined): boolean {
  if (rule === undefined) return true
  return rule.rule !== 'fixed' && !('values' in rule) && !('pattern' in rule)
}

/** A CSR whose subject comes to nothing is refused: told when the profile is posted, not on the line. */
export function emptySubjectWarnings(
  { subject }: ProfileDocument,
  templateFields: TemplateFields
): readonly Violation[] {
  const isCertain = ({ rule }: SubjectRule) => rule === 'required' || rule === 'fixed'
  if (templateFields.size > 0 || Object.values(subject).some(isCertain)) return []
  return [
    {
      pointer: '/subject',
      expected: 'a field that every certificate carries: required, fixed, or declared by the template',
      found: Object.keys(subject).length === 0 ? 'no rules' : 'none that must be there',
      message:
        'A CSR that leaves the subject empty is refused. Make a field required so that this is told as such.'
    }
  ]
}
