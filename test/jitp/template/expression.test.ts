import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpressionEvaluator } from '../../../src/jitp/evaluation/evaluate-expression.ts'
import { createTemplateReport } from '../../../src/jitp/findings/report.ts'
import { parseExpression } from '../../../src/jitp/reading/parsing/expression.ts'
import { noSourceMap } from '../../../src/jitp/reading/source-map.ts'
import type { Expression } from '../../../src/jitp/template/expression.ts'
import { visibleParametersOf } from '../../../src/jitp/template/expression.ts'
import { type Json, ref } from '../template-cases.ts'

function expressionOf(value: Json): Expression {
  const report = createTemplateReport(noSourceMap)
  const expression = parseExpression(value, '', report)
  expect(report.findings).toEqual([])
  return expression!
}

const visible = (value: Json) =>
  visibleParametersOf(expressionOf(value)).map(name => name.replace('AWS::IoT::Certificate::', ''))

function textOf(expression: Expression, values: Readonly<Record<string, string>>): string | null {
  const evaluator = new ExpressionEvaluator({
    values: new Map(Object.entries(values).map(([name, value]) => [`AWS::IoT::Certificate::${name}`, value])),
    mappings: undefined,
    report: () => undefined
  })
  return evaluator.text(expression)
}

const split = (index: string, delimiter: string, source: Json): Json => ({
  'Fn::Select': [index, { 'Fn::Split': [delimiter, source] }]
})
const join = (delimiter: string, ...items: Json[]): Json => ({ 'Fn::Join': [delimiter, items] })

describe('the parameters that can be seen', () => {
  it.each<[string, Json, string[]]>([
    ['before the first delimiter', split('0', '-', join('-', ref('CommonName'), ref('Id'))), ['CommonName']],
    ['behind the certificate id', split('1', '-', join('-', ref('Id'), ref('CommonName'))), ['CommonName']],
    ['the certificate id itself', split('0', '-', join('-', ref('Id'), ref('CommonName'))), ['Id']],
    ['between texts', split('2', '-', join('', 'a-b-', ref('Id'), '-', ref('CommonName'))), ['Id']],
    [
      'behind what may have a delimiter',
      split('1', '-', join('-', ref('CommonName'), ref('Id'))),
      ['CommonName', 'Id']
    ],
    [
      'in texts of texts',
      split('1', ':', { 'Fn::Sub': ['${a}:${b}', { a: join(':', 'x'), b: join('', ref('Id')) }] }),
      ['Id']
    ],
    ['in no item', split('2', '-', join('-', ref('Id'), 'a')), []],
    ['in a variable that is not used', { 'Fn::Sub': ['${b}', { a: ref('Id'), b: 'x' }] }, []],
    [
      'around a delimiter of two characters, which may begin elsewhere',
      split('0', '--', join('--', ref('Id'), ref('CommonName'))),
      ['CommonName', 'Id']
    ]
  ])('%s', (_, value, expected) => {
    expect(visible(value).toSorted()).toEqual(expected.toSorted())
  })

  it('are found in time where texts of nothing are multiplied', () => {
    let value: Json = ''
    for (let depth = 0; depth < 15; depth++) value = { 'Fn::Sub': ['${a}'.repeat(9), { a: value }] }
    const started = performance.now()
    expect(visible(split('0', '-', join('', value, ref('Id'))))).toEqual(['Id'])
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  it('are all on which the text depends', () => {
    const names = ['CommonName', 'Organization', 'Id'] as const
    const { text } = fc.letrec<{ text: Json; list: Json }>(tie => ({
      text: fc.oneof(
        { maxDepth: 3 },
        { weight: 2, arbitrary: fc.constantFrom<Json>('', '-', 'x', 'x-y', '--') },
        { weight: 4, arbitrary: fc.constantFrom(...names).map(ref) },
        {
          weight: 3,
          arbitrary: fc
            .tuple(fc.constantFrom('', '-', '--'), tie('list'))
            .map(([delimiter, list]): Json => ({ 'Fn::Join': [delimiter, list] }))
        },
        {
          weight: 3,
          arbitrary: fc
            .tuple(fc.constantFrom('0', '1', '2'), tie('list'))
            .map(([index, list]): Json => ({ 'Fn::Select': [index, list] }))
        },
        {
          weight: 1,
          arbitrary: fc
            .tuple(tie('text'), tie('text'))
            .map(([a, b]): Json => ({ 'Fn::Sub': ['x${a}-', { a, b }] }))
        }
      ),
      list: fc.oneof(
        fc.array(tie('text'), { minLength: 1, maxLength: 3 }),
        fc
          .tuple(fc.constantFrom('-', '--', 'x', 'x-'), tie('text'))
          .map(([delimiter, source]): Json => ({ 'Fn::Split': [delimiter, source] }))
      )
    }))
    const value = fc.stringMatching(/^[a-x-]{0,4}$/)
    const valuesOf = (): fc.Arbitrary<Record<(typeof names)[number], string>> =>
      fc.record({
        CommonName: value,
        Organization: value,
        Id: fc.constantFrom('0a'.repeat(32), 'f1'.repeat(32))
      })
    fc.assert(
      fc.property(
        text,
        fc.tuple(valuesOf(), valuesOf()),
        fc.constantFrom(...names),
        (template, [one, other], name) => {
          const expression = expressionOf(template)
          const [before, after] = [one, { ...one, [name]: other[name] }].map(values =>
            textOf(expression, values)
          )
          // Where one of them cannot be made, no device has the name.
          if (before === after || before === null || after === null) return
          expect(visibleParametersOf(expression)).toContain(`AWS::IoT::Certificate::${name}`)
        }
      ),
      { numRuns: 5_000 }
    )
  })
})
