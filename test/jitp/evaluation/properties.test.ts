import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkTemplate } from '../../../src/jitp/checks/check.ts'
import { examineTemplate } from '../../../src/jitp/checks/check.ts'
import { compileTemplate, requiredSubjectFields } from '../../../src/jitp/evaluation/compile.ts'
import { evaluateTemplate } from '../../../src/jitp/evaluation/evaluate.ts'
import { isError } from '../../../src/jitp/findings/finding.ts'
import { exportRegistrationConfig } from '../../../src/jitp/reading/registration-config.ts'
import { readTemplateSource, type TemplateSource } from '../../../src/jitp/reading/template-source.ts'
import { explainTemplate } from '../../../src/jitp/template/explain.ts'
import type { TemplateOptions } from '../../../src/jitp/template/options.ts'
import { type Subject, subjectFields } from '../../../src/pki/name/subject-field.ts'
import { connectDocument, type Json, type JsonMembers, ref, templateOf } from '../template-cases.ts'

const compile = (source: TemplateSource, options?: TemplateOptions) =>
  compileTemplate(examineTemplate(source, options), options)

const fields = subjectFields.filter(field => field !== 'Locality')
const role = 'arn:aws:iam::210987654321:role/r'
/** What every name of AWS IoT allows. */
const word = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/)
const strictText: fc.Arbitrary<Json> = fc.oneof(
  { weight: 8, arbitrary: word },
  { weight: 8, arbitrary: fc.constantFrom(...fields).map(ref) },
  { weight: 1, arbitrary: fc.constant(ref('Id')) }
)

/** Texts made by functions, some of them wrong: the checker has to sort them out. */
const { text: anyText } = fc.letrec<{ text: Json; list: Json }>(tie => ({
  text: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 12, arbitrary: strictText },
    fc.tuple(fc.constantFrom('', '-', ' '), tie('list')).map(value => ({ 'Fn::Join': value })),
    fc.tuple(fc.constantFrom('0', '1', 2), tie('list')).map(value => ({ 'Fn::Select': value })),
    fc.tuple(tie('text'), tie('text')).map(([top, second]) => ({ 'Fn::FindInMap': ['M', top, second] })),
    fc
      .constantFrom(...fields, 'Id', 'Nothing')
      .map(name => ({ 'Fn::Sub': `x-\${AWS::IoT::Certificate::${name}}` }))
  ),
  list: fc.oneof(
    fc.array(tie('text'), { minLength: 1, maxLength: 3 }),
    tie('text').map(source => ({ 'Fn::Split': ['-', source] }))
  )
}))

const templateFrom = (text: fc.Arbitrary<Json>): fc.Arbitrary<JsonMembers> =>
  fc
    .record(
      {
        ThingName: text,
        AttributePayload: fc.dictionary(word, text, { maxKeys: 4 }),
        ThingTypeName: text,
        ThingGroups: fc.array(text, { maxLength: 3 }),
        BillingGroup: text
      },
      { requiredKeys: ['ThingName'] }
    )
    .chain(thing =>
      fc
        .oneof(
          text.map(name => ({ PolicyName: name })),
          fc.constant<Json>({ PolicyDocument: connectDocument() }),
          fc.constantFrom(...fields).map(field => ({
            PolicyDocument: { 'Fn::Sub': connectDocument(`client/\${AWS::IoT::Certificate::${field}}`) }
          }))
        )
        .map(policy =>
          templateOf({
            parameters: [...fields, 'Id'],
            thing: thing as Json,
            policy: policy,
            template: { Mappings: { M: { a: { b: 'c' } } } }
          })
        )
    )

const options: fc.Arbitrary<TemplateOptions> = fc.record({
  serialNumberSource: fc.constantFrom('subject', 'certificate'),
  functions: fc.constant('accept'),
  subjectCharacters: fc.constantFrom('refuse', 'accept'),
  generatedPolicyName: fc.constantFrom('unknown', 'sha1-of-document'),
  undeclaredCertificateId: fc.constantFrom('refuse', 'accept')
})
const subjectOf = (value: fc.Arbitrary<string>): fc.Arbitrary<Subject> =>
  fc.record(Object.fromEntries(subjectFields.map(field => [field, value])))
const serialNumber = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map(octets => octets.with(0, (octets[0] ?? 0) & 0x7f))
const certificateId = fc.option(fc.constant('ab'.repeat(32)), { nil: undefined })

describe('a template that the checker accepts', () => {
  it('evaluates without an exception, whatever the subject holds', () => {
    let accepted = 0
    let predicted = 0
    fc.assert(
      fc.property(
        templateFrom(anyText),
        options,
        fc.record({
          subject: subjectOf(fc.oneof(word, fc.string({ minLength: 1 }))),
          certificateSerialNumber: serialNumber,
          id: certificateId
        }),
        (template, switches, { id, ...certificate }) => {
          const source = readTemplateSource(template)
          if (checkTemplate(source, switches).some(isError)) return
          accepted += 1
          const facts = { ...certificate, ...(id !== undefined && { certificateId: id }) }
          const evaluation = evaluateTemplate(compile(source, switches), facts)
          if (evaluation.ok) predicted += 1
          else expect(evaluation.findings.length).toBeGreaterThan(0)
        }
      ),
      { numRuns: 700 }
    )
    expect(Math.min(accepted, predicted)).toBeGreaterThan(20)
  })

  it('predicts a thing for every subject that has the required fields in the alphabet of all names', () => {
    let accepted = 0
    const strict = templateFrom(strictText).map(({ Mappings: _, ...template }) => template)
    fc.assert(
      fc.property(
        strict,
        fc.record({ subject: subjectOf(word), certificateSerialNumber: serialNumber }),
        fc.constantFrom('subject', 'certificate'),
        (template, { subject, certificateSerialNumber }, serialNumberSource) => {
          const source = readTemplateSource(template)
          if (checkTemplate(source, { serialNumberSource }).some(isError)) return
          accepted += 1
          const compiled = compile(source, { serialNumberSource })
          const required = Object.fromEntries(
            requiredSubjectFields(compiled).map(field => [field, subject[field]])
          )
          const evaluation = evaluateTemplate(compiled, { subject: required, certificateSerialNumber })
          expect(evaluation).toMatchObject({ ok: true })
          for (const field of Object.keys(required)) {
            const rest = { ...required, [field]: undefined }
            expect(evaluateTemplate(compiled, { subject: rest, certificateSerialNumber })).toMatchObject({
              ok: false
            })
          }
        }
      ),
      { numRuns: 250 }
    )
    expect(accepted).toBeGreaterThan(20)
  })
})

describe('any JSON in the place of a template', () => {
  it('is checked and explained without an exception', () => {
    const names = [
      'Type',
      'Properties',
      'Ref',
      'Fn::Sub',
      'ThingName',
      'PolicyDocument',
      'Status',
      '__proto__'
    ]
    const value = fc.letrec<{ json: Json }>(tie => ({
      json: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<Json[]>(
          'AWS::IoT::Thing',
          'AWS::IoT::Policy',
          'AWS::IoT::Certificate',
          '${',
          '{}',
          null,
          3,
          true
        ),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('json'), { maxKeys: 4, noNullPrototype: true })
      )
    })).json
    fc.assert(
      fc.property(
        value,
        value,
        fc.dictionary(fc.constantFrom('thing', 'policy', 'certificate'), value),
        (parameters, other, resources) => {
          const template = { Parameters: parameters, Resources: resources, Mappings: other }
          const { template: parts, findings } = examineTemplate(readTemplateSource(JSON.stringify(template)))
          expect(explainTemplate(parts).length).toBeGreaterThan(0)
          expect(findings.length).toBeGreaterThan(0)
        }
      ),
      { numRuns: 500 }
    )
  })
})

describe('exportRegistrationConfig', () => {
  it('is read back as the same template, without a finding about its writing', () => {
    fc.assert(
      fc.property(templateFrom(strictText), fc.string(), (template, odd) => {
        const given = { ...template, Odd: odd }
        const value = readTemplateSource(given).value
        const text = exportRegistrationConfig(value!, role)
        const read = readTemplateSource(text)
        expect(read.findings).toEqual([])
        expect(read.roleArn).toBe(role)
        expect(JSON.stringify(read.value)).toBe(JSON.stringify(given))
        expect(read.bodyText).toBe(JSON.stringify(given))
        expect(JSON.parse((JSON.parse(text) as { templateBody: string }).templateBody)).toEqual(
          JSON.parse(JSON.stringify(given))
        )
      }),
      { numRuns: 300 }
    )
  })

  it('writes policy documents as strings and the status in upper case', () => {
    const document = { Version: '2012-10-17', Statement: [] }
    const template = templateOf({
      policy: { PolicyDocument: document },
      certificate: { CertificateId: ref('Id'), Status: 'Active' }
    })
    const read = readTemplateSource(exportRegistrationConfig(readTemplateSource(template).value!, role))
    const expected = templateOf({
      policy: { PolicyDocument: JSON.stringify(document) },
      certificate: { CertificateId: ref('Id'), Status: 'ACTIVE' }
    })
    expect(JSON.stringify(read.value)).toBe(JSON.stringify(expected))
  })
})
