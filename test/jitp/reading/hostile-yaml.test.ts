import { describe, expect, it } from 'vitest'
import { checkTemplate } from '../../../src/jitp/checks/check.ts'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import { expectWithin, measureCpu } from '../../support/time-limit.ts'

const most = 163_000
const fill = (piece: string): string => piece.repeat(Math.floor(most / piece.length))
const aliases = (levels: number): string =>
  [
    'a0: &a0 [x, x]',
    ...Array.from({ length: levels }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)
  ].join('\n')

/** Each after `Resources:`, so that it is read as YAML. */
const hostile: readonly (readonly [name: string, text: string, id: string])[] = [
  ['a bomb of aliases', `\n${indented(aliases(40))}`, 'text-too-large'],
  ['an alias of what is around it', ' &a\n  b: *a', 'nesting-too-deep'],
  ['many aliases of one text', `\n  a: &a x\n  b: [${'*a, '.repeat(4_000)}]`, 'text-too-large'],
  [
    'many aliases of one long text',
    `\n  a: &a ${'x'.repeat(50_000)}\n  b: [${'*a, '.repeat(900)}]`,
    'text-too-large'
  ],
  ['brackets', ` ${fill('[')}`, 'nesting-too-deep'],
  ['braces', ` ${fill('{a: ')}`, 'nesting-too-deep'],
  ['dashes', `\n  ${fill('- ')}`, 'nesting-too-deep'],
  ['questions', `\n  ${fill('? ')}`, 'nesting-too-deep'],
  [
    'steps',
    `\n${Array.from({ length: 500 }, (_, i) => `${' '.repeat(i + 1)}a:`).join('\n')}`,
    'nesting-too-deep'
  ],
  ['closing brackets', ` [${fill(']')}`, 'text-too-large'],
  ['commas', ` [${fill(',')}`, 'text-too-large'],
  ['tags', `\n  ${fill('!a ')}`, 'text-too-large'],
  ['anchors', `\n  ${fill('&a ')}`, 'text-too-large'],
  ['members', `\n${fill('  a: b\n')}`, 'text-too-large'],
  ['documents', `\n${fill('---\n')}`, 'text-too-large'],
  ['empty lines', fill('\n'), 'text-too-large'],
  ['comments', fill('\n#x'), 'text-too-large'],
  ['mistakes', `\n${'  @ a: b\n'.repeat(1_000)}`, 'yaml-syntax'],
  ['a name that is a list', '\n  ? [a]\n  : b', 'yaml-syntax'],
  ['an alias of nothing', ' *a', 'yaml-syntax'],
  ['more than is read', ` ${'x'.repeat(170_000)}`, 'text-too-large']
]

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}

/** The best of three: what is compiled meanwhile is not the reader's. */
async function cpuMilliseconds(act: () => void): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 3; round += 1) times.push(await measureCpu(act))
  return Math.min(...times)
}

describe('hostile YAML', () => {
  it.each(hostile)('%s is refused', (_, text, id) => {
    const source = readTemplateSource(`Resources:${text}`)
    expect(source.value).toBeUndefined()
    expect(source.findings.map(finding => finding.id)).toEqual([id])
  })

  it.each(hostile)('%s takes less than 50 ms', async (_, text) => {
    expectWithin(await cpuMilliseconds(() => checkTemplate(readTemplateSource(`Resources:${text}`))), 50)
  })

  it('has members that no prototype has', () => {
    const { value } = readTemplateSource('Resources:\n  __proto__: {a: b}\n  constructor: c\n')
    expect(Object.keys(value?.Resources ?? {})).toEqual(['__proto__', 'constructor'])
    expect(({} as { a?: string }).a).toBeUndefined()
  })
})

describe('hostile functions of CloudFormation', () => {
  const stack = (templateBody: object) =>
    JSON.stringify({
      Resources: { T: { Type: 'AWS::IoT::ProvisioningTemplate', Properties: { TemplateBody: templateBody } } }
    })
  const doubled = (levels: number): object =>
    levels === 0 ? { Ref: 'A' } : { 'Fn::Sub': ['${A}${A}', { A: doubled(levels - 1) }] }
  const texts: readonly (readonly [string, object, string])[] = [
    ['a value within a value', doubled(18), 'text-too-large'],
    [
      'a long value many times',
      { 'Fn::Sub': ['${A}'.repeat(20_000), { A: 'x'.repeat(50_000) }] },
      'text-too-large'
    ],
    ['many pieces of one text', { 'Fn::Sub': '${!x}'.repeat(5_000) }, 'json-syntax'],
    ['many values that are open', { 'Fn::Sub': '${A}'.repeat(30_000) }, 'value-not-filled-in'],
    ['many items', { 'Fn::Join': ['', Array.from({ length: 9_000 }, () => 'x')] }, 'json-syntax']
  ]

  it.each(texts)('%s: a finding, in less than 50 ms', async (_, templateBody, id) => {
    const text = stack(templateBody)
    const findings = checkTemplate(readTemplateSource(text))
    expect(findings.map(finding => finding.id)).toContain(id)
    expect(findings.length).toBeLessThan(20)
    expectWithin(await cpuMilliseconds(() => checkTemplate(readTemplateSource(text))), 50)
  })
})
