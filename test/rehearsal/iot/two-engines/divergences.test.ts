import { beforeAll, describe, expect, it } from 'vitest'
import {
  connectDocument,
  type Json,
  type JsonMembers,
  ref,
  templateOf
} from '../../../jitp/template-cases.ts'
import { makeCertificate } from '../certificate-making.ts'
import {
  type Account,
  type Device,
  deviceOf,
  judgeByCheck,
  type Made,
  openAccount,
  plainSwitches,
  type Switches
} from './engines.ts'

let account: Account
let device: Device

beforeAll(async () => {
  account = await openAccount()
  device = deviceOf(await makeCertificate({ commonNames: ['unit-1'], attributes: [['2.5.4.10', 'Acme']] }))
})

const withFunctions: Switches = { ...plainSwitches, functions: true }

function judge(template: Json | string, switches: Switches, by: Device = device) {
  const body = typeof template === 'string' ? template : JSON.stringify(template)
  return { check: judgeByCheck(body, by, switches), standIn: account.judge(body, by, switches) }
}

const thing = (properties: JsonMembers): JsonMembers =>
  templateOf({ thing: { ThingName: ref('CommonName'), ...properties } })
const attribute = (value: Json): JsonMembers => thing({ AttributePayload: { a: value } })
const mapped = (value: Json, mappings: Json): JsonMembers => ({ ...attribute(value), Mappings: mappings })
const policy = (properties: Json): JsonMembers => templateOf({ policy: properties })
const found = (...path: Json[]): Json => ({ 'Fn::FindInMap': path })
const sub = (...argument: Json[]): Json => ({ 'Fn::Sub': argument.length === 1 ? argument[0]! : argument })
const parameter = (members: JsonMembers): JsonMembers => {
  const template = templateOf()
  const parameters = template.Parameters as JsonMembers
  return {
    ...template,
    Parameters: { ...parameters, 'AWS::IoT::Certificate::CommonName': { Type: 'String', ...members } }
  }
}
const documentOf = (members: JsonMembers): Json => {
  const document = JSON.parse(connectDocument()) as JsonMembers
  return { PolicyDocument: JSON.stringify({ ...document, ...members }) }
}
const statementOf = (members: JsonMembers): Json =>
  documentOf({ Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*', ...members }] })
const nested = (depth: number): Json => (depth === 0 ? 'x' : [nested(depth - 1)])
const groups = (count: number): string[] => Array.from({ length: count }, (_, index) => `g${index}`)
const policies = (count: number, nameOf: (index: number) => Json): JsonMembers =>
  templateOf({
    resources: Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `more${index}`,
        { Type: 'AWS::IoT::Policy', Properties: { PolicyName: nameOf(index) } }
      ])
    )
  })

const maps = { M: { a: { b: 'c' } } }

describe('what AWS does not document is refused by both', () => {
  it.each<[string, Json | string, string]>([
    [
      'an undeclared Ref in a variable of Fn::Sub that is not used',
      attribute(sub('x', { v: ref('Country') })),
      'ref-undeclared'
    ],
    [
      'a missing key in a variable that is not used',
      mapped(sub('x', { v: found('M', 'a', 'z') }), maps),
      'map-key-missing'
    ],
    [
      'a missing key by the subject in a variable that is not used',
      mapped(sub('x', { v: found('M', ref('CommonName'), 'b') }), maps),
      'map-key-missing'
    ],
    [
      'an index in a variable that is not used',
      attribute(sub('x', { v: { 'Fn::Select': ['1', ['a']] } })),
      'select-out-of-range'
    ],
    ['${ a }', attribute(sub('${ a }', { a: 'b' })), 'function-arguments-wrong'],
    [
      '${ AWS::IoT::Certificate::CommonName }',
      attribute(sub('${ AWS::IoT::Certificate::CommonName }')),
      'function-arguments-wrong'
    ],
    ['${}', attribute(sub('x${}')), 'function-arguments-wrong'],
    ['${} that is bound', attribute(sub('x${}', { '': 'b' })), 'function-arguments-wrong'],
    ['${!a}', attribute(sub('x${!a}', { a: 'b' })), 'function-arguments-wrong'],
    ['${ that is not closed', attribute(sub('x${a', { a: 'b' })), 'function-arguments-wrong'],
    ['${ in ${', attribute(sub('${a${b}}', { a: 'b', b: 'a' })), 'function-arguments-wrong'],
    [
      'Fn::Split by the empty string',
      attribute({ 'Fn::Select': ['0', { 'Fn::Split': ['', 'ab'] }] }),
      'function-arguments-wrong'
    ],
    [
      'Fn::Split with a third argument',
      attribute({ 'Fn::Select': ['0', { 'Fn::Split': ['-', 'a-b', 'c'] }] }),
      'function-arguments-wrong'
    ],
    [
      'Fn::Join with a third argument',
      attribute({ 'Fn::Join': ['-', ['a', 'b'], 'c'] }),
      'function-arguments-wrong'
    ],
    ['Fn::Join with one argument', attribute({ 'Fn::Join': ['-'] }), 'function-arguments-wrong'],
    ['Fn::Join of a number', attribute({ 'Fn::Join': ['-', ['a', 1]] }), 'value-type-wrong'],
    ['Fn::Join of a list', attribute({ 'Fn::Join': ['-', ['a', ['b']]] }), 'value-type-wrong'],
    [
      'Fn::Join with a delimiter that is made',
      attribute({ 'Fn::Join': [ref('CommonName'), ['a', 'b']] }),
      'function-arguments-wrong'
    ],
    [
      'Fn::Select with a third argument',
      attribute({ 'Fn::Select': ['0', ['a'], 'b'] }),
      'function-arguments-wrong'
    ],
    ['an index with a leading zero', attribute({ 'Fn::Select': ['00', ['a']] }), 'select-out-of-range'],
    ['an index with a fraction', attribute({ 'Fn::Select': [0.5, ['a']] }), 'select-out-of-range'],
    ['Fn::Sub with a third argument', attribute(sub('x', {}, 'y')), 'function-arguments-wrong'],
    ['Fn::FindInMap with a fourth key', mapped(found('M', 'a', 'b', 'c'), maps), 'function-arguments-wrong'],
    [
      'Fn::FindInMap with a default',
      mapped(found('M', 'a', 'z', { DefaultValue: 'd' }), maps),
      'function-arguments-wrong'
    ],
    ['Fn::FindInMap with one key', mapped(found('M', 'a'), maps), 'function-arguments-wrong'],
    ['a map that every object has', mapped(found('constructor', 'name', 'length'), maps), 'map-key-missing'],
    ['a key that every object has', mapped(found('M', 'a', 'constructor'), maps), 'map-key-missing'],
    ['the prototype of a map', mapped(found('M', '__proto__', 'constructor'), maps), 'map-key-missing'],
    ['a reference in Mappings', mapped('x', { M: { a: { b: ref('CommonName') } } }), 'function-in-mappings'],
    [
      'a function in Mappings',
      mapped('x', { M: { a: { b: { 'Fn::Join': ['', ['c']] } } } }),
      'function-in-mappings'
    ],
    ['a number in Mappings', mapped('x', { M: { a: { b: 1 } } }), 'value-type-wrong'],
    ['a list in Mappings', mapped('x', { M: { a: { b: ['c'] } } }), 'value-type-wrong'],
    ['one level in Mappings', mapped('x', { M: { a: 'b' } }), 'value-type-wrong'],
    ['three levels in Mappings', mapped('x', { M: { a: { b: { c: 'd' } } } }), 'value-type-wrong'],
    [
      'DeviceConfiguration with an object inside',
      { ...templateOf(), DeviceConfiguration: { a: { b: 'c' } } },
      'value-type-wrong'
    ],
    [
      'DeviceConfiguration with a number',
      { ...templateOf(), DeviceConfiguration: { a: 1 } },
      'value-type-wrong'
    ],
    [
      'DeviceConfiguration with an undeclared Ref',
      { ...templateOf(), DeviceConfiguration: { a: ref('Country') } },
      'ref-undeclared'
    ],
    [
      'DeviceConfiguration with a missing key by the subject',
      { ...mapped('x', maps), DeviceConfiguration: { a: found('M', ref('CommonName'), 'b') } },
      'map-key-missing'
    ],
    ['AllowedValues', parameter({ AllowedValues: ['unit-1'] }), 'member-unknown'],
    ['Description of a parameter', parameter({ Description: 'the name' }), 'member-unknown'],
    ['PackageVersions as a list', thing({ PackageVersions: ['p'] }), 'value-type-wrong'],
    [
      'PackageVersions with an undeclared Ref',
      thing({ PackageVersions: { p: ref('Country') } }),
      'ref-undeclared'
    ],
    [
      'one override in two spellings',
      templateOf({ thingOverrides: { ThingGroups: 'MERGE', THING_GROUPS: 'FAIL' } }),
      'override-key-repeated'
    ],
    [
      'a listed override with a value that it has not',
      templateOf({ thingOverrides: { THING_TYPE_NAME: 'MERGE' } }),
      'override-value-unknown'
    ],
    [
      'an override in other capitals',
      templateOf({ thingOverrides: { THINGGROUPS: 'MERGE' } }),
      'override-key-unknown'
    ],
    [
      'STATUS of a certificate',
      templateOf({ certificateOverrides: { STATUS: 'REPLACE' } }),
      'override-key-unknown'
    ],
    [
      'Fn::Join in a policy document',
      policy({ PolicyDocument: { 'Fn::Join': ['', [connectDocument()]] } }),
      'function-in-policy'
    ],
    [
      'Fn::Join deep in a policy document',
      policy({ PolicyDocument: sub('${d}', { d: { 'Fn::Join': ['', [connectDocument()]] } }) }),
      'function-in-policy'
    ],
    [
      'Fn::Join in a policy name',
      policy({ PolicyName: { 'Fn::Join': ['-', ['a', 'b']] } }),
      'function-in-policy'
    ],
    [
      'a policy document from the subject',
      policy({ PolicyDocument: ref('CommonName') }),
      'policy-document-from-subject'
    ],
    [
      'Ref inside a policy document',
      policy({
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: ref('CommonName') }]
        }
      }),
      'function-in-policy'
    ],
    [
      'a function inside a policy document',
      policy({
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: sub('x') }]
        }
      }),
      'function-in-policy'
    ],
    [
      'no Version',
      policy({
        PolicyDocument: JSON.stringify({
          Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }]
        })
      }),
      'policy-document-invalid'
    ],
    ['an older Version', policy(documentOf({ Version: '2008-10-17' })), 'policy-document-invalid'],
    ['an unknown Version', policy(documentOf({ Version: '2013-10-17' })), 'policy-document-invalid'],
    ['an empty action', policy(statementOf({ Action: '' })), 'policy-document-invalid'],
    ['an action that is no text', policy(statementOf({ Action: true })), 'policy-document-invalid'],
    ['no statement', policy(documentOf({ Statement: [] })), 'policy-document-invalid'],
    ['11 groups', thing({ ThingGroups: groups(11) }), 'thing-groups-too-many'],
    [
      '11 groups of a split text',
      thing({ ThingGroups: { 'Fn::Split': [',', groups(11).join(',')] } }),
      'thing-groups-too-many'
    ],
    ['11 policies', policies(10, index => `p${index}`), 'policies-too-many'],
    ['a body of 10241 characters', JSON.stringify(templateOf()).padEnd(10_241), 'body-too-long'],
    ['a byte order mark', `\ufeff${JSON.stringify(templateOf())}`, 'body-byte-order-mark'],
    [
      'lists within lists',
      { ...attribute('x'), Mappings: { M: { a: { b: nested(3_000) } } } },
      'nesting-too-deep'
    ],
    ['65 levels', { ...attribute('x'), Mappings: { M: { a: { b: nested(61) } } } }, 'nesting-too-deep'],
    ['an object beside Ref', attribute({ ...ref('CommonName'), more: 'x' }), 'function-arguments-wrong'],
    ['attributes that are a Ref', thing({ AttributePayload: ref('CommonName') }), 'value-type-wrong'],
    ['an unknown function', attribute({ 'Fn::GetAtt': ['a', 'b'] }), 'function-unknown'],
    ['a function that every object has', attribute({ 'Fn::constructor': ['a'] }), 'function-unknown']
  ])('%s', (_, template, finding) => {
    const { check, standIn } = judge(template, withFunctions)
    expect(check.refusals).toContain(finding)
    expect(standIn.made).toBeUndefined()
  })

  it.each<[string, JsonMembers, string]>([
    ['Fn::Sub', attribute(sub('x')), 'function-not-for-jitp'],
    ['Mappings', { ...templateOf(), Mappings: {} }, 'mappings-not-for-jitp'],
    [
      'DeviceConfiguration',
      { ...templateOf(), DeviceConfiguration: {} },
      'device-configuration-not-for-jitp'
    ],
    [
      'Ref inside a policy document',
      policy({ PolicyDocument: { Statement: ref('CommonName') } }),
      'function-in-policy'
    ]
  ])('without functions: %s', (_, template, finding) => {
    const { check, standIn } = judge(template, plainSwitches)
    expect(check.refusals).toContain(finding)
    expect(standIn.made).toBeUndefined()
  })
})

describe('conditions that are no map of maps are refused by both', () => {
  it.each<[string, Json]>([
    ['a text', 'x'],
    ['a list', []],
    ['an operator without keys', { StringEquals: 'x' }],
    ['a list of keys', { StringEquals: [{ 'iot:ClientId': 'x' }] }],
    ['a key with an object', { StringEquals: { 'iot:ClientId': {} } }]
  ])('%s', (_, condition) => {
    const { check, standIn } = judge(policy(statementOf({ Condition: condition })), plainSwitches)
    expect(check.refusals).toEqual(['policy-document-invalid'])
    expect(standIn.made).toBeUndefined()
  })
})

describe('what AWS documents is followed by both', () => {
  it.each<[string, JsonMembers, Partial<Made>]>([
    [
      'a variable of Fn::Sub that is not used',
      attribute(sub('x', { v: ref('CommonName') })),
      { attributes: { a: 'x' } }
    ],
    ['a variable of Fn::Sub', attribute(sub('x-${v.1}', { 'v.1': 'y' })), { attributes: { a: 'x-y' } }],
    ['what stands in a variable stays', attribute(sub('${v}', { v: 'a:b' })), { attributes: { a: 'a:b' } }],
    [
      'a lone dollar',
      thing({ AttributePayload: { a: { 'Fn::Select': ['1', { 'Fn::Split': ['$', sub('$x')] }] } } }),
      { attributes: { a: 'x' } }
    ],
    [
      'Fn::Join with the empty string',
      attribute({ 'Fn::Join': ['', ['a', ref('CommonName')]] }),
      { attributes: { a: 'aunit-1' } }
    ],
    [
      'a number as index',
      attribute({ 'Fn::Select': [1, { 'Fn::Split': ['-', ref('CommonName')] }] }),
      { attributes: { a: '1' } }
    ],
    ['Fn::FindInMap', mapped(found('M', 'a', 'b'), maps), { attributes: { a: 'c' } }],
    [
      'keys that every object has, where the map has them',
      mapped(
        found('M', 'constructor', '__proto__'),
        JSON.parse('{"M": {"constructor": {"__proto__": "p"}}}') as Json
      ),
      { attributes: { a: 'p' } }
    ],
    [
      'DeviceConfiguration',
      { ...templateOf(), DeviceConfiguration: { a: 'b', c: ref('CommonName') } },
      { thingName: 'unit-1' }
    ],
    ['PackageVersions as a text', thing({ PackageVersions: 'p:1' }), { thingName: 'unit-1' }],
    [
      'PackageVersions as an object',
      thing({ PackageVersions: { p: '1', q: ref('CommonName') } }),
      { thingName: 'unit-1' }
    ],
    [
      'overrides as the guide lists them',
      templateOf({
        thingOverrides: { ATTRIBUTE_PAYLOAD: 'MERGE', THING_TYPE_NAME: 'REPLACE', THING_GROUPS: 'DO_NOTHING' }
      }),
      { thingName: 'unit-1' }
    ],
    [
      'Fn::Sub as a policy document',
      policy({ PolicyDocument: sub(connectDocument('client/${AWS::IoT::Certificate::CommonName}')) }),
      { thingName: 'unit-1' }
    ],
    [
      'a policy document as an object',
      policy({ PolicyDocument: JSON.parse(connectDocument()) as Json }),
      { thingName: 'unit-1' }
    ],
    [
      'a condition without quotes',
      policy(statementOf({ Condition: { Bool: { 'aws:SecureTransport': true } } })),
      { thingName: 'unit-1' }
    ],
    [
      'a condition with a number',
      policy(statementOf({ Condition: { NumericEquals: { 'aws:EpochTime': 1 } } })),
      { thingName: 'unit-1' }
    ],
    [
      'conditions',
      policy(statementOf({ Condition: { Bool: { 'iot:Connection.Thing.IsAttached': ['true'] } } })),
      { thingName: 'unit-1' }
    ],
    [
      '11 groups, one of them twice',
      thing({ ThingGroups: [...groups(10), 'g3'] }),
      { thingGroups: groups(10) }
    ],
    [
      '11 groups, one reference twice',
      thing({ ThingGroups: [...groups(9), ref('CommonName'), ref('CommonName')] }),
      { thingGroups: [...groups(9), 'unit-1'] }
    ],
    ['one policy twice', policies(2, () => 'p'), {}],
    ['10 policies', policies(9, index => `p${index}`), {}]
  ])('%s', (_, template, made) => {
    const { check, standIn } = judge(template, withFunctions)
    expect(check).toEqual({ refusals: [], made: expect.objectContaining(made) as Made })
    expect(standIn).toEqual(check)
  })
})

describe('a certificate', () => {
  const serial = templateOf({
    parameters: ['SerialNumber', 'Id'],
    thing: { ThingName: ref('SerialNumber') }
  })

  it('with two names that the template asks for is refused by both', async () => {
    const twice = deviceOf(await makeCertificate({ commonNames: ['a', 'b'] }))
    const { check, standIn } = judge(templateOf(), plainSwitches, twice)
    expect([check.made, standIn.made]).toEqual([undefined, undefined])
  })

  it('with a negative serial number is refused by both, where the template asks for the number', async () => {
    const negative = deviceOf(
      await makeCertificate({ commonNames: ['a'], serialNumber: Uint8Array.of(0x80, 1) })
    )
    const { check, standIn } = judge(serial, plainSwitches, negative)
    expect([check.made, standIn.made]).toEqual([undefined, undefined])
    const { standIn: other } = judge(templateOf(), plainSwitches, negative)
    expect(other.made).toMatchObject({ thingName: 'a' })
  })

  it('with the longest serial number names a thing alike', async () => {
    const long = deviceOf(
      await makeCertificate({ commonNames: ['a'], serialNumber: new Uint8Array(20).fill(0x7f) })
    )
    const { check, standIn } = judge(serial, plainSwitches, long)
    expect(check.made?.thingName).toBe('727885129180488904360266563744972327436484050815')
    expect(standIn).toEqual(check)
  })
})
