import { RE2JS } from 're2js'
import type { SubjectField } from '../../pki/name/subject-field.ts'
import type { SubjectRule } from '../document.ts'

/** What one field of the subject must be, ready to be tested. */
export interface CompiledRule {
  readonly presence: 'required' | 'allowed' | 'forbidden'
  /** The rule in words, as a violation shows it. */
  readonly expected: string
  readonly accepts: (value: string) => boolean
  /** What it would accept in place of a value that differs in case or in how Unicode composes it alone. */
  readonly nearest: (value: string) => string | undefined
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
        nearest: value => findNearest(value, [rule.value], each => each === rule.value),
        fixedValue: rule.value
      }
    case 'forbidden':
      return {
        presence: 'forbidden',
        expected: 'nothing',
        accepts: () => false,
        nearest: () => undefined,
        fixedValue: undefined
      }
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
      const accepts = (value: string) => (values?.has(value) ?? true) && (pattern?.matches(value) ?? true)
      return {
        presence: rule.rule,
        expected: expected.join(' and ') || 'a value',
        accepts,
        nearest: value => findNearest(value, [...(values ?? [])], accepts),
        fixedValue: undefined
      }
    }
  }
}

function findNearest(
  value: string,
  listed: readonly string[],
  accepts: (value: string) => boolean
): string | undefined {
  const folded = foldCase(value)
  const same = listed.filter(each => foldCase(each) === folded)
  const written = value.normalize('NFC')
  return [...same, written, written.toUpperCase(), written.toLowerCase()].find(
    each => each !== value && accepts(each)
  )
}

function foldCase(value: string): string {
  return value.normalize('NFC').toLowerCase()
}
