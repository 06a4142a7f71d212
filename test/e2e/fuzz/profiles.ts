import fc from 'fast-check'
import { subjectFields } from '../../../src/pki/name/subject-field.ts'
import { connectDocument, type Json, ref, templateOf } from '../../jitp/template-cases.ts'

const oftenNot = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const oftenThere = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.option(arbitrary, { nil: undefined, freq: 2 })
const anyOf = <Value>(values: readonly Value[], minLength = 1) =>
  fc.subarray([...values], { minLength, maxLength: values.length })

const text = fc.constantFrom(
  'US',
  'device-1',
  'v1',
  '',
  ' ',
  'a b',
  '\u00e4',
  'x'.repeat(129),
  '${cn}',
  '*',
  'a/b'
)
const parameterNames = [
  'Country',
  'Organization',
  'OrganizationalUnit',
  'StateName',
  'CommonName',
  'SerialNumber',
  'Id'
]

const { any: expression } = fc.letrec<{ any: Json }>(tie => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: fc.constantFrom(...parameterNames).map(ref) },
    { weight: 2, arbitrary: text },
    { weight: 1, arbitrary: fc.tuple(tie('any'), tie('any')).map(parts => ({ 'Fn::Join': ['-', parts] })) },
    {
      weight: 1,
      arbitrary: tie('any').map(part => ({
        'Fn::Sub': ['line-${cn}-${AWS::IoT::Certificate::CommonName}', { cn: part }]
      }))
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('0', '1', '9', 0), tie('any'))
        .map(([index, part]) => ({ 'Fn::Select': [index, { 'Fn::Split': ['-', part] }] }))
    },
    { weight: 1, arbitrary: tie('any').map(part => ({ 'Fn::FindInMap': ['places', part, 'name'] })) }
  )
}))

const template = fc
  .record({
    parameters: fc.oneof(
      {
        weight: 5,
        arbitrary: anyOf(parameterNames, 0).map(names => [...new Set([...names, 'CommonName', 'Id'])])
      },
      { weight: 1, arbitrary: anyOf(parameterNames, 0) }
    ),
    fallback: oftenNot(text),
    thingName: expression,
    attributes: fc.dictionary(
      fc.constantFrom('version', 'country', 'a-b', 'a:b', 'version', 'country', 'a-b', 'a b'),
      expression,
      { maxKeys: 2 }
    ),
    groups: oftenNot(fc.array(expression, { maxLength: 2 })),
    thingType: oftenNot(expression),
    status: fc.oneof(
      { weight: 8, arbitrary: fc.constant<Json>('ACTIVE') },
      {
        weight: 1,
        arbitrary: fc.constantFrom<Json>('INACTIVE', 'PENDING_ACTIVATION', 'active', ref('CommonName'))
      }
    ),
    policy: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Json>({ PolicyDocument: connectDocument() }) },
      { weight: 1, arbitrary: text.map(name => ({ PolicyName: name })) },
      { weight: 1, arbitrary: expression.map(name => ({ PolicyName: name })) }
    ),
    mappings: oftenNot(fc.constant(true))
  })
  .map(({ parameters, fallback, thingName, attributes, groups, thingType, status, policy, mappings }) => {
    const declared = parameters.map(name => [
      `AWS::IoT::Certificate::${name}`,
      { Type: 'String', ...(fallback !== undefined && { Default: fallback }) }
    ])
    return templateOf({
      thing: {
        ThingName: thingName,
        AttributePayload: attributes,
        ...(groups !== undefined && { ThingGroups: groups }),
        ...(thingType !== undefined && { ThingTypeName: thingType })
      },
      certificate: { CertificateId: ref('Id'), Status: status },
      policy,
      template: {
        Parameters: Object.fromEntries(declared) as Json,
        ...(mappings === true && {
          Mappings: { places: { US: { name: 'first' }, 'device-1': { name: 'second' } } }
        })
      }
    })
  })

const plainTemplate = fc.constantFrom(
  templateOf(),
  templateOf({ parameters: ['CommonName', 'Id', 'Country'] })
)

const narrowing = { pattern: oftenNot(fc.constantFrom('[A-Z]{2}', '.*', '[^-]*', 'device-[0-9]+')) }
const rule = fc.oneof(
  { weight: 3, arbitrary: fc.record({ rule: fc.constant('allowed'), ...narrowing }) },
  { weight: 1, arbitrary: fc.record({ rule: fc.constant('required'), ...narrowing }) },
  {
    weight: 1,
    arbitrary: fc.record({
      rule: fc.constant('allowed'),
      values: fc.constantFrom(['US'], ['US', 'AT'], ['US', 'device-1', 'Example Org'])
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      rule: fc.constant('fixed'),
      value: fc.constantFrom('US', 'device-1', 'x'.repeat(128), '\u00e4', 'a,b=c')
    })
  },
  { weight: 1, arbitrary: fc.record({ rule: fc.constant('forbidden') }) }
)

const issuerFirst = fc.constantFrom('refuse', 'shorten')
const minimumDays = oftenNot(fc.constantFrom(1, 3650, 36_500))
const usages = ['digitalSignature', 'nonRepudiation']
const validity = fc.oneof(
  fc.record({
    days: fc.constantFrom(1, 365, 3650, 36_500),
    whenIssuerExpiresFirst: issuerFirst,
    minimumDays
  }),
  fc.record({ notAfter: fc.constant('99991231235959Z'), whenIssuerExpiresFirst: issuerFirst, minimumDays })
)

/** Every switch of a profile in every position; some profiles are refused, as they should be. */
export const anyProfile = fc
  .record({
    template: fc.oneof({ weight: 1, arbitrary: plainTemplate }, { weight: 1, arbitrary: template }),
    serialNumberSource: fc.constantFrom(undefined, 'subject', 'certificate', 'subject', 'certificate'),
    jitp: oftenThere(
      fc.record({
        functions: fc.constantFrom('refuse', 'accept', 'accept', 'accept'),
        defaultsFillAbsentFields: fc.boolean(),
        subjectCharacters: fc.constantFrom('refuse', 'accept'),
        generatedPolicyName: fc.constantFrom('unknown', 'sha1-of-document'),
        undeclaredCertificateId: fc.constantFrom('refuse', 'accept')
      })
    ),
    subject: oftenThere(
      fc
        .array(fc.tuple(fc.constantFrom(...subjectFields), rule), { maxLength: 8 })
        .map(rules => ({ CommonName: { rule: 'required' }, ...Object.fromEntries(rules) }))
    ),
    dropAttributes: oftenNot(
      fc.oneof(
        { weight: 3, arbitrary: anyOf(['emailAddress', 'title', 'domainComponent', '1.3.6.1.4.1.55555.1']) },
        { weight: 1, arbitrary: anyOf(['emailAddress', 'Organization', 'CommonName']) }
      )
    ),
    lookalikes: oftenNot(fc.constantFrom('warn', 'refuse')),
    deviceIdentity: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(undefined, ['CommonName']) },
      { weight: 1, arbitrary: anyOf(['CommonName', 'SerialNumber', 'Organization']) }
    ),
    keys: oftenThere(
      fc.constantFrom(
        { ec: { curves: ['P-256', 'P-384', 'P-521'] } },
        { rsa: { minimumBits: 2048, maximumBits: 4096 } },
        { ec: { curves: ['P-256'] }, rsa: { minimumBits: 3072, maximumBits: 3072 } }
      )
    ),
    validity: oftenThere(validity),
    backdateMinutes: oftenNot(fc.constantFrom(0, 60, 10_080)),
    keyUsage: oftenNot(
      fc.oneof(
        { weight: 3, arbitrary: anyOf(usages) },
        { weight: 1, arbitrary: anyOf([...usages, 'keyEncipherment', 'keyAgreement']) }
      )
    ),
    extendedKeyUsage: oftenNot(anyOf(['clientAuth', 'serverAuth', 'codeSigning', 'emailProtection']))
  })
  .map(document => ({ authority: 'starter', ...document }))
