import { describe, expect, it } from 'vitest'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import type { Subject, SubjectField } from '../../../src/pki/name/subject-field.ts'
import type { SubjectRule } from '../../../src/profiles/document.ts'
import { compileRule } from '../../../src/profiles/subject/rules.ts'
import { selectSubject } from '../../../src/profiles/subject/selection.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { expectWithin, measureCpu } from '../../support/time-limit.ts'

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
    const policy = {
      droppedOids: new Set<string>(),
      stationFields: new Set<SubjectField>(),
      lookalikes: 'warn'
    } as const
    return selectSubject({ ...policy, rules: compiled, templateFields: new Set(declared) }, subject).subject
  } catch (error) {
    expect(error).toBeInstanceOf(MintlineError)
    expect((error as MintlineError).code).toBe('subject_refused')
    return (error as MintlineError).violations.map(({ pointer }) => pointer)
  }
}

const name = { CommonName: 'x' }

interface Given {
  readonly rules: Rules
  readonly requested: Subject
  readonly declared?: readonly SubjectField[]
}

describe('a subject', () => {
  it.each<[string, Given, Subject | string[]]>([
    ['required and there', { rules: { CommonName: { rule: 'required' } }, requested: name }, name],
    [
      'required and absent',
      { rules: { Country: { rule: 'required' }, CommonName: { rule: 'allowed' } }, requested: name },
      ['/subject/Country']
    ],
    [
      'allowed and absent',
      { rules: { Country: { rule: 'allowed' }, CommonName: { rule: 'allowed' } }, requested: name },
      name
    ],
    ['without a rule', { rules: {}, requested: name }, ['/subject/CommonName']],
    ['without a rule, but declared', { rules: {}, requested: name, declared: ['CommonName'] }, name],
    [
      'declared and absent',
      { rules: { CommonName: { rule: 'allowed' } }, requested: name, declared: ['Country'] },
      ['/subject/Country']
    ],
    [
      'declared, allowed and absent',
      {
        rules: { CommonName: { rule: 'allowed' }, Country: { rule: 'allowed' } },
        requested: name,
        declared: ['Country']
      },
      ['/subject/Country']
    ],
    [
      'declared and fixed',
      {
        rules: { CommonName: { rule: 'allowed' }, Country: { rule: 'fixed', value: 'US' } },
        requested: name,
        declared: ['Country']
      },
      { Country: 'US', CommonName: 'x' }
    ],
    ['fixed and absent', { rules: { CommonName: { rule: 'fixed', value: 'x' } }, requested: {} }, name],
    ['fixed and equal', { rules: { CommonName: { rule: 'fixed', value: 'x' } }, requested: name }, name],
    [
      'fixed and different',
      { rules: { CommonName: { rule: 'fixed', value: 'y' } }, requested: name },
      ['/subject/CommonName']
    ],
    [
      'forbidden and absent',
      { rules: { Country: { rule: 'forbidden' }, CommonName: { rule: 'allowed' } }, requested: name },
      name
    ],
    [
      'forbidden and there',
      { rules: { CommonName: { rule: 'forbidden' } }, requested: name },
      ['/subject/CommonName']
    ],
    [
      'of the list',
      { rules: { CommonName: { rule: 'required', values: ['x', 'y'] } }, requested: name },
      name
    ],
    [
      'not of the list',
      { rules: { CommonName: { rule: 'required', values: ['X', 'y'] } }, requested: name },
      ['/subject/CommonName']
    ],
    [
      'that matches',
      { rules: { CommonName: { rule: 'required', pattern: '[a-z]' } }, requested: name },
      name
    ],
    [
      'that matches in part only',
      { rules: { CommonName: { rule: 'required', pattern: '[a-z]' } }, requested: { CommonName: 'xy' } },
      ['/subject/CommonName']
    ],
    [
      'that matches but is not of the list',
      { rules: { CommonName: { rule: 'allowed', pattern: '.*', values: ['y'] } }, requested: name },
      ['/subject/CommonName']
    ],
    [
      'with several faults, all told',
      {
        rules: { Country: { rule: 'required' }, Locality: { rule: 'forbidden' } },
        requested: { ...name, Locality: 'Bern' }
      },
      ['/subject/Country', '/subject/CommonName', '/subject/Locality']
    ]
  ])('%s', (_, { rules, requested, declared }, expected) => {
    expect(select(rules, requested, declared)).toEqual(expected)
  })

  it('is matched in linear time, whatever the pattern', async () => {
    const rules: Rules = { CommonName: { rule: 'required', pattern: '(a+)+(a+)+(a+)+b' } }
    const cost = await measureCpu(() =>
      expect(select(rules, { CommonName: 'a'.repeat(64) })).toEqual(['/subject/CommonName'])
    )
    expectWithin(cost, 100)
  })
})
