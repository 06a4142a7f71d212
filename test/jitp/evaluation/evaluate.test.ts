import { describe, expect, it } from 'vitest'
import { isMintlineError } from '../../../src/errors/mintline-error.ts'
import { examineTemplate } from '../../../src/jitp/checks/check.ts'
import {
  compileTemplate,
  requiredSubjectFields,
  thingNameFields
} from '../../../src/jitp/evaluation/compile.ts'
import { evaluateTemplate } from '../../../src/jitp/evaluation/evaluate.ts'
import { readTemplateSource, type TemplateSource } from '../../../src/jitp/reading/template-source.ts'
import type { TemplateOptions } from '../../../src/jitp/template/options.ts'
import { subjectFields } from '../../../src/pki/name/subject-field.ts'
import {
  connectDocument,
  type JsonMembers,
  readFixture,
  ref,
  resourcesWithout,
  templateOf
} from '../template-cases.ts'
import { type EvaluationCase, evaluationCases } from './evaluation-cases.ts'

const compile = (source: TemplateSource, options?: TemplateOptions) =>
  compileTemplate(examineTemplate(source, options), options)

const certificateSerialNumber = new Uint8Array([0x01, 0x02, 0x03])

function evaluate({ template, options, subject, certificateId, ...given }: EvaluationCase) {
  const compiled = compile(readTemplateSource(template), options)
  return evaluateTemplate(compiled, {
    subject,
    certificateSerialNumber: given.certificateSerialNumber ?? certificateSerialNumber,
    ...(certificateId !== undefined && { certificateId })
  })
}

describe('evaluateTemplate', () => {
  it.each(evaluationCases.map(each => [each.when, each] as const))('%s', (_, each) => {
    const evaluation = evaluate(each)
    if (!evaluation.ok) {
      expect(evaluation.findings.map(({ id, subjectField }) => `${id} ${subjectField ?? '-'}`)).toEqual(
        each.findings
      )
      expect(evaluation.findings.every(({ severity }) => severity === 'error')).toBe(true)
      return
    }
    const { thing, policies, certificate } = evaluation.prediction
    expect({ findings: undefined, ...thing }).toEqual({ findings: each.findings, ...thing, ...each.thing })
    expect(policies).toEqual(each.policies ?? policies)
    expect(certificate).toEqual({ status: 'ACTIVE' })
  })

  it('predicts all of what the template of the AWS article makes', () => {
    const compiled = compile(readTemplateSource(readFixture('aws-article.json')))
    const evaluation = evaluateTemplate(compiled, {
      subject: { Country: 'AT', CommonName: 'x' },
      certificateSerialNumber
    })
    expect(evaluation).toEqual({
      ok: true,
      prediction: {
        thing: {
          thingName: null,
          thingNameFrom: 'certificateId',
          attributes: { version: 'v1', country: 'AT' },
          thingTypeName: null,
          thingGroups: [],
          billingGroup: null
        },
        certificate: { status: 'ACTIVE' },
        policies: [
          {
            policyDocument:
              '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iot:Publish"], "Resource": ["*"]}]}',
            predictedName: null
          }
        ]
      }
    })
  })

  it('predicts no thing where the template has none', () => {
    const template = { ...templateOf({ parameters: ['Id'] }), Resources: resourcesWithout('thing') }
    const compiled = compile(readTemplateSource(template))
    expect(evaluateTemplate(compiled, { subject: {}, certificateSerialNumber })).toMatchObject({
      ok: true,
      prediction: { thing: null }
    })
  })

  it('writes the longest serial number in decimal', () => {
    const template = templateOf({
      parameters: ['SerialNumber', 'Id'],
      thing: { ThingName: { Ref: 'AWS::IoT::Certificate::SerialNumber' } }
    })
    const compiled = compile(readTemplateSource(template), { serialNumberSource: 'certificate' })
    const evaluation = evaluateTemplate(compiled, {
      subject: {},
      certificateSerialNumber: new Uint8Array(20).fill(0x7f)
    })
    expect(evaluation).toMatchObject({
      prediction: { thing: { thingName: '727885129180488904360266563744972327436484050815' } }
    })
  })

  it('tells the operator which character of which field, and what is allowed', () => {
    const evaluation = evaluate({ when: '', template: templateOf(), subject: { CommonName: 'SN 0042' } })
    expect(evaluation).toMatchObject({
      findings: [
        {
          pointer: '/Resources/thing/Properties/ThingName',
          found: '`SN 0042`',
          subjectField: 'CommonName',
          message: expect.stringMatching(/^CommonName `SN 0042` has a space/) as string
        }
      ]
    })
  })

  it('names the field that the wrong part of a name came from', () => {
    const template = templateOf({
      parameters: ['CommonName', 'Organization', 'Id'],
      thing: { ThingName: { 'Fn::Join': ['-', [ref('CommonName'), ref('Organization')]] } }
    })
    const subject = { CommonName: 'a', Organization: 'b c' }
    expect(evaluate({ when: '', template, options: { functions: 'accept' }, subject })).toMatchObject({
      findings: [
        { subjectField: 'Organization', message: expect.stringMatching(/^The thing name `a-b c`/) as string }
      ]
    })
  })

  it.each([
    [' ada', 'begins or ends with a space'],
    ['ada ', 'begins or ends with a space'],
    ['a,da', 'has `,`']
  ])('says of the value %j that AWS may pass it on otherwise', (Organization, said) => {
    const template = templateOf({
      parameters: ['CommonName', 'Organization', 'Id'],
      policy: {
        PolicyDocument: { 'Fn::Sub': connectDocument('client/${AWS::IoT::Certificate::Organization}') }
      }
    })
    const options = { functions: 'accept' } as const
    const evaluation = evaluate({ when: '', template, options, subject: { CommonName: 'a', Organization } })
    expect(evaluation).toMatchObject({
      findings: [{ id: 'subject-field-characters', message: expect.stringContaining(said) as string }]
    })
    const subject = { CommonName: 'a', Organization: 'a d a' }
    expect(evaluate({ when: '', template, options, subject }).ok).toBe(true)
  })

  const thingOf = (thing: object, certificateId?: string) => {
    const evaluation = evaluate({
      when: '',
      template: templateOf({ parameters: ['CommonName', 'Id'], thing: thing as never }),
      options: { functions: 'accept' },
      subject: { CommonName: 'a' },
      ...(certificateId !== undefined && { certificateId })
    })
    return evaluation.ok ? evaluation.prediction.thing : evaluation.findings.map(({ id }) => id)
  }

  it('takes the tenth item of a list', () => {
    const part = { 'Fn::Select': ['10', [...'abcdefghijk']] }
    expect(thingOf({ ThingName: ref('CommonName'), AttributePayload: { part } })).toMatchObject({
      attributes: { part: 'k' }
    })
  })

  describe('before the certificate id is known', () => {
    const joined = (...items: readonly unknown[]) => ({ 'Fn::Join': ['', items] })

    it('judges alphabet and length of what is made with it', () => {
      expect(thingOf({ ThingName: joined(ref('Id'), '/') })).toEqual(['thing-name-invalid'])
      expect(thingOf({ ThingName: joined(ref('Id'), ref('Id'), 'x') })).toEqual(['thing-name-invalid'])
      expect(thingOf({ ThingName: joined(ref('Id'), ref('Id')) })).toMatchObject({
        thingName: null,
        thingNameFrom: 'certificateId'
      })
      const spaced = { part: joined('a b', ref('Id')) }
      expect(thingOf({ ThingName: ref('CommonName'), AttributePayload: spaced })).toEqual([
        'attribute-value-invalid'
      ])
    })

    it.each<[string, object]>([
      ['an item that is not taken', { 'Fn::Select': ['1', [ref('Id'), ref('CommonName')]] }],
      ['a variable that is not used', { 'Fn::Sub': ['${name}', { name: ref('CommonName'), id: ref('Id') }] }],
      [
        'a piece that is not taken',
        { 'Fn::Select': ['1', { 'Fn::Split': ['-', { 'Fn::Join': ['-', [ref('Id'), ref('CommonName')]] }] }] }
      ]
    ])('knows a name for which it makes no difference: %s', (_where, name) => {
      const before = thingOf({ ThingName: name })
      expect(before).toMatchObject({ thingName: 'a' })
      expect(before).not.toHaveProperty('thingNameFrom')
      expect(thingOf({ ThingName: name }, 'f0'.repeat(32))).toEqual(before)
    })
  })

  it('says where a name comes from only while it is not known', () => {
    const evaluation = evaluate({ when: '', template: templateOf(), subject: { CommonName: 'a' } })
    expect(evaluation.ok && evaluation.prediction.thing).not.toHaveProperty('thingNameFrom')
  })

  it('gives the hash of the document only when told to', () => {
    const name = (options: TemplateOptions) => {
      const evaluation = evaluate({ when: '', template: templateOf(), options, subject: { CommonName: 'a' } })
      return evaluation.ok ? evaluation.prediction.policies : evaluation.findings
    }
    // printf '%s' DOCUMENT | sha1sum
    const hash = 'CD40641DBAFC664FD76F02FA7E5CE6DF7F4060F3'
    expect(name({})).toMatchObject([{ predictedName: null }])
    expect(name({ generatedPolicyName: 'sha1-of-document' })).toMatchObject([{ predictedName: hash }])
  })
})

describe('compileTemplate', () => {
  it('refuses what the check refuses, all errors at once', () => {
    const template = templateOf({ thing: { ThingName: 'a b' }, certificate: { Status: 'ACTIVE' } })
    let error: unknown
    try {
      compile(readTemplateSource(template))
    } catch (thrown) {
      error = thrown
    }
    expect(
      isMintlineError(error, 'profile_invalid') && error.violations.map(({ pointer }) => pointer)
    ).toEqual(['/Resources/thing/Properties/ThingName', '/Resources/certificate/Properties'])
  })

  it('refuses what could not be read', () => {
    expect(() => compile(readTemplateSource('{'))).toThrow(
      expect.objectContaining({ code: 'profile_invalid' })
    )
  })
})

describe('thingNameFields', () => {
  const fieldsOf = (parameters: readonly string[], thing: JsonMembers) =>
    thingNameFields(
      compile(readTemplateSource(templateOf({ parameters: [...parameters], thing })), { functions: 'accept' })
    )

  it('are those of its name alone, without Id', () => {
    const name = { 'Fn::Join': ['-', [ref('CommonName'), ref('Country'), ref('Id')]] }
    const thing = { ThingName: name, AttributePayload: { owner: ref('Organization') } }
    expect(fieldsOf(['CommonName', 'Organization', 'Country', 'Id'], thing)).toEqual([
      'CommonName',
      'Country'
    ])
  })

  it('are none where the template makes no thing', () => {
    const template = { ...templateOf({ parameters: ['Id'] }), Resources: resourcesWithout('thing') }
    expect(thingNameFields(compile(readTemplateSource(template)))).toEqual([])
  })
})

describe('requiredSubjectFields', () => {
  const jitpFields = subjectFields.filter(field => field !== 'Locality')
  const all = templateOf({ parameters: [...jitpFields, 'Id'] })
  const fieldsOf = (template: object, options: TemplateOptions) =>
    requiredSubjectFields(compile(readTemplateSource(template), options))

  it('are the declared parameters, used or not, without Id', () => {
    expect(fieldsOf(all, { serialNumberSource: 'subject' })).toEqual(jitpFields)
  })

  it('leave SerialNumber out when it is the certificate’s', () => {
    expect(fieldsOf(all, { serialNumberSource: 'certificate' })).not.toContain('SerialNumber')
  })

  it('leave out a field with a default only when defaults are relied upon', () => {
    const template = templateOf({
      template: {
        Parameters: {
          'AWS::IoT::Certificate::CommonName': { Type: 'String' },
          'AWS::IoT::Certificate::Id': { Type: 'String' },
          'AWS::IoT::Certificate::Country': { Type: 'String', Default: 'AT' }
        }
      }
    })
    expect(fieldsOf(template, {})).toEqual(['CommonName', 'Country'])
    expect(fieldsOf(template, { defaultsFillAbsentFields: true })).toEqual(['CommonName'])
  })
})
