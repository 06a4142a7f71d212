import { describe, expect, it } from 'vitest'
import { checkTemplate } from '../../../src/jitp/checks/check.ts'
import { examineTemplate } from '../../../src/jitp/checks/check.ts'
import { ExpressionEvaluator } from '../../../src/jitp/evaluation/evaluate-expression.ts'
import { createTemplateReport } from '../../../src/jitp/findings/report.ts'
import { parseExpression } from '../../../src/jitp/reading/parsing/expression.ts'
import { noSourceMap } from '../../../src/jitp/reading/source-map.ts'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import { explainTemplate } from '../../../src/jitp/template/explain.ts'
import { type Expression, parametersOf, partsOf } from '../../../src/jitp/template/expression.ts'
import { limits } from '../../../src/jitp/template/limits.ts'
import { type Json, ref, templateOf } from '../template-cases.ts'

/** Fn::Sub within Fn::Sub, each of which names the one inside it several times. */
function nested(depth: number, uses: number, innermost: Json = ref('CommonName')): Json {
  if (depth === 0) return innermost
  return { 'Fn::Sub': ['${a}'.repeat(uses), { a: nested(depth - 1, uses, innermost) }] }
}

function parse(value: Json): Expression {
  const report = createTemplateReport(noSourceMap)
  const expression = parseExpression(value, '', report)
  if (expression === undefined) throw new Error('not an expression')
  return expression
}

/** Counts how often a parameter is looked up: once for each place where it stands. */
class CountingMap extends Map<string, string> {
  lookups = 0
  override get(name: string): string | undefined {
    this.lookups += 1
    return super.get(name)
  }
}

function evaluate(value: Json, parameter: string) {
  const values = new CountingMap([['AWS::IoT::Certificate::CommonName', parameter]])
  const reported: string[] = []
  const evaluator = new ExpressionEvaluator({ values, mappings: undefined, report: id => reported.push(id) })
  return { text: evaluator.text(parse(value)), lookups: values.lookups, reported }
}

const idsAndPlaces = (thingName: Json, functions: 'accept' | 'refuse' = 'accept') =>
  checkTemplate(readTemplateSource(templateOf({ thing: { ThingName: thingName } })), { functions })
    .filter(({ severity }) => severity === 'error')
    .map(({ id, pointer }) => `${id} ${pointer}`)

const place = '/Resources/thing/Properties/ThingName'

describe('an expression whose parts are shared', () => {
  it('is walked part by part, not use by use', () => {
    const expression = parse(nested(12, 100))
    expect(partsOf(expression)).toHaveLength(13)
    expect(parametersOf(expression)).toEqual(['AWS::IoT::Certificate::CommonName'])
  })

  it('is walked in the order in which it is written', () => {
    const expression = parse({ 'Fn::Join': ['', ['a', { 'Fn::Sub': 'b${c}d' }, ref('Id')]] })
    const told = partsOf(expression).map(part =>
      part.kind === 'literal' ? part.value : part.kind === 'ref' ? part.name : part.kind
    )
    expect(told).toEqual(['join', 'list', 'a', 'sub', 'b', 'c', 'd', 'AWS::IoT::Certificate::Id'])
  })

  it('has each bound value evaluated once', () => {
    const { text, lookups, reported } = evaluate(nested(4, 8), 'xy')
    expect(text).toBe('xy'.repeat(8 ** 4))
    expect(lookups).toBe(8)
    expect(reported).toEqual([])
  })

  it('reports once what fails, wherever it is used', () => {
    const broken = { 'Fn::Select': ['9', [ref('CommonName')]] }
    expect(evaluate(nested(6, 16, broken), 'x')).toMatchObject({
      text: null,
      reported: ['select-out-of-range']
    })
  })
})

describe('the length of what is made', () => {
  it.each([
    ['nested Fn::Sub', nested(8, 9)],
    ['nested Fn::Sub, 12 deep', nested(12, 16)],
    ['a long delimiter', { 'Fn::Join': ['-'.repeat(9_000), ['a', 'b', 'c']] }],
    [
      'a list that Fn::Split makes',
      { 'Fn::Join': ['-'.repeat(200), { 'Fn::Split': ['x', { 'Fn::Sub': 'x'.repeat(400) }] }] }
    ]
  ] satisfies [string, Json][])('is known before it is made: %s', (_, value) => {
    expect(evaluate(value, 'x')).toMatchObject({ text: null, reported: ['expressions-too-large'] })
  })

  it('is bounded over all texts of a certificate together', () => {
    const values = new Map([['AWS::IoT::Certificate::CommonName', 'x'.repeat(1_000)]])
    const reported: string[] = []
    const evaluator = new ExpressionEvaluator({
      values,
      mappings: undefined,
      report: id => reported.push(id)
    })
    const texts = Array.from({ length: 20 }, () => evaluator.text(parse(nested(1, 16))))
    expect(texts.filter(text => text !== null)).toHaveLength(16)
    expect(new Set(reported)).toEqual(new Set(['expressions-too-large']))
  })
})

describe('checkTemplate', () => {
  it.each([
    ['nested 8 deep with 9 uses each', 8, 9],
    ['nested 6 deep with 16 uses each', 6, 16],
    ['nested 12 deep with 100 uses each', 12, 100]
  ])('names the innermost place that is too long: %s', (_, depth, uses) => {
    for (const functions of ['accept', 'refuse'] as const) {
      const found = idsAndPlaces(nested(depth, uses), functions)
      expect(found).toHaveLength(1)
      expect(found[0]).toMatch(new RegExp(`^expressions-too-large ${place}(/Fn::Sub/1/a)*/Fn::Sub$`))
    }
  })

  it('says the limit and what was found', () => {
    const template = templateOf({ thing: { ThingName: nested(1, 65) } })
    const finding = checkTemplate(readTemplateSource(template)).find(
      ({ id }) => id === 'expressions-too-large'
    )
    expect(finding).toMatchObject({ expected: `at most ${limits.textLength}`, found: String(65 * 256) })
  })

  const idsOf = (thingName: Json) => idsAndPlaces(thingName).map(each => each.split(' ')[0])

  it('takes as many functions within each other as the limit says, and no more', () => {
    const select = (depth: number): Json =>
      depth === 0 ? ref('CommonName') : { 'Fn::Select': ['0', [select(depth - 1)]] }
    expect(idsOf(select(limits.functionDepth))).toEqual([])
    expect(idsOf(select(limits.functionDepth + 1))).toEqual(['expressions-too-large'])
  })

  it('takes as many parts as the limit says, and no more', () => {
    const list = (length: number): Json => ({
      'Fn::Select': ['0', [ref('CommonName'), ...Array<Json>(length).fill('')]]
    })
    // In all there are four expressions; the function has an index and a list, whose first item is no blank.
    const besides = 7
    expect(idsOf(list(limits.parts - besides))).toEqual(['body-too-long'])
    expect(idsOf(list(limits.parts - besides + 1))).toEqual(['body-too-long', 'expressions-too-large'])
  })

  it('lets everything through that a body has room for, and that certificates can fill', () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [
        `a${index}`,
        { 'Fn::Sub': '${AWS::IoT::Certificate::CommonName}'.repeat(3) }
      ])
    )
    const thing = { ThingName: ref('CommonName'), ThingTypeName: 't', AttributePayload: attributes }
    const findings = checkTemplate(readTemplateSource(templateOf({ thing })), { functions: 'accept' })
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  })
})

describe('explainTemplate', () => {
  it('does not write out what is too large', () => {
    const source = readTemplateSource(templateOf({ thing: { ThingName: nested(12, 16) } }))
    const { template } = examineTemplate(source)
    expect(explainTemplate(template).join('\n').length).toBeLessThan(50_000)
  })
})
