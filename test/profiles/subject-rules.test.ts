import { describe, expect, it } from 'vitest'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { parseCertificationRequest } from '../../src/pki/csr/certification-request.ts'
import type { Subject, SubjectField } from '../../src/pki/name/subject-field.ts'
import type { SubjectRule } from '../../src/profiles/profile-document.ts'
import { compileRule } from '../../src/profiles/subject-rules.ts'
import { selectSubject } from '../../src/profiles/subject-selection.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'

type Rules = Partial<Record<SubjectField, SubjectRule>>

/** The subject that the certificate would carry, or the pointers of what is refused. */
function select(
  rules: Rules,
  requested: Subject,
  declared: readonly SubjectField[] = []
): Subject | string[] {
  const compiled = new Map(
    Object.entries(rules).map(([field, rule]) => [field as SubjectField, compileRule(rule)] as const)
  )
  const { subject } = parseCertificationRequest(makeCertificationRequest(requested))
  try {
    const policy = { droppedOids: new Set<string>(), lookalikes: 'warn' } as const
    return selectSubject({ ...policy, rules: compiled, templateFields: new Set(declared) }, subject).subject
  } catch (error) {
    expect(error).toBeInstanceOf(MintlineError)
    expect((error as MintlineError).code).toBe('subject_refused')
    return (error as MintlineError).violations.map(({ pointer }) => pointer)
  }
}

const name = { CommonName: 'x' }

describe('a subject', () => {
  it.each<[string, Rules, Subject, readonly SubjectField[], Subject | string[]]>([
    ['required and there', { CommonName: { rule: 'required' } }, name, [], name],
    [
      'required and absent',
      { Country: { rule: 'required' }, CommonName: { rule: 'allowed' } },
      name,
      [],
      ['/subject/Country']
    ],
    ['allowed and absent', { Country: { rule: 'allowed' }, CommonName: { rule: 'allowed' } }, name, [], name],
    ['without a rule', {}, name, [], ['/subject/CommonName']],
    ['without a rule, but declared', {}, name, ['CommonName'], name],
    ['declared and absent', { CommonName: { rule: 'allowed' } }, name, ['Country'], ['/subject/Country']],
    [
      'declared, allowed and absent',
      { CommonName: { rule: 'allowed' }, Country: { rule: 'allowed' } },
      name,
      ['Country'],
      ['/subject/Country']
    ],
    [
      'declared and fixed',
      { CommonName: { rule: 'allowed' }, Country: { rule: 'fixed', value: 'US' } },
      name,
      ['Country'],
      { Country: 'US', CommonName: 'x' }
    ],
    ['fixed and absent', { CommonName: { rule: 'fixed', value: 'x' } }, {}, [], name],
    ['fixed and equal', { CommonName: { rule: 'fixed', value: 'x' } }, name, [], name],
    ['fixed and different', { CommonName: { rule: 'fixed', value: 'y' } }, name, [], ['/subject/CommonName']],
    [
      'forbidden and absent',
      { Country: { rule: 'forbidden' }, CommonName: { rule: 'allowed' } },
      name,
      [],
      name
    ],
    ['forbidden and there', { CommonName: { rule: 'forbidden' } }, name, [], ['/subject/CommonName']],
    ['of the list', { CommonName: { rule: 'required', values: ['x', 'y'] } }, name, [], name],
    [
      'not of the list',
      { CommonName: { rule: 'required', values: ['X', 'y'] } },
      name,
      [],
      ['/subject/CommonName']
    ],
    ['that matches', { CommonName: { rule: 'required', pattern: '[a-z]' } }, name, [], name],
    [
      'that matches in part only',
      { CommonName: { rule: 'required', pattern: '[a-z]' } },
      { CommonName: 'xy' },
      [],
      ['/subject/CommonName']
    ],
    [
      'that matches but is not of the list',
      { CommonName: { rule: 'allowed', pattern: '.*', values: ['y'] } },
      name,
      [],
      ['/subject/CommonName']
    ],
    [
      'with several faults, all told',
      { Country: { rule: 'required' }, Locality: { rule: 'forbidden' } },
      { ...name, Locality: 'Bern' },
      [],
      ['/subject/Country', '/subject/CommonName', '/subject/Locality']
    ]
  ])('%s', (_, rules, requested, declared, expected) => {
    expect(select(rules, requested, declared)).toEqual(expected)
  })

  it('is matched in linear time, whatever the pattern', () => {
    const rules: Rules = { CommonName: { rule: 'required', pattern: '(a+)+(a+)+(a+)+b' } }
    const start = performance.now()
    expect(select(rules, { CommonName: 'a'.repeat(64) })).toEqual(['/subject/CommonName'])
    expect(performance.now() - start).toBeLessThan(100)
  })
})
