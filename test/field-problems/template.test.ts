import { describe, expect, it } from 'vitest'
import { checkTemplate, examineTemplate } from '../../src/jitp/checks/check.ts'
import { compileTemplate } from '../../src/jitp/evaluation/compile.ts'
import { evaluateTemplate } from '../../src/jitp/evaluation/evaluate.ts'
import type { FindingId } from '../../src/jitp/findings/finding.ts'
import { exportRegistrationConfig } from '../../src/jitp/reading/registration-config.ts'
import { readTemplateSource } from '../../src/jitp/reading/template-source.ts'
import type { Subject } from '../../src/pki/name/subject-field.ts'
import { connectDocument, type Json, type JsonMembers, ref, templateOf } from '../jitp/template-cases.ts'

/** What `mintline template check` and the posting of a profile say. */
function idsOf(template: JsonMembers | string): readonly FindingId[] {
  return checkTemplate(readTemplateSource(template)).map(({ id }) => id)
}

/** What the issuance says of one device: `id field`. */
function refusalsOf(template: JsonMembers, subject: Subject): readonly string[] {
  const compiled = compileTemplate(examineTemplate(readTemplateSource(template)))
  const evaluation = evaluateTemplate(compiled, { subject, certificateSerialNumber: Uint8Array.of(1) })
  return evaluation.ok ? [] : evaluation.findings.map(({ id, subjectField }) => `${id} ${subjectField}`)
}

const thingOf = (properties: JsonMembers) =>
  templateOf({ thing: { ThingName: ref('CommonName'), ...properties } })
const withOwner = templateOf({
  parameters: ['CommonName', 'Organization', 'Id'],
  thing: { ThingName: ref('CommonName'), AttributePayload: { owner: ref('Organization') } }
})
const documentOf = (policyDocument: Json) => templateOf({ policy: { PolicyDocument: policyDocument } })
const roleArn = 'arn:aws:iam::111122223333:role/provisioning'
const body = JSON.stringify(templateOf())

describe('pre-flight: the template', () => {
  it('knows a template without faults', () => {
    expect(idsOf(templateOf())).toEqual([])
    expect(refusalsOf(withOwner, { CommonName: 'unit-1', Organization: 'Acme' })).toEqual([])
  })

  it.each<[string, string, FindingId]>([
    [
      'a body that is a string in a string',
      JSON.stringify({ templateBody: JSON.stringify(body), roleArn }),
      'escaped-too-often'
    ],
    [
      'a body whose quotes are not escaped',
      `{"templateBody": "${body}", "roleArn": "${roleArn}"}`,
      'escaped-too-seldom'
    ],
    [
      'a policy that is a string in a string',
      JSON.stringify(documentOf(JSON.stringify(connectDocument()))),
      'policy-document-escaped-too-often'
    ],
    [
      'a policy that is no JSON',
      JSON.stringify(documentOf('{"Version": "2012-10-17", ')),
      'policy-document-not-json'
    ],
    [
      'a body of more than 10,240 characters',
      JSON.stringify(documentOf(connectDocument('x'.repeat(10_300)))),
      'body-too-long'
    ],
    [
      'a policy of more than 2,048 characters',
      JSON.stringify(documentOf(connectDocument('x'.repeat(2100)))),
      'policy-document-too-long'
    ]
  ])('#6 finds %s', (_what, text, id) => {
    expect(idsOf(text)).toContain(id)
  })

  it('#6 writes the registration config with one string in another, which read back is the same', () => {
    const config = exportRegistrationConfig(templateOf(), roleArn)
    const source = readTemplateSource(config)
    expect(source.findings).toEqual([])
    expect(source.value).toEqual(templateOf())
    expect(JSON.parse((JSON.parse(config) as { templateBody: string }).templateBody)).toEqual(templateOf())
  })

  it('#11 notes a policy that only fits the thing name as client id, and one that lets nobody connect', () => {
    const document = connectDocument(
      'arn:aws:iot:eu-central-1:111122223333:client/${iot:Connection.Thing.ThingName}'
    )
    expect(idsOf(documentOf(document))).toEqual(['policy-uses-thing-name'])
    expect(idsOf(documentOf(connectDocument().replace('iot:Connect', 'iot:Publish')))).toContain(
      'policy-lets-nobody-connect'
    )
  })

  it('#12 tells of a policy for each device', () => {
    const document = (parameter: string) => ({
      'Fn::Sub': connectDocument(`client/\${AWS::IoT::Certificate::${parameter}}`)
    })
    const accept = { functions: 'accept' } as const
    const found = (template: JsonMembers) =>
      checkTemplate(readTemplateSource(template), accept).map(({ id }) => id)
    expect(found(documentOf(document('CommonName')))).toContain('policy-per-device')
    expect(found(documentOf(document('Id')))).toContain('policy-document-from-id')
  })

  it('#14 refuses names and attributes that AWS refuses, in the template and in each device', () => {
    expect(idsOf(thingOf({ ThingName: 'unit 1' }))).toContain('thing-name-invalid')
    expect(idsOf(thingOf({ AttributePayload: { place: 'hall 7' } }))).toContain('attribute-value-invalid')
    for (const CommonName of ['unit.1', 'unit 1', 'unit@acme'])
      expect(refusalsOf(templateOf(), { CommonName })).toEqual(['thing-name-invalid CommonName'])
    expect(refusalsOf(withOwner, { CommonName: 'unit-1', Organization: 'Acme Corp' })).toEqual([
      'attribute-value-invalid Organization'
    ])
  })

  it('#15 warns of a thing named by the certificate id', () => {
    expect(idsOf(templateOf({ parameters: ['Id'], thing: { ThingName: ref('Id') } }))).toEqual([
      'thing-name-long',
      'thing-named-by-id'
    ])
  })

  it('#20 refuses functions and mappings', () => {
    const joined = thingOf({ ThingName: { 'Fn::Join': ['-', ['a', ref('CommonName')]] } })
    expect(idsOf(joined)).toContain('function-not-for-jitp')
    expect(idsOf(documentOf({ 'Fn::Join': ['', ['a', 'b']] }))).toContain('function-in-policy')
    expect(idsOf(templateOf({ template: { Mappings: {} } }))).toContain('mappings-not-for-jitp')
  })

  it('#22 counts attributes against the thing type', () => {
    const four = { a: '1', b: '2', c: '3', d: '4' }
    expect(idsOf(thingOf({ AttributePayload: four }))).toEqual(['attributes-too-many'])
    expect(idsOf(thingOf({ AttributePayload: four, ThingTypeName: 'sensor' }))).toEqual([
      'must-exist-beforehand'
    ])
  })

  it('#31 refuses what AWS IoT refuses at the registration', () => {
    expect(idsOf(templateOf({ policy: {} }))).toContain('policy-name-or-document')
    expect(idsOf('{"Parameters":{}}')).toContain('resources-missing')
    expect(idsOf('{"Parameters":')).toContain('json-syntax')
  })

  it('#32 refuses a thing name of more than 128 characters, in the template and in each device', () => {
    const accept = { functions: 'accept' } as const
    expect(idsOf(thingOf({ ThingName: 'x'.repeat(129) }))).toContain('thing-name-invalid')
    expect(idsOf(thingOf({ ThingName: 'x'.repeat(128) }))).not.toContain('thing-name-invalid')
    const prefixed = thingOf({ ThingName: { 'Fn::Join': ['-', ['x'.repeat(100), ref('CommonName')]] } })
    const evaluate = (CommonName: string) => {
      const compiled = compileTemplate(examineTemplate(readTemplateSource(prefixed), accept), accept)
      return evaluateTemplate(compiled, {
        subject: { CommonName },
        certificateSerialNumber: Uint8Array.of(1)
      }).ok
    }
    expect([evaluate('u'.repeat(27)), evaluate('u'.repeat(28))]).toEqual([true, false])
  })

  it('#35 warns of a thing that a new certificate makes another', () => {
    expect(idsOf(templateOf({ parameters: ['Id'], thing: { ThingName: ref('Id') } }))).toContain(
      'thing-named-by-id'
    )
  })

  it('#24 refuses parameters and parts that only fleet provisioning has', () => {
    expect(idsOf(templateOf({ parameters: ['CommonName', 'Id', 'Locality'] }))).toEqual(['parameter-unknown'])
    expect(idsOf(templateOf({ template: { Parameters: { SerialFromHook: { Type: 'String' } } } }))).toContain(
      'fleet-template'
    )
    expect(idsOf(templateOf({ template: { DeviceConfiguration: { interval: '5' } } }))).toContain(
      'device-configuration-not-for-jitp'
    )
  })

  it('#25 refuses values that AWS was seen to pass on with backslashes', () => {
    for (const Organization of ['Acme#1', 'a=b'])
      expect(refusalsOf(withOwner, { CommonName: 'unit-1', Organization })).toEqual([
        'subject-field-characters Organization'
      ])
  })
})
