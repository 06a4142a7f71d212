import { describe, expect, it } from 'vitest'
import { checkTemplate } from '../../../src/jitp/checks/check.ts'
import { findingCatalogue, isError } from '../../../src/jitp/findings/finding.ts'
import { readTemplateSource } from '../../../src/jitp/reading/template-source.ts'
import { evaluationCases } from '../evaluation/evaluation-cases.ts'
import { flawCases } from '../policy/policy-cases.ts'
import { templateOf } from '../template-cases.ts'
import {
  certificateCases,
  type CheckCase,
  functionCases,
  parameterCases,
  policyCases,
  readingCases,
  shapeCases,
  subjectRuleCases,
  thingCases
} from './check-cases.ts'
import { formCases, kindCases, thingNameCases } from './form-cases.ts'

const groups: Readonly<Record<string, readonly CheckCase[]>> = {
  parameters: parameterCases,
  functions: functionCases,
  shape: shapeCases,
  thing: thingCases,
  certificate: certificateCases,
  policy: policyCases,
  'subject rules': subjectRuleCases,
  text: readingCases,
  form: formCases,
  kind: kindCases,
  'thing name': thingNameCases
}

const found = ({ template, options }: CheckCase): string[] =>
  checkTemplate(readTemplateSource(template), options).map(({ id, pointer }) => `${id} ${pointer}`)

describe.each(Object.entries(groups))('checkTemplate on %s', (_, cases) => {
  it.each(cases.map(each => [each.flaw, each] as const))('%s', (_, each) => {
    expect(found(each)).toEqual(each.findings)
  })
})

describe('checkTemplate', () => {
  it('gives the same findings for text, in the order of the text, with places', () => {
    const template = templateOf({ thing: { ThingName: 'a b' }, policy: { PolicyName: 'c d' } })
    const text = JSON.stringify(template, null, 2)
    const findings = checkTemplate(readTemplateSource(text))
    const places = findings.map(({ position }) => position?.line ?? 0)
    expect(places).toEqual([...places].sort((one, other) => one - other))
    for (const { position, found: value } of findings.filter(isError)) {
      expect(text.split('\n')[(position?.line ?? 0) - 1]?.slice(position?.column)).toContain(
        value.replaceAll('`', '')
      )
    }
  })

  it('points into the policy document', () => {
    const document =
      '{"Version":"2012-10-17",\n"Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"<REGION>"}]}'
    const text = JSON.stringify(templateOf({ policy: { PolicyDocument: document } }))
    const [finding] = checkTemplate(readTemplateSource(text))
    expect(text.slice((finding?.position?.column ?? 0) - 1)).toMatch(/^<REGION>/)
  })

  it('measures a body given as a string with its spaces, and an object without', () => {
    const body = JSON.stringify(templateOf(), null, 10) + ' '.repeat(10_240)
    const roleArn = 'arn:aws:iam::210987654321:role/r'
    const ids = (input: unknown) => checkTemplate(readTemplateSource(input)).map(({ id }) => id)
    expect(ids({ templateBody: body, roleArn: 'arn:aws:iam::210987654321:role/r' })).toEqual([
      'body-too-long'
    ])
    expect(ids(body)).toEqual(['body-too-long-as-given'])
    expect(ids(JSON.parse(body))).toEqual([])
    expect(
      ids(
        JSON.stringify({ templateBody: JSON.parse(body) as object, roleArn }, null, 10) + ' '.repeat(10_240)
      )
    ).toEqual(['escaped-too-seldom'])
  })

  it('takes names from Object.prototype for what they are: unknown', () => {
    const template = templateOf({
      template: JSON.parse('{"__proto__": {}, "constructor": {}}') as object as never
    })
    expect(found({ flaw: '', template, findings: [] })).toEqual([
      'member-unknown /__proto__',
      'member-unknown /constructor'
    ])
  })
})

describe('the catalogue', () => {
  it('has no finding that no case reaches', () => {
    const reached = new Set(
      [
        ...Object.values(groups).flatMap(cases => cases.flatMap(({ findings }) => findings)),
        ...evaluationCases.flatMap(({ findings }) => findings ?? []),
        ...flawCases.flatMap(({ findings }) => findings)
      ].map(finding => finding.split(' ')[0])
    )
    expect(Object.keys(findingCatalogue).filter(id => !reached.has(id))).toEqual([])
  })
})
