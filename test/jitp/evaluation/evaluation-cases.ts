import type { Prediction } from '../../../src/jitp/evaluation/prediction.ts'
import type { TemplateOptions } from '../../../src/jitp/template/options.ts'
import type { Subject } from '../../../src/pki/name/subject-field.ts'
import {
  connectDocument,
  type Json,
  type JsonMembers,
  ref,
  resourcesWithout,
  templateOf
} from '../template-cases.ts'

export interface EvaluationCase {
  readonly when: string
  readonly template: JsonMembers
  readonly options?: TemplateOptions
  readonly subject: Subject
  readonly certificateId?: string
  /** The content octets of the INTEGER. */
  readonly certificateSerialNumber?: Uint8Array
  /** What the prediction's thing says; members that are left out are not compared. */
  readonly thing?: Partial<NonNullable<Prediction['thing']>>
  readonly policies?: Prediction['policies']
  /** `id subjectField`, where it is refused. */
  readonly findings?: readonly string[]
}

const certificateId = 'ab'.repeat(32)
const accept: TemplateOptions = { functions: 'accept' }
const named = (properties: JsonMembers): Json => ({ ThingName: ref('CommonName'), ...properties })
const byName = templateOf()
const byId = templateOf({
  parameters: ['Id', 'Country'],
  thing: { ThingName: ref('Id'), AttributePayload: { country: ref('Country') } }
})
const bySerial = templateOf({ parameters: ['SerialNumber', 'Id'], thing: { ThingName: ref('SerialNumber') } })
const withAttribute = templateOf({
  parameters: ['CommonName', 'Organization', 'Id'],
  thing: named({ AttributePayload: { owner: ref('Organization') } })
})
const withDefault = templateOf({
  thing: named({ AttributePayload: { unit: ref('OrganizationalUnit') } }),
  template: {
    Parameters: {
      'AWS::IoT::Certificate::CommonName': { Type: 'String' },
      'AWS::IoT::Certificate::Id': { Type: 'String' },
      'AWS::IoT::Certificate::OrganizationalUnit': { Type: 'String', Default: 'unclaimed' }
    }
  }
})
const withMap = templateOf({
  parameters: ['CommonName', 'Country', 'Id'],
  thing: named({ ThingTypeName: { 'Fn::FindInMap': ['Types', ref('Country'), 'type'] } }),
  template: { Mappings: { Types: { AT: { type: 'pump-eu' }, US: { type: 'pump-us' } } } }
})
const withSplit = (index: string): JsonMembers =>
  templateOf({
    thing: named({
      AttributePayload: { part: { 'Fn::Select': [index, { 'Fn::Split': ['-', ref('CommonName')] }] } }
    })
  })
const withPolicyName = templateOf({
  parameters: ['CommonName', 'Organization', 'Id'],
  policy: { PolicyName: ref('Organization') }
})
const withDocument = templateOf({
  policy: { PolicyDocument: { 'Fn::Sub': connectDocument('client/${AWS::IoT::Certificate::CommonName}') } }
})

export const evaluationCases: readonly EvaluationCase[] = [
  {
    when: 'named by CommonName',
    template: byName,
    subject: { CommonName: 'SN-0042' },
    thing: { thingName: 'SN-0042', attributes: {}, thingTypeName: null, thingGroups: [], billingGroup: null }
  },
  {
    when: 'the name uses the whole alphabet',
    template: byName,
    subject: { CommonName: 'aZ09:_-' },
    thing: { thingName: 'aZ09:_-' }
  },
  {
    when: 'the name is as long as it may be',
    template: byName,
    subject: { CommonName: 'x'.repeat(128) },
    thing: { thingName: 'x'.repeat(128) }
  },
  {
    when: 'the name is one longer',
    template: byName,
    subject: { CommonName: 'x'.repeat(129) },
    findings: ['thing-name-invalid CommonName']
  },
  ...[
    ' SN',
    'SN 0042',
    'SN.0042',
    'SN/0042',
    'a@b',
    'SN,0042',
    'SN#1',
    'SN=1',
    'Gerät',
    '泵',
    'a\u0000b',
    'a\nb',
    'a\u200bb'
  ].map((CommonName): EvaluationCase => ({
    when: `the name is ${JSON.stringify(CommonName)}`,
    template: byName,
    subject: { CommonName },
    findings: ['thing-name-invalid CommonName']
  })),
  {
    when: 'CommonName is absent',
    template: byName,
    subject: { Country: 'AT' },
    findings: ['subject-field-missing CommonName']
  },
  {
    when: 'CommonName is empty',
    template: byName,
    subject: { CommonName: '' },
    findings: ['subject-field-missing CommonName']
  },
  {
    when: 'other fields are there too',
    template: byName,
    subject: { CommonName: 'a', Locality: 'Graz, Austria', StateName: 'x y' },
    thing: { thingName: 'a' }
  },
  {
    when: 'named by Id, before signing',
    template: byId,
    subject: { Country: 'AT' },
    thing: { thingName: null, thingNameFrom: 'certificateId', attributes: { country: 'AT' } }
  },
  {
    when: 'named by Id, after signing',
    template: byId,
    subject: { Country: 'AT' },
    certificateId,
    thing: { thingName: certificateId }
  },
  {
    when: 'an attribute from Id, before signing',
    template: templateOf({ thing: named({ AttributePayload: { id: ref('Id') } }) }),
    subject: { CommonName: 'a' },
    thing: { thingName: 'a', attributes: { id: null } }
  },
  {
    when: 'an attribute from Id, after signing',
    template: templateOf({ thing: named({ AttributePayload: { id: ref('Id') } }) }),
    subject: { CommonName: 'a' },
    certificateId,
    thing: { attributes: { id: certificateId } }
  },
  {
    when: 'a declared field is absent and not used',
    template: templateOf({ parameters: ['CommonName', 'StateName', 'Id'] }),
    subject: { CommonName: 'a' },
    findings: ['subject-field-missing StateName']
  },
  {
    when: 'several fields are absent',
    template: templateOf({ parameters: ['CommonName', 'StateName', 'Country', 'Id'] }),
    subject: {},
    findings: [
      'subject-field-missing CommonName',
      'subject-field-missing StateName',
      'subject-field-missing Country'
    ]
  },
  {
    when: 'SerialNumber is the certificate’s',
    template: bySerial,
    options: { serialNumberSource: 'certificate' },
    subject: {},
    thing: { thingName: '66051' }
  },
  {
    when: 'SerialNumber is the certificate’s, and the subject has one',
    template: bySerial,
    options: { serialNumberSource: 'certificate' },
    subject: { SerialNumber: 'P-7' },
    thing: { thingName: '66051' }
  },
  {
    when: 'SerialNumber is the subject’s',
    template: bySerial,
    options: { serialNumberSource: 'subject' },
    subject: { SerialNumber: 'P-7' },
    thing: { thingName: 'P-7' }
  },
  {
    when: 'SerialNumber is the subject’s, and absent',
    template: bySerial,
    options: { serialNumberSource: 'subject' },
    subject: { CommonName: 'a' },
    findings: ['subject-field-missing SerialNumber']
  },
  {
    when: 'a default is not relied upon',
    template: withDefault,
    subject: { CommonName: 'a' },
    findings: ['subject-field-missing OrganizationalUnit']
  },
  {
    when: 'a default is relied upon',
    template: withDefault,
    options: { defaultsFillAbsentFields: true },
    subject: { CommonName: 'a' },
    thing: { attributes: { unit: 'unclaimed' } }
  },
  {
    when: 'a default stands behind a value',
    template: withDefault,
    options: { defaultsFillAbsentFields: true },
    subject: { CommonName: 'a', OrganizationalUnit: 'line-7' },
    thing: { attributes: { unit: 'line-7' } }
  },
  {
    when: 'a default does not stand in for an empty value',
    template: withDefault,
    options: { defaultsFillAbsentFields: true },
    subject: { CommonName: 'a', OrganizationalUnit: '' },
    findings: ['subject-field-missing OrganizationalUnit']
  },
  {
    when: 'an attribute has a space',
    template: withAttribute,
    subject: { CommonName: 'a', Organization: 'Acme Pumps' },
    findings: ['attribute-value-invalid Organization']
  },
  {
    when: 'an attribute has what attributes may have',
    template: withAttribute,
    subject: { CommonName: 'a', Organization: 'Acme.Pumps@AT/1:[2]_-' },
    thing: { attributes: { owner: 'Acme.Pumps@AT/1:[2]_-' } }
  },
  {
    when: 'an attribute has a comma',
    template: withAttribute,
    subject: { CommonName: 'a', Organization: 'Acme,Inc' },
    findings: ['subject-field-characters Organization']
  },
  {
    when: 'such a character is in a field whose value goes nowhere',
    template: templateOf({ parameters: ['CommonName', 'Organization', 'Id'] }),
    subject: { CommonName: 'a', Organization: 'Ada, Inc.' },
    thing: { thingName: 'a' }
  },
  {
    when: 'an attribute has an equals sign',
    template: withAttribute,
    subject: { CommonName: 'a', Organization: 'a=b' },
    findings: ['subject-field-characters Organization']
  },
  {
    when: 'an attribute has a comma, accepted',
    template: withAttribute,
    options: { subjectCharacters: 'accept' },
    subject: { CommonName: 'a', Organization: 'Acme,Inc' },
    thing: { attributes: { owner: 'Acme,Inc' } }
  },
  {
    when: 'a field that is not used has a comma',
    template: templateOf({ parameters: ['CommonName', 'Organization', 'Id'] }),
    subject: { CommonName: 'a', Organization: 'Acme, Inc.' },
    thing: { thingName: 'a' }
  },
  {
    when: 'name and attribute are both wrong',
    template: withAttribute,
    subject: { CommonName: 'a b', Organization: 'c d' },
    findings: ['thing-name-invalid CommonName', 'attribute-value-invalid Organization']
  },
  {
    when: 'an attribute is named __proto__',
    template: templateOf({
      thing: JSON.parse(
        '{"ThingName":{"Ref":"AWS::IoT::Certificate::CommonName"},"AttributePayload":{"__proto__":"v"}}'
      ) as Json
    }),
    subject: { CommonName: 'a' },
    thing: { attributes: JSON.parse('{"__proto__":"v"}') as Record<string, string> }
  },
  {
    when: 'the thing type comes from the subject',
    template: templateOf({
      parameters: ['CommonName', 'OrganizationalUnit', 'Id'],
      thing: named({ ThingTypeName: ref('OrganizationalUnit') })
    }),
    subject: { CommonName: 'a', OrganizationalUnit: 'pump-2' },
    thing: { thingTypeName: 'pump-2' }
  },
  {
    when: 'the thing type has a space',
    template: templateOf({
      parameters: ['CommonName', 'OrganizationalUnit', 'Id'],
      thing: named({ ThingTypeName: ref('OrganizationalUnit') })
    }),
    subject: { CommonName: 'a', OrganizationalUnit: 'pump 2' },
    findings: ['thing-type-invalid OrganizationalUnit']
  },
  {
    when: 'groups are fixed and from the subject',
    template: templateOf({
      parameters: ['CommonName', 'Country', 'Id'],
      thing: named({ ThingGroups: ['pumps', ref('Country')] })
    }),
    subject: { CommonName: 'a', Country: 'AT' },
    thing: { thingGroups: ['pumps', 'AT'] }
  },
  {
    when: 'two groups come to the same',
    template: templateOf({
      parameters: ['CommonName', 'Country', 'Id'],
      thing: named({ ThingGroups: ['AT', ref('Country')] })
    }),
    subject: { CommonName: 'a', Country: 'AT' },
    thing: { thingGroups: ['AT'] }
  },
  {
    when: 'a group has a dot',
    template: templateOf({
      parameters: ['CommonName', 'DistinguishedNameQualifier', 'Id'],
      thing: named({ ThingGroups: [ref('DistinguishedNameQualifier')] })
    }),
    subject: { CommonName: 'a', DistinguishedNameQualifier: 'v1.2' },
    findings: ['thing-group-invalid DistinguishedNameQualifier']
  },
  {
    when: 'the billing group is fixed',
    template: templateOf({ thing: named({ BillingGroup: 'line-7' }) }),
    subject: { CommonName: 'a' },
    thing: { billingGroup: 'line-7' }
  },
  {
    when: 'the billing group has a space',
    template: templateOf({
      parameters: ['CommonName', 'Organization', 'Id'],
      thing: named({ BillingGroup: ref('Organization') })
    }),
    subject: { CommonName: 'a', Organization: 'A B' },
    findings: ['billing-group-invalid Organization']
  },
  {
    when: 'the policy is given by document',
    template: byName,
    subject: { CommonName: 'a' },
    policies: [{ policyDocument: connectDocument(), predictedName: null }]
  },
  {
    when: 'the document is an object',
    template: templateOf({ policy: { PolicyDocument: JSON.parse(connectDocument()) as Json } }),
    subject: { CommonName: 'a' },
    policies: [{ policyDocument: connectDocument(), predictedName: null }]
  },
  {
    when: 'the policy is named',
    template: templateOf({ policy: { PolicyName: 'pump-policy' } }),
    subject: { CommonName: 'a' },
    policies: [{ policyName: 'pump-policy' }]
  },
  {
    when: 'the policy is named by the subject',
    template: withPolicyName,
    subject: { CommonName: 'a', Organization: 'acme' },
    policies: [{ policyName: 'acme' }]
  },
  {
    when: 'the policy name has a space',
    template: withPolicyName,
    subject: { CommonName: 'a', Organization: 'ac me' },
    findings: ['policy-name-invalid Organization']
  },
  {
    when: 'the document is made per device',
    template: withDocument,
    options: accept,
    subject: { CommonName: 'a' },
    policies: [{ policyDocument: connectDocument('client/a'), predictedName: null }]
  },
  {
    when: 'the document made is no JSON',
    template: templateOf({
      parameters: ['CommonName', 'Organization', 'Id'],
      policy: {
        PolicyDocument: { 'Fn::Sub': connectDocument('client/${AWS::IoT::Certificate::Organization}') }
      }
    }),
    options: { ...accept, subjectCharacters: 'accept' },
    subject: { CommonName: 'a', Organization: 'x"y' },
    findings: ['policy-document-not-json Organization']
  },
  {
    when: 'the document made is too long',
    template: templateOf({
      parameters: ['CommonName', 'Organization', 'Id'],
      policy: {
        PolicyDocument: { 'Fn::Sub': connectDocument('client/${AWS::IoT::Certificate::Organization}') }
      }
    }),
    options: accept,
    subject: { CommonName: 'a', Organization: 'x'.repeat(2048) },
    findings: ['policy-document-too-long Organization']
  },
  {
    when: 'there is no policy',
    template: { ...byName, Resources: resourcesWithout('policy') },
    subject: { CommonName: 'a' },
    policies: []
  },
  {
    when: 'Fn::Join makes the name',
    template: templateOf({ thing: { ThingName: { 'Fn::Join': ['-', ['pump', ref('CommonName')]] } } }),
    options: accept,
    subject: { CommonName: '7' },
    thing: { thingName: 'pump-7' }
  },
  {
    when: 'Fn::Join makes a name that is too long',
    template: templateOf({
      thing: { ThingName: { 'Fn::Join': ['', ['x'.repeat(127), ref('CommonName')]] } }
    }),
    options: accept,
    subject: { CommonName: '77' },
    findings: ['thing-name-invalid CommonName']
  },
  {
    when: 'Fn::Join with Id, before signing',
    template: templateOf({ thing: { ThingName: { 'Fn::Join': ['-', [ref('CommonName'), ref('Id')]] } } }),
    options: accept,
    subject: { CommonName: '7' },
    thing: { thingName: null, thingNameFrom: 'certificateId' }
  },
  {
    when: 'Fn::Sub makes the name',
    template: templateOf({
      thing: { ThingName: { 'Fn::Sub': 'pump-${AWS::IoT::Certificate::CommonName}' } }
    }),
    options: accept,
    subject: { CommonName: '7' },
    thing: { thingName: 'pump-7' }
  },
  {
    when: 'Fn::Sub with variables',
    template: templateOf({
      thing: { ThingName: { 'Fn::Sub': ['${p}-${n}', { p: 'pump', n: ref('CommonName') }] } }
    }),
    options: accept,
    subject: { CommonName: '7' },
    thing: { thingName: 'pump-7' }
  },
  {
    when: 'Fn::Sub does not expand what it inserted',
    template: templateOf({
      parameters: ['CommonName', 'Organization', 'Id'],
      thing: {
        ThingName: ref('CommonName'),
        AttributePayload: { o: { 'Fn::Sub': 'x${AWS::IoT::Certificate::Organization}' } }
      }
    }),
    options: accept,
    subject: { CommonName: '7', Organization: '${AWS::IoT::Certificate::CommonName}' },
    findings: ['attribute-value-invalid Organization']
  },
  {
    when: 'Fn::FindInMap finds',
    template: withMap,
    options: accept,
    subject: { CommonName: 'a', Country: 'US' },
    thing: { thingTypeName: 'pump-us' }
  },
  {
    when: 'Fn::FindInMap finds nothing',
    template: withMap,
    options: accept,
    subject: { CommonName: 'a', Country: 'DE' },
    findings: ['map-key-missing -']
  },
  {
    when: 'Fn::FindInMap is asked for a prototype',
    template: withMap,
    options: accept,
    subject: { CommonName: 'a', Country: '__proto__' },
    findings: ['map-key-missing -']
  },
  {
    when: 'Fn::Select of Fn::Split',
    template: withSplit('1'),
    options: accept,
    subject: { CommonName: 'pump-7' },
    thing: { attributes: { part: '7' } }
  },
  {
    when: 'Fn::Select beyond what Fn::Split made',
    template: withSplit('1'),
    options: accept,
    subject: { CommonName: 'pump' },
    findings: ['select-out-of-range -']
  },
  {
    when: 'Fn::Select by the subject',
    template: templateOf({
      thing: named({ AttributePayload: { part: { 'Fn::Select': [ref('CommonName'), ['a', 'b']] } } })
    }),
    options: accept,
    subject: { CommonName: '1' },
    thing: { attributes: { part: 'b' } }
  },
  {
    when: 'the serial number of the certificate is negative',
    template: bySerial,
    options: { serialNumberSource: 'certificate' },
    subject: {},
    certificateSerialNumber: Uint8Array.of(0x80, 1),
    findings: ['serial-number-negative -']
  },
  {
    when: 'a variable that is not used cannot be made',
    template: {
      ...templateOf({
        thing: named({
          AttributePayload: {
            a: { 'Fn::Sub': ['x', { v: { 'Fn::FindInMap': ['m', ref('CommonName'), 'b'] } }] }
          }
        })
      }),
      Mappings: { m: { a: { b: 'c' } } }
    },
    options: accept,
    subject: { CommonName: 'z' },
    findings: ['map-key-missing -']
  },
  {
    when: 'two policies have the same name for this device',
    template: templateOf({
      policy: { PolicyName: 'a' },
      resources: { other: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: ref('CommonName') } } }
    }),
    subject: { CommonName: 'a' },
    policies: [{ policyName: 'a' }]
  },
  {
    when: 'what devices would be sent cannot be made',
    template: {
      ...templateOf(),
      Mappings: { m: { a: { b: 'c' } } },
      DeviceConfiguration: { url: { 'Fn::FindInMap': ['m', ref('CommonName'), 'b'] } }
    },
    options: accept,
    subject: { CommonName: 'z' },
    findings: ['map-key-missing -']
  },
  {
    when: 'Fn::Select by length',
    template: templateOf({
      thing: named({ AttributePayload: { part: { 'Fn::Select': [ref('CommonName'), ['a', 'b']] } } })
    }),
    options: accept,
    subject: { CommonName: 'length' },
    findings: ['select-out-of-range -']
  },
  {
    when: 'groups from Fn::Split',
    template: templateOf({
      parameters: ['CommonName', 'OrganizationalUnit', 'Id'],
      thing: named({ ThingGroups: { 'Fn::Split': [':', ref('OrganizationalUnit')] } })
    }),
    options: accept,
    subject: { CommonName: 'a', OrganizationalUnit: 'x:y:x' },
    thing: { thingGroups: ['x', 'y'] }
  },
  {
    when: '11 groups from Fn::Split',
    template: templateOf({
      parameters: ['CommonName', 'OrganizationalUnit', 'Id'],
      thing: named({ ThingGroups: { 'Fn::Split': [':', ref('OrganizationalUnit')] } })
    }),
    options: accept,
    subject: { CommonName: 'a', OrganizationalUnit: '1:2:3:4:5:6:7:8:9:10:11' },
    findings: ['thing-groups-too-many -']
  },
  {
    when: 'an empty group from Fn::Split',
    template: templateOf({
      parameters: ['CommonName', 'OrganizationalUnit', 'Id'],
      thing: named({ ThingGroups: { 'Fn::Split': [':', ref('OrganizationalUnit')] } })
    }),
    options: accept,
    subject: { CommonName: 'a', OrganizationalUnit: 'x:' },
    findings: ['thing-group-invalid OrganizationalUnit']
  }
]
