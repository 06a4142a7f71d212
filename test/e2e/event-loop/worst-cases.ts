import { sign } from 'node:crypto'
import { encodeBitString, encodeElement, encodeSequence } from '../../../src/pki/der/writer.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { type Json, ref, templateOf } from '../../jitp/template-cases.ts'
import { makeDeviceKey } from '../../support/certification-request.ts'
import type { Asked } from './meter.ts'

/** A request that once cost much, or that costs as much as its kind can; never a status of 5xx. */
export type WorstCase = readonly [name: string, asked: Asked]

const profilesPath = '/v1/profiles'
const json = { 'content-type': 'application/json' }
const rangeOf = <Item>(length: number, item: (index: number) => Item) =>
  Array.from({ length }, (_, index) => item(index))
const fill = (unit: string, length: number) => unit.repeat(Math.floor(length / unit.length))
const listOf = (length: number, item: string) => `[${Array<string>(length).fill(item).join()}]`

function profile(changes: object): Asked {
  return {
    path: profilesPath,
    headers: json,
    body: JSON.stringify({ ...starterProfile, name: 'worst', ...changes })
  }
}

const withTemplate = (template: Json, functions = 'accept') => profile({ template, jitp: { functions } })
const withPolicy = (document: string) => withTemplate(templateOf({ policy: { PolicyDocument: document } }))
const withBody = (templateBody: string) =>
  profile({
    template: undefined,
    registrationConfig: { templateBody, roleArn: 'arn:aws:iam::210987654321:role/r' }
  })
const withRule = (rule: object) =>
  profile({ subject: { ...starterProfile.subject, CommonName: { rule: 'required', ...rule } } })

function nested(depth: number, uses: number): Json {
  if (depth === 0) return ref('CommonName')
  return { 'Fn::Sub': ['${a}'.repeat(uses), { a: nested(depth - 1, uses) }] }
}

function layered(text: string): string {
  const outer = JSON.stringify(text)
  return outer.length < 160_000 ? layered(outer) : text
}

const named = (thingName: Json) => templateOf({ thing: { ThingName: thingName } })
const resources = (members: Record<string, Json>): Json => ({ Resources: members })

export const templateCases: readonly WorstCase[] = [
  ['Fn::Sub 8 deep with 9 uses', withTemplate(named(nested(8, 9)))],
  ['Fn::Sub 8 deep with 9 uses, functions refused', withTemplate(named(nested(8, 9)), 'refuse')],
  ['Fn::Sub 6 deep with 16 uses, functions refused', withTemplate(named(nested(6, 16)), 'refuse')],
  ['Fn::Sub 12 deep with 300 uses', withTemplate(named(nested(12, 300)))],
  [
    'names that nothing declares',
    withTemplate(named({ 'Fn::Sub': rangeOf(4900, index => `\${b${index}}`).join('') }))
  ],
  [
    'parameters',
    withTemplate({ Parameters: Object.fromEntries(rangeOf(4000, index => [`CommonN${index}`, {}])) })
  ],
  ['resources', withTemplate(resources(Object.fromEntries(rangeOf(7000, index => [`r${index}`, 1]))))],
  [
    'policies',
    withTemplate(
      resources(
        Object.fromEntries(
          rangeOf(700, index => [
            `r${index}`,
            { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument: '{}' } }
          ])
        )
      )
    )
  ],
  [
    'attributes',
    withTemplate(
      templateOf({
        thing: { AttributePayload: Object.fromEntries(rangeOf(6000, index => [`a ${index}`, ' '])) }
      })
    )
  ],
  ['placeholders in a policy', withPolicy(`{"Statement":"${fill('<a>', 8000)}"}`)],
  ['statements of a policy', withPolicy(`{"Statement":${listOf(4000, '1')}}`)],
  ['quotes in a policy', withPolicy(fill('["{ ', 60_000))],
  [
    'references in a policy object',
    withTemplate(templateOf({ policy: { PolicyDocument: { a: rangeOf(4000, () => ({ Ref: 1 })) } } }))
  ],
  ['a body of one string', withBody(`"${fill('a', 160_000)}"`)],
  ['a body of escapes', withBody(`"${fill('\\n', 160_000)}"`)],
  ['a body with a long name', withBody(`{"${fill('a', 60_000)}":${listOf(9900, '0')}}`)],
  ['a body of members, a line each', withBody(`{${rangeOf(9000, index => `"${index}":1`).join(',\n')}}`)],
  ['a body of comments', withBody(`${fill('/**/', 160_000)}{}`)],
  ['a body escaped again and again', withBody(layered(JSON.stringify({ Resources: 'x'.repeat(70_000) })))],
  ...['"{ ', '["{ ', '{"a":"{ ', '"{ }x"x', '["{ "a":"b",', '[“{ '].map(
    unit => [`a body of ${unit}`, withBody(`[${fill(unit, 160_000)}`)] as const
  )
]

export const jsonCases: readonly WorstCase[] = [
  ...['/v1/profiles', '/v1/tokens', '/v1/authorities', '/v1/nothing'].flatMap(path =>
    (
      [
        ['lists', listOf(87_000, '[]')],
        ['numbers', listOf(130_000, '0')],
        ['lists, as many as are let in', listOf(8_000, '[]')],
        ['members', `{${rangeOf(8_000, index => `"${index}":{}`).join()}}`],
        ['depth', `${fill('[', 8_000)}${fill(']', 8_000)}`],
        ['objects within objects', `${fill('{"a":', 60_000)}1${fill('}', 12_000)}`]
      ] as const
    ).map(([name, body]) => [`${name} to ${path}`, { path, headers: json, body }] as const)
  ),
  ['unknown members', profile(Object.fromEntries(rangeOf(8_000, index => [`x${index}`, {}])))],
  ['values', withRule({ values: Array(15_000).fill(1) })],
  [
    'values that are as many as may be',
    withRule({ values: rangeOf(1_000, index => `${'v'.repeat(100)}${index}`) })
  ],
  ['lists where unique items are wanted', profile({ extendedKeyUsage: rangeOf(7_000, index => [index]) })],
  ['attributes to drop', profile({ dropAttributes: rangeOf(15_000, index => `1.2.${index}`) })],
  ...[
    '((((a{1,9}){1,9}){1,9}){1,9}){1,9}',
    '(x+x+)+y',
    '(\\p{L}{1,30}){1,30}',
    '\\pL{1000}',
    '(a|b|ab)*'.repeat(50)
  ].map(pattern => [`the pattern ${pattern.slice(0, 40)}`, withRule({ pattern })] as const),
  [
    'a long name of a token',
    {
      path: '/v1/tokens',
      headers: json,
      body: JSON.stringify({ role: 'station', name: fill('a.-', 200_000) })
    }
  ]
]

const key = makeDeviceKey()
const oid = (last: number) => encodeElement(0x06, Uint8Array.of(0x55, 4, last))
const text = (value: string) => encodeElement(0x0c, Buffer.from(value))
const relativeName = (type: number, value: string) =>
  encodeElement(0x31, encodeSequence(oid(type), text(value)))

function csr(
  relativeNames: readonly Uint8Array[],
  attributes: readonly Uint8Array[] = [],
  spkiDer = key.spkiDer
): Asked {
  const info = encodeSequence(
    encodeElement(0x02, Uint8Array.of(0)),
    encodeSequence(...relativeNames),
    spkiDer,
    encodeElement(0xa0, ...attributes)
  )
  const algorithm = encodeSequence(encodeElement(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
  const signature = encodeBitString(sign('sha256', info, key.privateKey))
  return postCsr(encodeSequence(info, algorithm, signature))
}

function postCsr(body: string | Uint8Array): Asked {
  const headers = { 'content-type': 'application/pkcs10' }
  return { path: '/v1/issuances?profile=starter', role: 'station', headers, body }
}

function deep(levels: number): Uint8Array {
  let der = Uint8Array.of(5, 0)
  for (let level = 0; level < levels; level++) der = Uint8Array.from(encodeSequence(der))
  return der
}

const device = [
  encodeElement(0x31, encodeSequence(oid(6), encodeElement(0x13, Buffer.from('US')))),
  relativeName(3, 'worst')
]
const attribute = (...values: Uint8Array[]) => encodeSequence(oid(3), encodeElement(0x31, ...values))

function rsaKey(octets: number): Uint8Array {
  const modulus = encodeElement(0x02, Uint8Array.of(0), new Uint8Array(octets).fill(0xff))
  const exponent = encodeElement(0x02, Uint8Array.of(0), new Uint8Array(octets - 1).fill(0xff))
  const algorithm = encodeSequence(
    encodeElement(0x06, Buffer.from('2a864886f70d010101', 'hex')),
    encodeElement(0x05)
  )
  return encodeSequence(algorithm, encodeBitString(encodeSequence(modulus, exponent)))
}

export const csrCases: readonly WorstCase[] = [
  ['names', csr(rangeOf(1_200, () => relativeName(3, 'a')))],
  ['names of unknown types', csr(rangeOf(1_000, index => relativeName(100 + (index % 20), 'a')))],
  ['a long name', csr([relativeName(3, 'a'.repeat(15_000))])],
  ['marks above marks', csr([relativeName(3, '\u0301\u0316'.repeat(3_700))])],
  ['letters that look Latin', csr([relativeName(3, '\u0430'.repeat(7_000))])],
  ['sets of nothing', csr(rangeOf(3_000, () => encodeElement(0x31)))],
  [
    'an arc of a type without end',
    csr([encodeElement(0x31, encodeSequence(encodeElement(0x06, new Uint8Array(15_000).fill(0xff))))])
  ],
  [
    'attributes',
    csr(
      device,
      rangeOf(900, () => attribute(encodeElement(0x05)))
    )
  ],
  ['depth of an attribute', csr(device, [attribute(deep(3_000))])],
  [
    'names of an extension',
    csr(device, [attribute(encodeSequence(...rangeOf(2_500, () => encodeElement(0x82, Buffer.from('a.b')))))])
  ],
  [
    'values of an attribute, unsorted',
    csr(device, [
      attribute(...rangeOf(4_900, index => encodeElement(0x04, Uint8Array.of(255 - (index % 256)))))
    ])
  ],
  ...[256, 512, 7_500].map(
    octets => [`an RSA key of ${octets} octets twice`, csr(device, [], rsaKey(octets))] as const
  ),
  ...[
    '-----BEGIN CERTIFICATE REQUEST-----\n',
    '-----BEGIN ',
    '-',
    'A',
    ' ',
    '\r\n',
    '=',
    '%41',
    '-----END ',
    '\0',
    '<a>',
    'Proc-Type: 4\n',
    '-----BEGIN A-----'
  ].flatMap(
    unit =>
      [
        [`a CSR of ${JSON.stringify(unit)}`, postCsr(fill(unit, 24_000))],
        [`a long CSR of ${JSON.stringify(unit)}`, postCsr(fill(unit, 65_000))],
        [
          `a certificate of ${JSON.stringify(unit)}`,
          {
            path: '/v1/profiles/starter/preview',
            headers: { 'content-type': 'application/pkix-cert' },
            body: fill(unit, 65_000)
          }
        ]
      ] as const
  ),
  ...[0, 0x30, 0x31, 0x80, 0xff].map(
    octet => [`a CSR of octets ${octet}`, postCsr(new Uint8Array(24_000).fill(octet))] as const
  )
]

/** In which a private key is looked for, and there is none that could be read. */
const keyTexts: readonly (readonly [name: string, unit: string])[] = [
  ['dashes behind a mark', `BEGIN PRIVATE KEY\n${'-'.repeat(25_000)}x`],
  ['marks with dashes', `x\nBEGIN PRIVATE KEY${'-'.repeat(1_000)}`],
  ['marks with other dashes', `x\nBEGIN PRIVATE KEY\n${'\u2010'.repeat(1_000)}`],
  ['marks', '-----BEGIN PRIVATE KEY-----\n'],
  ['blocks of nothing', `-----BEGIN PRIVATE KEY-----\n${'QUJD'.repeat(8)}\n-----END PRIVATE KEY-----\n`],
  ['XML', '<RSAKeyValue>'],
  ['PuTTY', 'PuTTY-User-Key-File-2: x\nPublic-Lines: 1\n'],
  ['runs of base64', `M${'A'.repeat(60)}:`],
  ['certificates', `-----BEGIN CERTIFICATE-----\n${'MIIB'.repeat(14)}\n-----END CERTIFICATE-----\n`],
  ['escapes', '\\\\n%41']
]

export const keyCases: readonly WorstCase[] = keyTexts.flatMap(([name, unit]) => {
  const file = { 'content-type': 'application/pkcs10' }
  return [
    [
      `${name} as a CSR`,
      { path: '/v1/issuances?profile=starter', role: 'station', headers: file, body: fill(unit, 65_000) }
    ],
    [
      `${name} in JSON`,
      {
        path: '/v1/profiles/starter/preview',
        role: 'station',
        headers: json,
        body: JSON.stringify({ csr: fill(unit, 30_000) })
      }
    ],
    [
      `${name} as a chain`,
      {
        path: '/v1/authorities/worst-g1/certificate',
        headers: json,
        body: JSON.stringify({ chain: fill(unit, 230_000), reason: 'x' })
      }
    ]
  ] as const
})

export const requestCases: readonly WorstCase[] = [
  ...[
    'serialNumber=' + fill('aa:', 9_000),
    `from=${fill('1', 5_000)}`,
    rangeOf(2_000, index => `a${index}=`).join('&'),
    'limit=200',
    'limit=200&outcome=rejected'
  ].map(
    query => [`the query ${query.slice(0, 30)}`, { path: `/v1/issuances?${query}`, role: 'auditor' }] as const
  ),
  ['a long path', { path: `/v1${fill('/a', 14_000)}` }],
  ['an escaped path', { path: `/v1/${fill('%41', 14_000)}` }],
  [
    'media types that are accepted',
    { path: '/v1/issuances', role: 'auditor', headers: { accept: fill('a/b;q=0.1,', 14_000) } }
  ],
  ...[
    '-----BEGIN CERTIFICATE-----',
    '-----BEGIN CERTIFICATE-----\nAAAA\n',
    '-----END CERTIFICATE-----',
    'A'
  ].map(
    unit =>
      [
        `a chain of ${JSON.stringify(unit)}`,
        {
          path: '/v1/authorities/worst-g1/certificate',
          headers: json,
          body: JSON.stringify({ chain: fill(unit, 230_000), reason: 'x' })
        }
      ] as const
  )
]
