import { describe, expect, it } from 'vitest'
import {
  assertSubjectReadable,
  parseCertificationRequest
} from '../../../src/pki/csr/certification-request.ts'
import { createDerRefusal, DerReader } from '../../../src/pki/der/reader.ts'
import { findInvisibleCharacter } from '../../../src/pki/name/directory-string.ts'
import { buildName, encodingViolations, parseName, subjectOf } from '../../../src/pki/name/name.ts'
import type { Subject, SubjectField } from '../../../src/pki/name/subject-field.ts'
import { readFixture } from '../csr/csr-fixture.ts'
import { type DerNode, editDer, nodeAt, readNode } from '../der/der-edit.ts'
import { pointersOf, refusalOf } from '../refusal.ts'

const csr = readFixture('openssl-p521.der')
const commonNameValue = [0, 1, 2, 0, 1]

function value(tag: number, content: Uint8Array | string): Uint8Array {
  return editDer(csr, commonNameValue, () => ({ tag, content: Buffer.from(content) }))
}

function withRdns(edit: (rdns: readonly DerNode[]) => readonly DerNode[]): Uint8Array {
  return editDer(csr, [0, 1], ({ tag, children = [] }) => ({ tag, children: edit(children) }))
}

const commonName = nodeAt(readNode(csr), [0, 1, 2])
const country = nodeAt(readNode(csr), [0, 1, 0])

const refused: Readonly<Record<string, readonly [readonly string[], Uint8Array]>> = {
  'a BMPString': [['/subject/CommonName'], value(0x1e, Uint8Array.of(0, 0x41))],
  'a T61String': [['/subject/CommonName'], value(0x14, 'A')],
  'a UniversalString': [['/subject/CommonName'], value(0x1c, Uint8Array.of(0, 0, 0, 0x41))],
  'a NumericString': [['/subject/CommonName'], value(0x12, '1')],
  'a VisibleString': [['/subject/CommonName'], value(0x1a, 'A')],
  'an IA5String in CommonName': [['/subject/CommonName'], value(0x16, 'A')],
  'an OCTET STRING': [['/subject/CommonName'], value(0x04, 'A')],
  'an INTEGER': [['/subject/CommonName'], value(0x02, Uint8Array.of(7))],
  'invalid UTF-8': [['/subject/CommonName'], value(0x0c, Uint8Array.of(0xc3, 0x28))],
  'overlong UTF-8': [['/subject/CommonName'], value(0x0c, Uint8Array.of(0xc0, 0x80))],
  'a surrogate in UTF-8': [['/subject/CommonName'], value(0x0c, Uint8Array.of(0xed, 0xa0, 0x80))],
  'a NUL character': [['/subject/CommonName'], value(0x0c, 'device\0.example.com')],
  'a NUL in a PrintableString': [['/subject/CommonName'], value(0x13, 'device\0')],
  'a line feed': [['/subject/CommonName'], value(0x0c, 'device\n0001')],
  'a delete character': [['/subject/CommonName'], value(0x0c, 'device\x7f')],
  'a right-to-left override': [['/subject/CommonName'], value(0x0c, 'device\u202e1000')],
  'a byte order mark': [['/subject/CommonName'], value(0x0c, '\ufeffdevice')],
  'a combining grapheme joiner': [['/subject/CommonName'], value(0x0c, 'SN\u034f-1')],
  'a variation selector': [['/subject/CommonName'], value(0x0c, 'SN-1\ufe0f')],
  'a supplementary variation selector': [['/subject/CommonName'], value(0x0c, 'SN-1\u{e0100}')],
  'a Hangul filler': [['/subject/CommonName'], value(0x0c, 'SN\u3164')],
  'a halfwidth Hangul filler': [['/subject/CommonName'], value(0x0c, 'SN\uffa0')],
  'a Hangul choseong filler': [['/subject/CommonName'], value(0x0c, 'SN\u115f')],
  'a braille blank': [['/subject/CommonName'], value(0x0c, 'SN\u2800')],
  'a null notehead': [['/subject/CommonName'], value(0x0c, 'SN\u{1d159}')],
  'a tag character': [['/subject/CommonName'], value(0x0c, 'SN\u{e0041}')],
  'a character of private use': [['/subject/CommonName'], value(0x0c, 'SN\ue000')],
  'a character of private use in plane 16': [['/subject/CommonName'], value(0x0c, 'SN\u{10fffd}')],
  'an unassigned character': [['/subject/CommonName'], value(0x0c, 'SN\u0378')],
  'a noncharacter': [['/subject/CommonName'], value(0x0c, 'SN\uffff')],
  'a noncharacter in the middle': [['/subject/CommonName'], value(0x0c, 'SN\ufdd0')],
  'a replacement character': [['/subject/CommonName'], value(0x0c, 'SN\ufffd')],
  'a no-break space': [['/subject/CommonName'], value(0x0c, 'SN\u00a01')],
  'an ideographic space': [['/subject/CommonName'], value(0x0c, 'SN\u30001')],
  'a soft hyphen': [['/subject/CommonName'], value(0x0c, 'SN\u00ad1')],
  'an underscore in a PrintableString': [['/subject/CommonName'], value(0x13, 'device_1')],
  'a repeated attribute': [['/subject/CommonName'], withRdns(rdns => [...rdns, commonName])],
  'a multi-valued RDN': [
    ['/subject/CommonName'],
    withRdns(([first, second]) => [first as DerNode, second as DerNode, { tag: 0x31, children: joined() }])
  ],
  'several faults at once': [
    ['/subject/Country', '/subject/CommonName', '/subject/1.2.3'],
    withRdns(([first, second, third]) => [
      first as DerNode,
      country,
      second as DerNode,
      editNode(third as DerNode, { tag: 0x1e, content: Uint8Array.of(0, 0x41) }),
      {
        tag: 0x31,
        children: [{ tag: 0x30, children: [{ tag: 0x06, content: Uint8Array.of(0x2a, 3) }, { tag: 0x05 }] }]
      }
    ])
  ]
}

/** serialNumber and CommonName as one RDN, in DER order. */
function joined(): readonly DerNode[] {
  const serialNumber: DerNode = {
    tag: 0x30,
    children: [
      { tag: 0x06, content: Uint8Array.of(0x55, 4, 5) },
      { tag: 0x13, content: Uint8Array.of(0x37) }
    ]
  }
  return [serialNumber, ...(commonName.children ?? [])]
}

function editNode(rdn: DerNode, newValue: DerNode): DerNode {
  const type = nodeAt(rdn, [0, 0])
  return { tag: 0x31, children: [{ tag: 0x30, children: [type, newValue] }] }
}

describe('the subject of a CSR', () => {
  it.each(Object.entries(refused))('with %s is refused', async (_, [pointers, der]) => {
    const error = await refusalOf(() => assertSubjectReadable(parseCertificationRequest(der)))
    expect(error?.code).toBe('subject_refused')
    expect(pointersOf(error)).toEqual(pointers)
  })

  it('keeps the attributes that no certificate can carry, with a readable name', () => {
    const unknown = {
      tag: 0x31,
      children: [
        {
          tag: 0x30,
          children: [
            { tag: 0x06, content: Uint8Array.of(0x2a, 3) },
            { tag: 0x0c, content: Buffer.from('x') }
          ]
        }
      ]
    }
    const { subject } = parseCertificationRequest(withRdns(rdns => [...rdns, unknown]))
    expect(subject.at(-1)).toEqual({ oid: '1.2.3', name: '1.2.3', field: undefined, value: 'x', tag: 0x0c })
  })

  it('may be empty; the profile decides', () => {
    expect(parseCertificationRequest(withRdns(() => [])).subject).toEqual([])
  })
})

const lengths: readonly (readonly [SubjectField, number, number])[] = [
  ['Country', 2, 2],
  ['StateName', 1, 128],
  ['Locality', 1, 128],
  ['Organization', 1, 64],
  ['OrganizationalUnit', 1, 64],
  ['DistinguishedNameQualifier', 1, 128],
  ['CommonName', 1, 64],
  ['SerialNumber', 1, 64]
]

describe('a subject field', () => {
  it.each(lengths)('%s holds %i to %i characters', (field, minimum, maximum) => {
    const pointers = (length: number): readonly string[] =>
      encodingViolations(field, 'A'.repeat(length)).map(({ pointer }) => pointer)
    expect([minimum, maximum].flatMap(pointers)).toEqual([])
    expect(pointers(minimum - 1)).toEqual([`/subject/${field}`])
    expect(pointers(maximum + 1)).toEqual([`/subject/${field}`])
  })

  it('counts characters, not bytes or UTF-16 units', () => {
    expect(encodingViolations('CommonName', '😀'.repeat(64))).toEqual([])
    expect(encodingViolations('CommonName', '😀'.repeat(65))).toHaveLength(1)
  })

  const unencodable: readonly (readonly [SubjectField, string])[] = [
    ['Country', 'D1'],
    ['Country', 'Дя'],
    ['SerialNumber', 'SN_7'],
    ['SerialNumber', 'größe'],
    ['DistinguishedNameQualifier', 'a@b'],
    ['CommonName', 'a\0b'],
    ['CommonName', '\ud800'],
    ['Organization', 'a\u2028b'],
    ['Organization', 'a\u3164b'],
    ['Organization', 'a\u2800b'],
    ['StateName', 'a\u00a0b'],
    ['OrganizationalUnit', 'a\u{e01ef}b'],
    ['Locality', 'a\u200fb']
  ]
  it.each(unencodable)('%s cannot hold %j', (field, value) => {
    expect(encodingViolations(field, value).map(({ pointer }) => pointer)).toEqual([`/subject/${field}`])
  })
})

describe('visible characters', () => {
  // Assigned, not ignored by default, no private use, no space: what every writing of a name may need.
  it.each([
    'Müller',
    'Ångström',
    '東京都',
    'Завод № 7',
    'مصنع',
    'कारखाना',
    '공장',
    'ქარხანა',
    'm²',
    '😀',
    'A&B (C) – D/E'
  ])('%s stay allowed', text => {
    expect(encodingViolations('Organization', text)).toEqual([])
    expect(encodingViolations('Organization', text.normalize('NFD'))).toEqual([])
  })

  it('are all that passes: nothing without a look of its own does', () => {
    const passed: string[] = []
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code)
      if (findInvisibleCharacter(character) !== undefined || character === ' ') continue
      if (/[\p{C}\p{Z}\p{DI}]/u.test(character)) passed.push(code.toString(16))
    }
    expect(passed).toEqual([])
  })
})

describe('a Name', () => {
  const whole: Subject = {
    SerialNumber: 'SN:7',
    CommonName: 'Gerät 7',
    DistinguishedNameQualifier: 'q',
    OrganizationalUnit: 'Line 7',
    Organization: 'Acme',
    Locality: 'Toulouse',
    StateName: 'Occitanie',
    Country: 'FR'
  }
  const read = (der: Uint8Array): ReturnType<typeof parseName> =>
    parseName(new DerReader(der, createDerRefusal('internal_error', 'name')), 'the name')

  it('has a fixed order and the string types of RFC 5280, whatever the order given', () => {
    const { attributes, violations } = read(buildName(whole))
    expect(violations).toEqual([])
    expect(attributes.map(({ oid, tag }) => [oid, tag])).toEqual([
      ['2.5.4.6', 0x13],
      ['2.5.4.8', 0x0c],
      ['2.5.4.7', 0x0c],
      ['2.5.4.10', 0x0c],
      ['2.5.4.11', 0x0c],
      ['2.5.4.46', 0x13],
      ['2.5.4.3', 0x0c],
      ['2.5.4.5', 0x13]
    ])
  })

  it('reads back as the subject it was built from', () => {
    expect(subjectOf(read(buildName(whole)))).toEqual(whole)
    expect(subjectOf(read(buildName({})))).toEqual({})
  })

  it('is not built from values that do not fit; all are told', async () => {
    const error = await refusalOf(() => buildName({ CommonName: '', Country: 'DEU', SerialNumber: '_' }))
    expect(error?.code).toBe('subject_refused')
    expect(pointersOf(error)).toEqual(['/subject/Country', '/subject/CommonName', '/subject/SerialNumber'])
  })
})
