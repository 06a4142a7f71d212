import fc from 'fast-check'
import { connectDocument, type Json, type JsonMembers, ref } from '../../../jitp/template-cases.ts'
import { parameters } from './random-devices.ts'

/** The mistake comes once in so many times, so that most templates work and each mistake is made in some. */
function mostly<Value>(
  usual: fc.Arbitrary<Value>,
  mistake: fc.Arbitrary<Value>,
  once = 100
): fc.Arbitrary<Value> {
  return fc.oneof({ weight: once - 1, arbitrary: usual }, { weight: 1, arbitrary: mistake })
}

const names = fc.constantFrom(...parameters)
const word = fc.constantFrom('a', 'b-c', 'pump', 'x:y', '0', 'a-b-c')
const literal = mostly<Json>(
  word,
  fc.constantFrom('', 'a b', 'Ä', '${a}', '${AWS::IoT::Certificate::Id}', 'constructor')
)
const undeclared = fc.constantFrom<Json>(
  ref('Nothing'),
  { Ref: 'AWS::Region' },
  { Ref: 1 },
  ref('constructor'),
  { ...ref('Id'), more: 'a' }
)
const reference = mostly<Json>(names.map(ref), undeclared, 300)
const plain = fc.oneof({ weight: 2, arbitrary: literal }, { weight: 3, arbitrary: reference })
/** Of what must exist beforehand: a name by the certificate id is refused, by Mintline alone. */
const existing = mostly<Json>(
  fc.oneof(literal, names.filter(name => name !== 'Id').map(ref)),
  fc.constant(ref('Id')),
  100
)

const key = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom<Json>('a', 'b') },
  { weight: 1, arbitrary: reference },
  { weight: 1, arbitrary: fc.constantFrom<Json>('z', 'constructor', '__proto__') }
)
const variable = mostly<string>(
  fc.oneof(
    fc.constantFrom('a', 'b'),
    names.map(name => `AWS::IoT::Certificate::${name}`)
  ),
  fc.constantFrom(' a ', '', '!a', 'constructor', 'a{', 'Nothing')
)
const subText = fc
  .array(
    fc.oneof(
      fc.constantFrom('-', 'x', '$', '}', ':'),
      variable.map(name => `\${${name}}`)
    ),
    {
      minLength: 1,
      maxLength: 4
    }
  )
  .map(pieces => pieces.join(''))
/** Of a text whose variables are all bound. */
const boundText = fc
  .array(mostly(fc.constantFrom('-', 'x', ':', '${a}', '${b}'), fc.constantFrom('${ a }', '${}', '${c}')), {
    minLength: 1,
    maxLength: 4
  })
  .map(pieces => pieces.join(''))

/** Now and then with an argument too many. */
function call(name: string, args: fc.Arbitrary<Json[]>): fc.Arbitrary<Json> {
  const written = (values: Json[]): Json => ({ [name]: values })
  return mostly(
    args.map(written),
    args.map(values => written([...values, 'a']))
  )
}

const dictionary = (keys: fc.Arbitrary<string>, values: fc.Arbitrary<Json>, maxKeys: number) =>
  fc.dictionary(keys, values, { maxKeys, noNullPrototype: true })

function functionsOver(leaf: fc.Arbitrary<Json>): { text: fc.Arbitrary<Json>; list: fc.Arbitrary<Json> } {
  return fc.letrec<{ text: Json; list: Json }>(tie => {
    const twoItems = fc.array(tie('text'), { minLength: 2, maxLength: 3 })
    const index = fc.constantFrom<Json>('0', '1', 0, 1)
    const delimiter = mostly<Json>(
      fc.constantFrom<Json>('', '-', ':'),
      fc.constantFrom<Json>(' ', ref('Id'), 1)
    )
    const separator = mostly<Json>(
      fc.constantFrom<Json>('-', ':', '--'),
      fc.constantFrom<Json>('', 'a', ref('Id'))
    )
    return {
      text: mostly<Json>(
        fc.oneof(
          { maxDepth: 3, depthSize: 'small' },
          { weight: 10, arbitrary: leaf },
          { weight: 3, arbitrary: call('Fn::Join', fc.tuple(delimiter, tie('list'))) },
          { weight: 3, arbitrary: call('Fn::Select', fc.tuple(index, twoItems)) },
          { weight: 1, arbitrary: call('Fn::Select', fc.tuple(fc.constantFrom<Json>('0', 0), tie('list'))) },
          { weight: 1, arbitrary: call('Fn::FindInMap', fc.tuple(fc.constant<Json>('M'), key, key)) },
          { weight: 1, arbitrary: subText.map((text): Json => ({ 'Fn::Sub': text })) },
          {
            weight: 3,
            arbitrary: call(
              'Fn::Sub',
              fc.tuple(boundText, fc.record({ a: tie('text'), b: tie('text') }, { noNullPrototype: true }))
            )
          },
          {
            weight: 1,
            arbitrary: call(
              'Fn::Sub',
              fc.tuple(subText, dictionary(fc.constantFrom('a', 'b', 'c'), tie('text'), 3))
            )
          }
        ),
        fc.constantFrom<Json>(
          1,
          null,
          ['a'],
          { a: 'b' },
          { 'Fn::GetAtt': ['a', 'b'] },
          { 'Fn::Select': ['2', ['a', 'b']] },
          { 'Fn::Select': ['00', ['a', 'b']] },
          { 'Fn::Select': [-1, ['a', 'b']] },
          { 'Fn::Select': [ref('SerialNumber'), ['a', 'b']] },
          { 'Fn::FindInMap': ['constructor', 'a', 'b'] },
          { 'Fn::Split': ['-', 'a-b'] }
        )
      ),
      list: fc.oneof(
        { weight: 3, arbitrary: fc.array(tie('text'), { minLength: 1, maxLength: 3 }) },
        { weight: 1, arbitrary: call('Fn::Split', fc.tuple(separator, tie('text'))) }
      )
    }
  })
}

const document = mostly<Json>(
  fc.constantFrom<Json>(connectDocument(), JSON.parse(connectDocument()) as Json),
  fc.constantFrom<Json>(
    { 'Fn::Sub': connectDocument('client/${AWS::IoT::Certificate::CommonName}') },
    { 'Fn::Join': ['', [connectDocument()]] },
    ref('CommonName'),
    connectDocument().replace('2012', '2008'),
    connectDocument().replace('iot:Connect', ''),
    {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: ref('CommonName') }]
    },
    `\ufeff${connectDocument()}`,
    '{'
  ),
  20
)

const thingOverrides = mostly<Json>(
  fc.constantFrom<Json>(
    {},
    { AttributePayload: 'MERGE', ThingTypeName: 'REPLACE', ThingGroups: 'DO_NOTHING' },
    { ATTRIBUTE_PAYLOAD: 'MERGE', THING_TYPE_NAME: 'REPLACE' }
  ),
  fc.constantFrom<Json>(
    { AttributePayload: 'FAIL', ATTRIBUTE_PAYLOAD: 'MERGE' },
    { THING_TYPE_NAME: 'MERGE' },
    { constructor: 'FAIL' },
    { ThingName: 'REPLACE' }
  )
)

const mappings = mostly<Json>(
  fc.constant<Json>({
    M: {
      ...{ a: { a: 'aa', b: 'ab' }, b: { a: 'ba', b: 'b-b' } },
      ...{ 'unit-1': { a: 'u' }, DE: { a: 'd', b: 'e' } }
    }
  }),
  fc.constantFrom<Json>(
    { M: { a: { a: 1 } } },
    { M: { a: { a: ref('CommonName') } } },
    { M: { a: 'b' } },
    { M: [] },
    [],
    'M'
  )
)

const parameter = mostly<Json>(
  mostly<Json>(fc.constant({ Type: 'String' }), fc.constant({ Type: 'String', Default: 'd-1' }), 12),
  fc.constantFrom<Json>(
    { Type: 'Number' },
    {},
    { Type: 'String', AllowedValues: ['a'] },
    { Type: 'String', Default: 1 }
  ),
  400
)

const elevenGroups: Json[] = Array.from({ length: 11 }, (_, index) => `g${index}`)
const groupsOf = (group: fc.Arbitrary<Json>, list: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  mostly<Json>(
    fc.oneof(fc.array(group, { maxLength: 4 }), fc.constant<Json>([...elevenGroups.slice(1), 'g3'])),
    fc.oneof(list, fc.constant<Json>(elevenGroups)),
    20
  )

interface Expressions {
  readonly text: fc.Arbitrary<Json>
  readonly list: fc.Arbitrary<Json>
}

function thingOf({ text, list }: Expressions, { text: name }: Expressions): fc.Arbitrary<Json> {
  const attribute = mostly(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('d e', '__proto__', 'constructor'))
  const properties = fc.record(
    {
      ThingName: text,
      AttributePayload: dictionary(attribute, text, 3),
      ThingTypeName: name,
      ThingGroups: groupsOf(name, list),
      BillingGroup: name,
      PackageVersions: fc.oneof(text, dictionary(word, text, 2))
    },
    { requiredKeys: ['ThingName'] }
  )
  return properties
}

/** @param names what must exist beforehand. */
function templatesOf(
  texts: Expressions,
  names: Expressions,
  withMappings: boolean
): fc.Arbitrary<JsonMembers> {
  const policy = fc.oneof(
    names.text.map((name): Json => ({ PolicyName: name })),
    document.map((value): Json => ({ PolicyDocument: value })),
    mostly<Json>(fc.constant({ PolicyName: 'p' }), fc.constant({}))
  )
  return fc
    .record({
      declarations: fc.record(
        Object.fromEntries(parameters.map(name => [`AWS::IoT::Certificate::${name}`, parameter]))
      ),
      left: mostly<readonly string[]>(fc.constant([]), fc.subarray([...parameters]), 30),
      thing: fc.option(thingOf(texts, names), { freq: 20 }),
      overrides: thingOverrides,
      status: mostly<Json>(
        fc.constantFrom<Json>('ACTIVE', 'Active'),
        fc.constantFrom<Json>('INACTIVE', 'X', ref('CommonName'))
      ),
      policies: fc.array(policy, { minLength: 1, maxLength: 3 }),
      mappings: fc.option(mappings, { freq: 20 }),
      configuration: fc.option(dictionary(word, texts.text, 2), { freq: 1 })
    })
    .map(({ declarations, left, thing, overrides, status, policies, ...sections }) => ({
      Parameters: Object.fromEntries(
        Object.entries(declarations).filter(([name]) => !left.some(other => name.endsWith(`::${other}`)))
      ),
      ...(withMappings && sections.mappings !== null && { Mappings: sections.mappings }),
      ...(withMappings && sections.configuration !== null && { DeviceConfiguration: sections.configuration }),
      Resources: {
        ...(thing !== null && {
          thing: { Type: 'AWS::IoT::Thing', Properties: thing, OverrideSettings: overrides }
        }),
        certificate: {
          Type: 'AWS::IoT::Certificate',
          Properties: { CertificateId: ref('Id'), Status: status }
        },
        ...Object.fromEntries(
          policies.map((Properties, index) => [`policy${index}`, { Type: 'AWS::IoT::Policy', Properties }])
        )
      }
    }))
}

const listOf = (text: fc.Arbitrary<Json>) => fc.array(text, { minLength: 1, maxLength: 2 })

/** Templates with every function, and with what only fleets have. */
export const functionTemplates = templatesOf(functionsOver(plain), functionsOver(existing), true)

/** Templates of references and texts alone. */
export const plainTemplates = templatesOf(
  { text: plain, list: listOf(plain) },
  { text: existing, list: listOf(existing) },
  false
)
