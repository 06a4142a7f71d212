import { RE2JS } from 're2js'
import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import type { SubjectAttribute } from '../pki/csr/certification-request.ts'
import { encodingViolations } from '../pki/name/name.ts'
import { type Subject, type SubjectField, subjectFields } from '../pki/name/subject-field.ts'
import type { SubjectRule } from './profile-document.ts'

/** What one field of the subject must be, ready to be tested. */
export interface CompiledRule {
  readonly presence: 'required' | 'allowed' | 'forbidden'
  /** The rule in words, as a violation shows it. */
  readonly expected: string
  readonly accepts: (value: string) => boolean
  /** Written into the certificate when the CSR is silent. */
  readonly fixedValue: string | undefined
}

export type SubjectRules = ReadonlyMap<SubjectField, CompiledRule>

/**
 * Patterns are RE2: matched in time linear in the value, so that no pattern can hang the service.
 *
 * @throws the syntax error of a pattern that RE2 does not take.
 */
export function compileRule(rule: SubjectRule): CompiledRule {
  switch (rule.rule) {
    case 'fixed':
      return {
        presence: 'allowed',
        expected: `"${rule.value}", or nothing`,
        accepts: value => value === rule.value,
        fixedValue: rule.value
      }
    case 'forbidden':
      return { presence: 'forbidden', expected: 'nothing', accepts: () => false, fixedValue: undefined }
    case 'required':
    case 'allowed': {
      const pattern = rule.pattern === undefined ? undefined : RE2JS.compile(rule.pattern)
      const values = rule.values === undefined ? undefined : new Set(rule.values)
      const expected = [
        values &&
          `one of ${[...values]
            .slice(0, 10)
            .map(value => `"${value}"`)
            .join(', ')}${values.size > 10 ? ', …' : ''}`,
        pattern && `a value that matches ${rule.pattern}`
      ].filter(part => part !== undefined)
      return {
        presence: rule.rule,
        expected: expected.join(' and ') || 'a value',
        accepts: value => (values?.has(value) ?? true) && (pattern?.matches(value) ?? true),
        fixedValue: undefined
      }
    }
  }
}

/**
 * Holds a CSR's subject against the rules and gives the subject that the certificate will carry: the values
 * that the rules ask for or allow, and the fixed ones.
 *
 * @param templateFields fields that the provisioning template declares; AWS fails the device without them.
 * @throws MintlineError `subject_refused` with every violation at once; pointers are `/subject/<field>`.
 */
export function selectSubject(
  rules: SubjectRules,
  templateFields: ReadonlySet<SubjectField>,
  attributes: readonly SubjectAttribute[]
): Subject {
  const violations: Violation[] = []
  const requested: Partial<Record<SubjectField, string>> = {}
  for (const attribute of attributes) {
    if (attribute.field === undefined) violations.push(unsupportedAttribute(attribute))
    else requested[attribute.field] = attribute.value
  }
  const selected: Partial<Record<SubjectField, string>> = {}
  for (const field of subjectFields) {
    const value = requested[field] ?? rules.get(field)?.fixedValue
    const found = fieldViolations(field, requested[field], value, rules.get(field), templateFields.has(field))
    violations.push(...found)
    if (value !== undefined && found.length === 0) selected[field] = value
  }
  if (violations.length > 0) {
    throw new MintlineError('subject_refused', summarize(violations), { violations })
  }
  return selected
}

function fieldViolations(
  field: SubjectField,
  requested: string | undefined,
  value: string | undefined,
  rule: CompiledRule | undefined,
  isDeclaredByTemplate: boolean
): Violation[] {
  const violation = (expected: string, message: string): Violation[] => [
    {
      pointer: `/subject/${field}`,
      expected,
      found: requested === undefined ? 'nothing' : `"${requested}"`,
      message
    }
  ]
  if (value === undefined) {
    if (isDeclaredByTemplate) {
      return violation(
        'a value',
        `The provisioning template declares ${field}: without it AWS fails the device.`
      )
    }
    return rule?.presence === 'required' ? violation(rule.expected, `The profile requires ${field}.`) : []
  }
  if (rule === undefined && !isDeclaredByTemplate) {
    return violation(
      'nothing',
      `Neither the profile nor its template has a use for ${field}. Leave it out of the CSR.`
    )
  }
  if (rule?.presence === 'forbidden') return violation('nothing', `The profile forbids ${field}.`)
  const encoding = encodingViolations(field, value)
  if (encoding.length > 0) return [...encoding]
  return rule === undefined || rule.accepts(value)
    ? []
    : violation(rule.expected, `The profile refuses this ${field}.`)
}

function unsupportedAttribute(attribute: SubjectAttribute): Violation {
  return {
    pointer: `/subject/${attribute.name}`,
    expected: `only ${subjectFields.join(', ')}`,
    found: `"${attribute.value}"`,
    message: `A certificate from here cannot carry ${attribute.name}. Leave it out of the CSR.`
  }
}

function summarize(violations: readonly Violation[]): string {
  const [first] = violations
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''
  return `The CSR's subject does not fit the profile: ${first?.message ?? ''}${more}`
}
