import type { TemplateOptions } from '../../../src/jitp/template/options.ts'
import {
  connectDocument,
  type Json,
  type JsonMembers,
  ref,
  resourcesWithout,
  templateOf
} from '../template-cases.ts'

export interface CheckCase {
  readonly flaw: string
  /** Or the text of one. */
  readonly template: JsonMembers | string
  readonly options?: TemplateOptions
  /** `id pointer`, in order. */
  readonly findings: readonly string[]
}

const thing = '/Resources/thing/Properties'
const certificate = '/Resources/certificate/Properties'
const policy = '/Resources/policy/Properties'
const accept: TemplateOptions = { functions: 'accept' }
const named = (properties: JsonMembers): Json => ({ ThingName: ref('CommonName'), ...properties })
const statement = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }
const policyOf = (...statements: Json[]): Json => ({
  PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements })
})
const documentOf = (document: Json): Json => ({ PolicyDocument: JSON.stringify(document) })
const attributes = (count: number): Json =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, 'v']))
const long = 'x'.repeat(129)

export const parameterCases: readonly CheckCase[] = [
  { flaw: 'none', template: templateOf(), findings: [] },
  {
    flaw: 'a parameter of its own',
    template: templateOf({ parameters: ['CommonName', 'Id', 'Batch'] }),
    findings: ['parameter-unknown /Parameters/AWS::IoT::Certificate::Batch']
  },
  {
    flaw: 'a parameter that is not a string',
    template: templateOf({
      template: {
        Parameters: {
          [ref('CommonName').Ref as string]: { Type: 'Number' },
          [ref('Id').Ref as string]: { Type: 'String' }
        }
      }
    }),
    findings: ['parameter-type-unknown /Parameters/AWS::IoT::Certificate::CommonName/Type']
  },
  {
    flaw: 'a parameter that nothing uses',
    template: templateOf({ parameters: ['CommonName', 'StateName', 'Id'] }),
    findings: ['parameter-unused /Parameters/AWS::IoT::Certificate::StateName']
  },
  {
    flaw: 'a default',
    template: templateOf({
      template: {
        Parameters: {
          [ref('CommonName').Ref as string]: { Type: 'String', Default: 'x' },
          [ref('Id').Ref as string]: { Type: 'String' }
        }
      }
    }),
    findings: ['parameter-default-ignored /Parameters/AWS::IoT::Certificate::CommonName/Default']
  },
  {
    flaw: 'a default that is relied upon',
    template: templateOf({
      template: {
        Parameters: {
          [ref('CommonName').Ref as string]: { Type: 'String', Default: 'x' },
          [ref('Id').Ref as string]: { Type: 'String' }
        }
      }
    }),
    options: { defaultsFillAbsentFields: true },
    findings: []
  },
  {
    flaw: 'SerialNumber without a source',
    template: templateOf({ parameters: ['SerialNumber', 'Id'], thing: { ThingName: ref('SerialNumber') } }),
    findings: ['serial-number-source-missing /Parameters/AWS::IoT::Certificate::SerialNumber']
  },
  {
    flaw: 'SerialNumber with a source',
    template: templateOf({ parameters: ['SerialNumber', 'Id'], thing: { ThingName: ref('SerialNumber') } }),
    options: { serialNumberSource: 'subject' },
    findings: ['serial-number-source-stated /Parameters/AWS::IoT::Certificate::SerialNumber']
  },
  {
    flaw: 'a reference to what is not declared',
    template: templateOf({ thing: named({ AttributePayload: { c: ref('Country') } }) }),
    findings: [`ref-undeclared ${thing}/AttributePayload/c`]
  },
  {
    flaw: 'a pseudo parameter of CloudFormation',
    template: templateOf({ thing: named({ AttributePayload: { r: { Ref: 'AWS::Region' } } }) }),
    findings: [`ref-undeclared ${thing}/AttributePayload/r`]
  }
]

export const functionCases: readonly CheckCase[] = [
  {
    flaw: 'a function of CloudFormation',
    template: templateOf({ thing: named({ ThingTypeName: { 'Fn::GetAtt': ['a', 'b'] } }) }),
    findings: [`function-unknown ${thing}/ThingTypeName`]
  },
  {
    flaw: 'Fn::Sub that makes more text than anything takes',
    template: templateOf({
      thing: {
        ThingName: {
          'Fn::Sub': [
            '${a}'.repeat(9),
            { a: { 'Fn::Sub': '${AWS::IoT::Certificate::CommonName}'.repeat(9) } }
          ]
        }
      }
    }),
    findings: [`expressions-too-large ${thing}/ThingName/Fn::Sub`]
  },
  {
    flaw: 'Fn::Join',
    template: templateOf({ thing: { ThingName: { 'Fn::Join': ['-', ['p', ref('CommonName')]] } } }),
    findings: [`function-not-for-jitp ${thing}/ThingName/Fn::Join`]
  },
  {
    flaw: 'Fn::Join, accepted',
    template: templateOf({ thing: { ThingName: { 'Fn::Join': ['-', ['p', ref('CommonName')]] } } }),
    options: accept,
    findings: [`function-accepted ${thing}/ThingName/Fn::Join`]
  },
  {
    flaw: 'Fn::Join without a list',
    template: templateOf({ thing: { ThingName: { 'Fn::Join': '-' } } }),
    options: accept,
    findings: [`function-arguments-wrong ${thing}/ThingName/Fn::Join`]
  },
  {
    flaw: 'Fn::Split as a text',
    template: templateOf({ thing: { ThingName: { 'Fn::Split': ['-', 'a-b'] } } }),
    options: accept,
    findings: [`function-arguments-wrong ${thing}/ThingName`]
  },
  {
    flaw: 'Fn::Select beyond the list',
    template: templateOf({ thing: named({ ThingTypeName: { 'Fn::Select': ['2', ['a', 'b']] } }) }),
    options: accept,
    findings: [
      `function-accepted ${thing}/ThingTypeName/Fn::Select`,
      `select-out-of-range ${thing}/ThingTypeName/Fn::Select`
    ]
  },
  {
    flaw: 'Fn::FindInMap in no map',
    template: templateOf({ thing: named({ ThingTypeName: { 'Fn::FindInMap': ['M', 'a', 'b'] } }) }),
    options: accept,
    findings: [
      `function-accepted ${thing}/ThingTypeName/Fn::FindInMap`,
      `map-key-missing ${thing}/ThingTypeName/Fn::FindInMap`
    ]
  },
  {
    flaw: 'a variable of Fn::Sub that is not declared',
    template: templateOf({ thing: { ThingName: { 'Fn::Sub': 'p-${Name}' } } }),
    options: accept,
    findings: [
      'parameter-unused /Parameters/AWS::IoT::Certificate::CommonName',
      `function-accepted ${thing}/ThingName/Fn::Sub`,
      `ref-undeclared ${thing}/ThingName/Fn::Sub`
    ]
  },
  {
    flaw: 'Mappings',
    template: templateOf({ template: { Mappings: { M: { a: { b: 'c' } } } } }),
    findings: ['mappings-not-for-jitp /Mappings']
  },
  {
    flaw: 'a function inside Mappings',
    template: templateOf({ template: { Mappings: { M: { a: { b: ref('CommonName') } } } } }),
    options: accept,
    findings: ['function-in-mappings /Mappings/M/a/b']
  },
  {
    flaw: 'DeviceConfiguration',
    template: templateOf({ template: { DeviceConfiguration: { url: 'https://example.com' } } }),
    findings: ['device-configuration-not-for-jitp /DeviceConfiguration']
  },
  {
    flaw: 'Mappings and DeviceConfiguration, accepted',
    template: templateOf({ template: { Mappings: {}, DeviceConfiguration: {} } }),
    options: accept,
    findings: []
  }
]

export const shapeCases: readonly CheckCase[] = [
  { flaw: 'no Resources', template: { Parameters: {} }, findings: ['resources-missing '] },
  {
    flaw: 'a misspelt section',
    template: templateOf({ template: { Mapping: {} } }),
    findings: ['member-unknown /Mapping']
  },
  {
    flaw: 'Parameters as a list',
    template: templateOf({ template: { Parameters: [] } }),
    findings: [
      'value-type-wrong /Parameters',
      `ref-undeclared ${thing}/ThingName`,
      `certificate-id-undeclared ${certificate}/CertificateId`
    ]
  },
  {
    flaw: 'a resource of another type',
    template: templateOf({ resources: { rule: { Type: 'AWS::IoT::TopicRule', Properties: {} } } }),
    findings: ['resource-type-unknown /Resources/rule/Type']
  },
  {
    flaw: 'a misspelt property',
    template: templateOf({ thing: named({ ThingGroup: 'pumps' }) }),
    findings: [`member-unknown ${thing}/ThingGroup`]
  },
  {
    flaw: 'a resource without properties',
    template: templateOf({ resources: { policy: { Type: 'AWS::IoT::Policy' } } }),
    findings: [`value-type-wrong ${policy}`]
  },
  {
    flaw: 'a number as an attribute',
    template: templateOf({ thing: named({ AttributePayload: { revision: 3 } }) }),
    findings: [`value-type-wrong ${thing}/AttributePayload/revision`]
  },
  {
    flaw: 'a body over the limit',
    template: templateOf({ policy: { PolicyDocument: connectDocument() + ' '.repeat(10_241) } }),
    findings: ['body-too-long ']
  }
]

export const thingCases: readonly CheckCase[] = [
  {
    flaw: 'no thing',
    template: { ...templateOf(), Resources: resourcesWithout('thing') },
    findings: ['parameter-unused /Parameters/AWS::IoT::Certificate::CommonName', 'thing-missing /Resources']
  },
  {
    flaw: 'a second thing',
    template: templateOf({
      resources: {
        other: { Type: 'AWS::IoT::Thing', Properties: { ThingName: ref('CommonName') }, OverrideSettings: {} }
      }
    }),
    findings: ['thing-repeated /Resources/other']
  },
  {
    flaw: 'no thing name',
    template: templateOf({ parameters: ['Id'], thing: {} }),
    findings: [`thing-name-missing ${thing}`]
  },
  {
    flaw: 'a thing name with a space',
    template: templateOf({ parameters: ['Id'], thing: { ThingName: 'pump 1' } }),
    findings: [`thing-name-invalid ${thing}/ThingName`, `thing-name-shared ${thing}/ThingName`]
  },
  {
    flaw: 'a thing name over the limit',
    template: templateOf({ parameters: ['Id'], thing: { ThingName: long } }),
    findings: [`thing-name-invalid ${thing}/ThingName`, `thing-name-shared ${thing}/ThingName`]
  },
  {
    flaw: 'a thing named by what devices share',
    template: templateOf({ parameters: ['Country', 'Id'], thing: { ThingName: ref('Country') } }),
    findings: [`thing-name-shared ${thing}/ThingName`]
  },
  {
    flaw: 'a thing named by the certificate id',
    template: templateOf({ parameters: ['Id'], thing: { ThingName: ref('Id') } }),
    findings: [`thing-name-long ${thing}/ThingName`, `thing-named-by-id ${thing}/ThingName`]
  },
  {
    flaw: 'attributes as the API takes them',
    template: templateOf({ thing: named({ AttributePayload: { attributes: { version: 'v1' } } }) }),
    findings: [`attributes-wrapped ${thing}/AttributePayload/attributes`]
  },
  {
    flaw: 'an attribute name with a space',
    template: templateOf({ thing: named({ AttributePayload: { 'made in': 'AT' } }) }),
    findings: [`attribute-name-invalid ${thing}/AttributePayload/made in`]
  },
  {
    flaw: 'an attribute value with a space',
    template: templateOf({ thing: named({ AttributePayload: { model: 'Pump 3' } }) }),
    findings: [`attribute-value-invalid ${thing}/AttributePayload/model`]
  },
  {
    flaw: 'an attribute value over the limit',
    template: templateOf({ thing: named({ AttributePayload: { model: 'x'.repeat(801) } }) }),
    findings: [`attribute-value-invalid ${thing}/AttributePayload/model`]
  },
  {
    flaw: 'an empty attribute value',
    template: templateOf({ thing: named({ AttributePayload: { model: '' } }) }),
    findings: []
  },
  {
    flaw: '3 attributes, no thing type',
    template: templateOf({ thing: named({ AttributePayload: attributes(3) }) }),
    findings: []
  },
  {
    flaw: '4 attributes, no thing type',
    template: templateOf({ thing: named({ AttributePayload: attributes(4) }) }),
    findings: [`attributes-too-many ${thing}/AttributePayload`]
  },
  {
    flaw: '50 attributes, a thing type',
    template: templateOf({ thing: named({ AttributePayload: attributes(50), ThingTypeName: 'pump' }) }),
    findings: [`must-exist-beforehand ${thing}/ThingTypeName`]
  },
  {
    flaw: '51 attributes, a thing type',
    template: templateOf({ thing: named({ AttributePayload: attributes(51), ThingTypeName: 'pump' }) }),
    findings: [
      `attributes-too-many ${thing}/AttributePayload`,
      `must-exist-beforehand ${thing}/ThingTypeName`
    ]
  },
  {
    flaw: 'a thing type with a dot',
    template: templateOf({ thing: named({ ThingTypeName: 'pump.v1' }) }),
    findings: [`thing-type-invalid ${thing}/ThingTypeName`]
  },
  {
    flaw: 'a thing type from the subject',
    template: templateOf({ thing: named({ ThingTypeName: ref('CommonName') }) }),
    findings: [`must-exist-for-every-value ${thing}/ThingTypeName`]
  },
  {
    flaw: 'a group named by the certificate id',
    template: templateOf({ thing: named({ ThingGroups: [ref('Id')] }) }),
    findings: [`certificate-id-names-nothing ${thing}/ThingGroups/0`]
  },
  {
    flaw: 'a group with a slash, and one twice',
    template: templateOf({ thing: named({ ThingGroups: ['a/b', 'c', 'c'] }) }),
    findings: [
      `thing-group-invalid ${thing}/ThingGroups/0`,
      `must-exist-beforehand ${thing}/ThingGroups/1`,
      `must-exist-beforehand ${thing}/ThingGroups/2`,
      `thing-group-repeated ${thing}/ThingGroups/2`
    ]
  },
  {
    flaw: '11 groups',
    template: templateOf({
      thing: named({ ThingGroups: Array.from({ length: 11 }, (_, index) => `g${index}`) })
    }),
    findings: [
      ...Array.from({ length: 11 }, (_, index) => `must-exist-beforehand ${thing}/ThingGroups/${index}`),
      `thing-groups-too-many ${thing}/ThingGroups`
    ]
  },
  {
    flaw: '11 groups, one of them twice',
    template: templateOf({
      thing: named({ ThingGroups: ['g0', ...Array.from({ length: 10 }, (_, index) => `g${index}`)] })
    }),
    findings: [
      `must-exist-beforehand ${thing}/ThingGroups/0`,
      `must-exist-beforehand ${thing}/ThingGroups/1`,
      `thing-group-repeated ${thing}/ThingGroups/1`,
      ...Array.from({ length: 9 }, (_, index) => `must-exist-beforehand ${thing}/ThingGroups/${index + 2}`)
    ]
  },
  ...(
    [
      ['the first part of one that begins with it', '0', ['Id', 'CommonName'], true],
      ['the other part of one that begins with it', '1', ['Id', 'CommonName'], false],
      ['the first part of one that ends with it', '0', ['CommonName', 'Id'], false],
      ['a part that is it or not, by what comes before', '1', ['CommonName', 'Id'], true]
    ] as const
  ).map(([which, index, fields, isNamedById]): CheckCase => ({
    flaw: `a thing named by a part of a text with the certificate id: ${which}`,
    template: templateOf({
      thing: {
        ThingName: { 'Fn::Select': [index, { 'Fn::Split': ['-', { 'Fn::Join': ['-', fields.map(ref)] }] }] }
      }
    }),
    options: accept,
    findings: [
      `function-accepted ${thing}/ThingName/Fn::Select`,
      ...(isNamedById ? [`thing-named-by-id ${thing}/ThingName/Fn::Select`] : [])
    ]
  })),
  {
    flaw: 'the certificate id in a variable that is not used',
    template: templateOf({
      thing: {
        ThingName: { 'Fn::Sub': ['${AWS::IoT::Certificate::CommonName}', { id: ref('Id') }] },
        ThingTypeName: { 'Fn::Sub': ['pump', { id: ref('Id') }] }
      }
    }),
    options: accept,
    findings: [
      `function-accepted ${thing}/ThingName/Fn::Sub`,
      `function-accepted ${thing}/ThingTypeName/Fn::Sub`
    ]
  },
  {
    flaw: 'a noncharacter',
    template: templateOf({ thing: named({ AttributePayload: { a: 'x\uFFFF' } }) }),
    findings: [
      `noncharacter ${thing}/AttributePayload/a`,
      `attribute-value-invalid ${thing}/AttributePayload/a`
    ]
  },
  {
    flaw: 'noncharacters in a default and in a map',
    template: {
      ...templateOf({ thing: named({ AttributePayload: { a: { 'Fn::FindInMap': ['m', 'a', 'b'] } } }) }),
      Mappings: { m: { a: { b: '\u{1FFFE}' } } }
    },
    options: accept,
    findings: ['noncharacter /Mappings/m/a/b', `function-accepted ${thing}/AttributePayload/a/Fn::FindInMap`]
  },
  {
    flaw: 'groups from a split certificate id',
    template: templateOf({ thing: named({ ThingGroups: { 'Fn::Split': ['a', ref('Id')] } }) }),
    options: accept,
    findings: [
      `function-accepted ${thing}/ThingGroups`,
      `certificate-id-decides ${thing}/ThingGroups`,
      `certificate-id-names-nothing ${thing}/ThingGroups`
    ]
  },
  {
    flaw: 'an item chosen by the certificate id',
    template: templateOf({
      thing: named({ AttributePayload: { part: { 'Fn::Select': [ref('Id'), ['a', 'b']] } } })
    }),
    options: accept,
    findings: [
      `function-accepted ${thing}/AttributePayload/part/Fn::Select`,
      `certificate-id-decides ${thing}/AttributePayload/part/Fn::Select`
    ]
  },
  {
    flaw: 'a key of a map that is the certificate id',
    template: {
      ...templateOf({
        thing: named({ AttributePayload: { part: { 'Fn::FindInMap': ['m', ref('Id'), 'b'] } } })
      }),
      Mappings: { m: { a: { b: 'c' } } }
    },
    options: accept,
    findings: [
      `function-accepted ${thing}/AttributePayload/part/Fn::FindInMap`,
      `certificate-id-decides ${thing}/AttributePayload/part/Fn::FindInMap`
    ]
  },
  {
    flaw: 'no choice by the certificate id: split at what is never in it, and an item that stands elsewhere',
    template: templateOf({
      thing: {
        ThingName: { 'Fn::Select': ['1', [ref('Id'), ref('CommonName')]] },
        AttributePayload: {
          part: { 'Fn::Select': ['0', { 'Fn::Split': ['-', { 'Fn::Join': ['-', [ref('Id'), 'x']] }] }] }
        }
      }
    }),
    options: accept,
    findings: [
      `function-accepted ${thing}/ThingName/Fn::Select`,
      `function-accepted ${thing}/AttributePayload/part/Fn::Select`
    ]
  },
  {
    flaw: 'groups as one string',
    template: templateOf({ thing: named({ ThingGroups: 'pumps' }) }),
    findings: [`value-type-wrong ${thing}/ThingGroups`]
  },
  {
    flaw: 'a billing group with a space',
    template: templateOf({ thing: named({ BillingGroup: 'cost centre' }) }),
    findings: [`billing-group-invalid ${thing}/BillingGroup`]
  },
  {
    flaw: 'package versions',
    template: templateOf({ thing: named({ PackageVersions: { firmware: '1' } }) }),
    findings: [`package-versions-not-predicted ${thing}/PackageVersions`]
  },
  {
    flaw: 'overrides as the prose spells them',
    template: templateOf({ thingOverrides: { ATTRIBUTE_PAYLOAD: 'MERGE' } }),
    findings: ['override-key-spelling /Resources/thing/OverrideSettings/ATTRIBUTE_PAYLOAD']
  },
  {
    flaw: 'an override in two spellings',
    template: templateOf({ thingOverrides: { THING_GROUPS: 'FAIL', ThingGroups: 'MERGE' } }),
    findings: [
      'override-key-spelling /Resources/thing/OverrideSettings/THING_GROUPS',
      'override-key-repeated /Resources/thing/OverrideSettings/ThingGroups'
    ]
  },
  {
    flaw: 'a thing type merged',
    template: templateOf({ thingOverrides: { ThingTypeName: 'MERGE', ThingGroups: 'MERGE' } }),
    findings: ['override-value-unknown /Resources/thing/OverrideSettings/ThingTypeName']
  },
  {
    flaw: 'no overrides',
    template: templateOf({
      resources: { thing: { Type: 'AWS::IoT::Thing', Properties: { ThingName: ref('CommonName') } } }
    }),
    findings: ['override-settings-missing /Resources/thing']
  }
]

export const certificateCases: readonly CheckCase[] = [
  {
    flaw: 'no certificate',
    template: { ...templateOf(), Resources: resourcesWithout('certificate') },
    findings: ['certificate-missing /Resources']
  },
  {
    flaw: 'a second certificate',
    template: templateOf({
      resources: {
        other: { Type: 'AWS::IoT::Certificate', Properties: { CertificateId: ref('Id'), Status: 'ACTIVE' } }
      }
    }),
    findings: ['certificate-repeated /Resources/other']
  },
  {
    flaw: 'no CertificateId',
    template: templateOf({ certificate: { Status: 'ACTIVE' } }),
    findings: [`certificate-id-missing ${certificate}`]
  },
  {
    flaw: 'a CertificateId that is written out',
    template: templateOf({ certificate: { CertificateId: 'AWS::IoT::Certificate::Id', Status: 'ACTIVE' } }),
    findings: [`certificate-id-not-ref ${certificate}/CertificateId`]
  },
  {
    flaw: 'a CertificateId from the subject',
    template: templateOf({ certificate: { CertificateId: ref('CommonName'), Status: 'ACTIVE' } }),
    findings: [`certificate-id-not-ref ${certificate}/CertificateId`]
  },
  {
    flaw: 'a certificate by PEM',
    template: templateOf({ certificate: { CertificatePem: 'x', Status: 'ACTIVE' } }),
    findings: [`certificate-form-not-for-jitp ${certificate}/CertificatePem`]
  },
  {
    flaw: 'no status',
    template: templateOf({ certificate: { CertificateId: ref('Id') } }),
    findings: [`certificate-status-missing ${certificate}`]
  },
  {
    flaw: 'a status in mixed case',
    template: templateOf({ certificate: { CertificateId: ref('Id'), Status: 'Active' } }),
    findings: [`certificate-status-case ${certificate}/Status`]
  },
  {
    flaw: 'an inactive certificate',
    template: templateOf({ certificate: { CertificateId: ref('Id'), Status: 'inactive' } }),
    findings: [`certificate-not-active ${certificate}/Status`]
  },
  {
    flaw: 'an unknown status',
    template: templateOf({ certificate: { CertificateId: ref('Id'), Status: 'ENABLED' } }),
    findings: [`certificate-status-unknown ${certificate}/Status`]
  },
  {
    flaw: 'an unknown principal type',
    template: templateOf({
      certificate: { CertificateId: ref('Id'), Status: 'ACTIVE', ThingPrincipalType: 'EXCLUSIVE' }
    }),
    findings: [`principal-type-unknown ${certificate}/ThingPrincipalType`]
  },
  {
    flaw: 'FAIL on the certificate',
    template: templateOf({ certificateOverrides: { Status: 'FAIL' } }),
    findings: ['certificate-override-fails /Resources/certificate/OverrideSettings/Status']
  }
]

export const policyCases: readonly CheckCase[] = [
  {
    flaw: 'no policy',
    template: { ...templateOf(), Resources: resourcesWithout('policy') },
    findings: ['policy-missing /Resources']
  },
  {
    flaw: 'an empty policy',
    template: templateOf({ policy: {} }),
    findings: [`policy-name-or-document ${policy}`]
  },
  {
    flaw: 'name and document',
    template: templateOf({ policy: { PolicyName: 'p', PolicyDocument: connectDocument() } }),
    findings: [`policy-name-or-document ${policy}`, `must-exist-beforehand ${policy}/PolicyName`]
  },
  {
    flaw: 'a policy name with a space',
    template: templateOf({ policy: { PolicyName: 'my policy' } }),
    findings: [`policy-name-invalid ${policy}/PolicyName`]
  },
  {
    flaw: 'a policy that is named twice',
    template: templateOf({
      policy: { PolicyName: 'p' },
      resources: { other: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'p' } } }
    }),
    findings: [
      'policy-repeated /Resources/other',
      `must-exist-beforehand ${policy}/PolicyName`,
      'must-exist-beforehand /Resources/other/Properties/PolicyName'
    ]
  },
  {
    flaw: '11 policies',
    template: templateOf({
      resources: Object.fromEntries(
        Array.from({ length: 10 }, (_, index) => [
          `p${index}`,
          { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument: connectDocument() } }
        ])
      )
    }),
    findings: ['policies-too-many /Resources']
  },
  {
    flaw: 'overrides on a policy',
    template: templateOf({
      resources: {
        policy: {
          Type: 'AWS::IoT::Policy',
          Properties: { PolicyDocument: connectDocument() },
          OverrideSettings: { PolicyDocument: 'REPLACE' }
        }
      }
    }),
    findings: ['override-key-unknown /Resources/policy/OverrideSettings/PolicyDocument']
  },
  {
    flaw: 'a document as an object',
    template: templateOf({ policy: { PolicyDocument: { Version: '2012-10-17', Statement: [statement] } } }),
    findings: [`policy-document-object ${policy}/PolicyDocument`]
  },
  {
    flaw: 'a reference inside a document',
    template: templateOf({
      policy: {
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ ...statement, Resource: { 'Fn::Join': ['', ['a', ref('CommonName')]] } }]
        }
      }
    }),
    findings: [
      `policy-document-object ${policy}/PolicyDocument`,
      `function-in-policy ${policy}/PolicyDocument/Statement/0/Resource`,
      `policy-document-invalid ${policy}/PolicyDocument/Statement/0/Resource`
    ]
  },
  {
    flaw: 'a document that is no JSON',
    template: templateOf({ policy: { PolicyDocument: '{' } }),
    findings: [`policy-document-not-json ${policy}/PolicyDocument`]
  },
  {
    flaw: 'a document with curly quotes',
    template: templateOf({ policy: { PolicyDocument: connectDocument().replaceAll('"', '”') } }),
    findings: [`typographic-quotes ${policy}/PolicyDocument`]
  },
  {
    flaw: 'a document in quotes',
    template: templateOf({ policy: { PolicyDocument: JSON.stringify(connectDocument()) } }),
    findings: [`policy-document-escaped-too-often ${policy}/PolicyDocument`]
  },
  {
    flaw: 'a list as document',
    template: templateOf({ policy: documentOf([statement]) }),
    findings: [`policy-document-invalid ${policy}/PolicyDocument`]
  },
  {
    flaw: 'an old language version',
    template: templateOf({ policy: documentOf({ Version: '2008-10-17', Statement: [statement] }) }),
    findings: [`policy-document-invalid ${policy}/PolicyDocument`]
  },
  {
    flaw: 'no statement',
    template: templateOf({ policy: policyOf() }),
    findings: [`policy-document-invalid ${policy}/PolicyDocument`]
  },
  {
    flaw: 'an effect in lower case',
    template: templateOf({ policy: policyOf({ ...statement, Effect: 'allow' }) }),
    findings: [`policy-document-invalid ${policy}/PolicyDocument`]
  },
  {
    flaw: 'no resource',
    template: templateOf({ policy: policyOf({ Effect: 'Allow', Action: 'iot:Connect' }) }),
    findings: [`policy-document-invalid ${policy}/PolicyDocument`]
  },
  {
    flaw: 'an action without its service',
    template: templateOf({ policy: policyOf(statement, { ...statement, Action: ['Publish'] }) }),
    findings: [`policy-document-invalid ${policy}/PolicyDocument`]
  },
  {
    flaw: 'a misspelt statement',
    template: templateOf({ policy: policyOf({ ...statement, Resources: '*' }) }),
    findings: [`policy-document-invalid ${policy}/PolicyDocument`]
  },
  {
    flaw: 'a document over the limit',
    template: templateOf({ policy: policyOf({ ...statement, Resource: `arn:${'x'.repeat(2048)}` }) }),
    findings: [
      `policy-document-too-long ${policy}/PolicyDocument`,
      `policy-resource-matches-nothing ${policy}/PolicyDocument`
    ]
  },
  {
    flaw: 'a document of spaces',
    template: templateOf({ policy: { PolicyDocument: connectDocument() + ' '.repeat(3000) } }),
    findings: []
  },
  {
    flaw: 'a document from the subject',
    template: templateOf({ policy: { PolicyDocument: ref('CommonName') } }),
    findings: [`policy-document-from-subject ${policy}/PolicyDocument`]
  },
  {
    flaw: 'a document per device',
    template: templateOf({
      policy: {
        PolicyDocument: {
          'Fn::Sub': connectDocument(
            'arn:aws:iot:eu-central-1:210987654321:client/${AWS::IoT::Certificate::CommonName}'
          )
        }
      }
    }),
    options: accept,
    findings: [
      `function-accepted ${policy}/PolicyDocument/Fn::Sub`,
      `policy-per-device ${policy}/PolicyDocument/Fn::Sub`
    ]
  },
  {
    flaw: 'a document with the certificate id',
    template: templateOf({
      policy: {
        PolicyDocument: {
          'Fn::Sub': connectDocument(
            'arn:aws:iot:eu-central-1:210987654321:client/${AWS::IoT::Certificate::Id}'
          )
        }
      }
    }),
    options: accept,
    findings: [
      `function-accepted ${policy}/PolicyDocument/Fn::Sub`,
      `policy-document-from-id ${policy}/PolicyDocument/Fn::Sub`
    ]
  },
  {
    flaw: 'Fn::Join in a policy name',
    template: templateOf({ policy: { PolicyName: { 'Fn::Join': ['-', ['a', 'b']] } } }),
    options: accept,
    findings: [
      `function-accepted ${policy}/PolicyName/Fn::Join`,
      `function-in-policy ${policy}/PolicyName/Fn::Join`
    ]
  },
  {
    flaw: 'a template parameter in a literal document',
    template: templateOf({
      policy: {
        PolicyDocument: connectDocument(
          'arn:aws:iot:eu-central-1:210987654321:client/${AWS::IoT::Certificate::CommonName}'
        )
      }
    }),
    findings: [
      `policy-variable-unknown ${policy}/PolicyDocument`,
      `policy-lets-nobody-connect ${policy}/PolicyDocument`
    ]
  },
  {
    flaw: 'a variable that is none',
    template: templateOf({
      policy: { PolicyDocument: connectDocument('arn:aws:iot:eu-central-1:210987654321:client/${ThingName}') }
    }),
    findings: [
      `policy-variable-unknown ${policy}/PolicyDocument`,
      `policy-lets-nobody-connect ${policy}/PolicyDocument`
    ]
  },
  {
    flaw: 'a placeholder',
    template: templateOf({
      policy: { PolicyDocument: connectDocument('arn:aws:iot:<REGION>:210987654321:client/*') }
    }),
    findings: [`placeholder-left ${policy}/PolicyDocument`]
  },
  {
    flaw: 'a thing variable',
    template: templateOf({
      policy: {
        PolicyDocument: connectDocument(
          'arn:aws:iot:eu-central-1:210987654321:client/${iot:Connection.Thing.ThingName}'
        )
      }
    }),
    findings: ['policy-uses-thing-name /Resources']
  },
  {
    flaw: 'a thing variable under EXCLUSIVE_THING',
    template: templateOf({
      certificate: { CertificateId: ref('Id'), Status: 'ACTIVE', ThingPrincipalType: 'EXCLUSIVE_THING' },
      policy: {
        PolicyDocument: connectDocument(
          'arn:aws:iot:eu-central-1:210987654321:client/${iot:Connection.Thing.ThingName}'
        )
      }
    }),
    findings: []
  },
  {
    flaw: 'no way to connect',
    template: templateOf({ policy: policyOf({ ...statement, Action: 'iot:Publish' }) }),
    findings: [
      `policy-resource-wide ${policy}/PolicyDocument`,
      'policy-lets-nobody-connect /Resources/policy'
    ]
  },
  {
    flaw: 'connect on a topic',
    template: templateOf({
      policy: policyOf({ ...statement, Resource: 'arn:aws:iot:eu-central-1:210987654321:topic/a' })
    }),
    findings: [
      `policy-resource-not-of-action ${policy}/PolicyDocument`,
      `policy-lets-nobody-connect ${policy}/PolicyDocument`
    ]
  },
  {
    flaw: 'connect by wildcard',
    template: templateOf({ policy: policyOf({ ...statement, Action: 'iot:C*' }) }),
    findings: []
  },
  {
    flaw: 'connect by another policy',
    template: templateOf({
      policy: policyOf({ ...statement, Action: 'iot:Publish' }),
      resources: { named: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'p' } } }
    }),
    findings: [
      `policy-resource-wide ${policy}/PolicyDocument`,
      'must-exist-beforehand /Resources/named/Properties/PolicyName'
    ]
  },
  {
    flaw: 'everything allowed',
    template: templateOf({ policy: policyOf({ ...statement, Action: ['iot:*'] }) }),
    findings: [`policy-allows-everything ${policy}/PolicyDocument`]
  }
]

const commonNameIs = (rule: { values?: readonly string[]; pattern?: string }): TemplateOptions => ({
  subjectCouldBe: field => (field === 'CommonName' ? rule : undefined)
})

export const subjectRuleCases: readonly CheckCase[] = [
  {
    flaw: 'values that are thing names',
    template: templateOf(),
    options: commonNameIs({ values: ['a', 'b'] }),
    findings: []
  },
  {
    flaw: 'a value that is none',
    template: templateOf(),
    options: commonNameIs({ values: ['a', 'b c'] }),
    findings: [`subject-rule-risky ${thing}/ThingName`]
  },
  {
    flaw: 'only values that are none',
    template: templateOf(),
    options: commonNameIs({ values: ['a.b', 'b c'] }),
    findings: [`subject-rule-impossible ${thing}/ThingName`]
  },
  {
    flaw: 'a pattern with a space',
    template: templateOf(),
    options: commonNameIs({ pattern: 'SN [0-9]{4}' }),
    findings: [`subject-rule-impossible ${thing}/ThingName`]
  },
  {
    flaw: 'a pattern with an escaped dot',
    template: templateOf(),
    options: commonNameIs({ pattern: '[a-z]+\\.local' }),
    findings: [`subject-rule-impossible ${thing}/ThingName`]
  },
  {
    flaw: 'a pattern whose space is optional',
    template: templateOf(),
    options: commonNameIs({ pattern: 'SN ?[0-9]{1,4}' }),
    findings: []
  },
  {
    flaw: 'a pattern with alternatives',
    template: templateOf(),
    options: commonNameIs({ pattern: 'a b|c' }),
    findings: []
  },
  {
    flaw: 'a pattern of classes',
    template: templateOf(),
    options: commonNameIs({ pattern: '^[A-Z ]{2,3}-\\d{2,8}.+$' }),
    findings: []
  }
]

const text = JSON.stringify(templateOf())
const inConfig = (members: JsonMembers): string => JSON.stringify({ templateBody: text, ...members })
const role = 'arn:aws:iam::210987654321:role/r'

export const readingCases: readonly CheckCase[] = [
  { flaw: 'a text over the limit', template: text + ' '.repeat(262_144), findings: ['text-too-large '] },
  {
    flaw: 'endless nesting',
    template: `{"Parameters":${'['.repeat(100)}`,
    findings: [`nesting-too-deep /Parameters${'/0'.repeat(63)}`]
  },
  { flaw: 'a missing brace', template: text.slice(0, -1), findings: ['json-syntax '] },
  {
    flaw: 'a section twice',
    template: text.replace('{', '{"Parameters":{},'),
    findings: ['json-duplicate-name /Parameters']
  },
  { flaw: 'a comma at the end', template: text.replace(/}$/, ',}'), findings: ['json-trailing-comma '] },
  { flaw: 'a comment', template: `${text} // pumps`, findings: ['json-comment '] },
  {
    flaw: 'a line break in a string',
    template: text.replace('CommonName', 'Common\nName'),
    findings: [
      'parameter-unknown /Parameters/AWS::IoT::Certificate::Common\nName',
      'json-control-character /Parameters',
      `ref-undeclared ${thing}/ThingName`
    ]
  },
  { flaw: 'a space from a web page', template: `\u00a0${text}`, findings: ['json-foreign-space '] },
  {
    flaw: 'an escape that is none',
    template: text.replace('MERGE', '\\MERGE'),
    findings: ['json-bad-escape /Resources/thing/OverrideSettings/AttributePayload']
  },
  {
    flaw: 'apostrophes',
    template: text.replaceAll('"Status"', "'Status'"),
    findings: [`single-quotes ${certificate}`]
  },
  {
    flaw: 'a text that is over the limit for its spaces alone',
    template: JSON.stringify(templateOf(), null, 2).padEnd(10_241),
    findings: ['body-too-long-as-given ']
  },
  {
    flaw: 'a body with a byte order mark',
    template: JSON.stringify({
      templateBody: `\ufeff${JSON.stringify(templateOf())}`,
      roleArn: 'arn:aws:iam::210987654321:role/r'
    }),
    findings: ['byte-order-mark ', 'body-byte-order-mark ']
  },
  { flaw: 'a byte order mark', template: `\ufeff${text}`, findings: ['byte-order-mark '] },
  {
    flaw: 'an object as body',
    template: JSON.stringify({ templateBody: templateOf(), roleArn: role }),
    findings: ['escaped-too-seldom /templateBody']
  },
  {
    flaw: 'a string in a string',
    template: JSON.stringify(JSON.stringify(text)),
    findings: ['escaped-too-often ']
  },
  { flaw: 'something else', template: '{"Version": "2012-10-17"}', findings: ['template-not-found '] },
  {
    flaw: 'a name only',
    template: '{"templateName": "pumps"}',
    findings: ['template-named-only /templateName']
  },
  {
    flaw: 'a further member',
    template: inConfig({ roleArn: role, role: '' }),
    findings: ['registration-config-member-unknown /role']
  },
  { flaw: 'no role', template: inConfig({}), findings: ['role-arn-missing '] },
  {
    flaw: 'a role by name',
    template: inConfig({ roleArn: 'line-provisioning' }),
    findings: ['role-arn-invalid /roleArn']
  }
]
