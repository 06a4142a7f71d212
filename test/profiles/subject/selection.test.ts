import { describe, expect, it } from 'vitest'
import { parseCertificationRequest } from '../../../src/pki/csr/certification-request.ts'
import { decodeCertificationRequest } from '../../../src/pki/csr/intake.ts'
import { tags } from '../../../src/pki/der/tag.ts'
import {
  encodeElement,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeString
} from '../../../src/pki/der/writer.ts'
import { attributeOid } from '../../../src/pki/name/attribute-type.ts'
import { compileProfile } from '../../../src/profiles/compiled-profile.ts'
import type { ProfileDocument } from '../../../src/profiles/document.ts'
import { selectSubject } from '../../../src/profiles/subject/selection.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { readFixture } from '../../pki/csr/csr-fixture.ts'
import { pointersOf, refusalOf } from '../../pki/refusal.ts'
import { makeDeviceKey, signCertificationRequest } from '../../support/certification-request.ts'

type Attribute = readonly [name: string, value: string, tag?: number]

const key = makeDeviceKey()

/** Each list of attributes is one RDN, however odd it is. */
function requestWith(...rdns: readonly (readonly Attribute[])[]) {
  const encode = ([name, value, tag = tags.utf8String]: Attribute) =>
    encodeSequence(encodeObjectIdentifier(attributeOid(name)!), encodeString(tag, value))
  const name = encodeSequence(...rdns.map(rdn => encodeSetOf(...rdn.map(encode))))
  return parseCertificationRequest(signCertificationRequest(name, key))
}

/** One attribute in each RDN. */
const request = (...attributes: readonly Attribute[]) => requestWith(...attributes.map(each => [each]))

const anonymous = { ...starterProfile }
delete anonymous.deviceIdentity
const profile = (changes: Partial<ProfileDocument>) =>
  compileProfile({
    ...anonymous,
    subject: { Country: { rule: 'allowed' }, CommonName: { rule: 'allowed' } },
    ...changes
  })

const drops = (...dropAttributes: readonly string[]) => profile({ dropAttributes: [...dropAttributes] })
const country: Attribute = ['Country', 'US', tags.printableString]
const commonName: Attribute = ['CommonName', 'SN-1']
const email: Attribute = ['emailAddress', 'line@example.com', tags.ia5String]
const subject = { Country: 'US', CommonName: 'SN-1' }

describe('an attribute that the profile drops', () => {
  it('is refused without that, with the way out', async () => {
    const error = await refusalOf(() =>
      selectSubject(profile({}), request(country, commonName, email).subject)
    )
    expect(error?.code).toBe('subject_refused')
    expect(pointersOf(error)).toEqual(['/subject/emailAddress'])
    expect(error?.violations[0]?.message).toMatch(/dropAttributes/)
  })

  const dropped: Readonly<Record<string, readonly [readonly string[], ReturnType<typeof request>]>> = {
    'an attribute that no certificate carries': [['emailAddress'], request(country, commonName, email)],
    'a field': [['Organization'], request(country, commonName, ['Organization', 'Widgits'])],
    'an attribute by its OID': [['1.2.3'], request(country, commonName, ['1.2.3', 'x'])],
    'two of them': [
      ['emailAddress', 'Organization'],
      request(country, ['Organization', 'Widgits'], commonName, email)
    ],
    'one that occurs twice': [['emailAddress'], request(country, commonName, email, email)],
    'one of another string type': [
      ['emailAddress'],
      request(country, commonName, ['emailAddress', 'a', 0x1e])
    ],
    'one that is no text': [['Organization'], request(country, commonName, ['Organization', 'a\0b'])],
    'one without a length that X.520 allows': [
      ['Organization'],
      request(country, commonName, ['Organization', 'a'.repeat(200)])
    ],
    'one that shares an RDN': [['emailAddress'], requestWith([country], [commonName, email])]
  }

  it.each(Object.entries(dropped))('is left out: %s', (_, [names, { subject: attributes }]) => {
    const selected = selectSubject(drops(...names), attributes)
    expect(selected.subject).toEqual(subject)
    expect(selected.notes).toMatchObject(
      attributes
        .map(({ name }) => name)
        .filter((name, index, all) => names.includes(name) && all.indexOf(name) === index)
        .map(name => ({ code: 'attribute_dropped', pointer: `/subject/${name}` }))
    )
    expect(selected.notes).toHaveLength(names.length)
  })

  it('is not told of when the CSR has none', () => {
    expect(selectSubject(drops('emailAddress'), request(country, commonName).subject)).toEqual({
      subject,
      notes: []
    })
  })

  it('makes room for a fixed value', () => {
    const fixed = profile({
      subject: { ...profileSubject, Organization: { rule: 'fixed', value: 'Acme' } },
      dropAttributes: ['Organization']
    })
    const sent = request(country, ['Organization', 'Internet Widgits Pty Ltd'], commonName)
    expect(selectSubject(fixed, sent.subject).subject).toEqual({ ...subject, Organization: 'Acme' })
  })

  it('hides no fault of what is kept', async () => {
    const sent = requestWith([country, ['SerialNumber', '7', tags.printableString]], [commonName, email])
    const error = await refusalOf(() =>
      selectSubject(
        profile({
          subject: { ...profileSubject, SerialNumber: { rule: 'allowed' } },
          dropAttributes: ['emailAddress']
        }),
        sent.subject
      )
    )
    // In the order of a SET, SerialNumber comes first.
    expect(pointersOf(error)).toEqual(['/subject/Country'])
  })
})

const profileSubject = { Country: { rule: 'allowed' }, CommonName: { rule: 'allowed' } } as const

describe('an attribute that occurs more than once', () => {
  const messageOf = async (attributes: readonly Attribute[], changes: Partial<ProfileDocument> = {}) => {
    const error = await refusalOf(() => selectSubject(profile(changes), request(...attributes).subject))
    expect(error?.code).toBe('subject_refused')
    expect(error?.violations).toHaveLength(1)
    return error?.violations[0]?.message
  }

  it('is to be left once where the profile takes it', async () => {
    expect(await messageOf([country, commonName, ['CommonName', 'SN-2']])).toMatch(/Leave one\./)
  })

  it.each<[string, readonly Attribute[], Partial<ProfileDocument>]>([
    ['of a type that no certificate carries', [country, commonName, email, email], {}],
    ['of a field without a rule', [country, commonName, ['Locality', 'Bern'], ['Locality', 'Biel']], {}],
    [
      'of a field that is forbidden',
      [country, commonName, ['Locality', 'Bern'], ['Locality', 'Biel']],
      { subject: { ...profileSubject, Locality: { rule: 'forbidden' } } }
    ]
  ])('is to be left out altogether, %s', async (_, attributes, changes) => {
    expect(await messageOf(attributes, changes)).toMatch(/Leave all 2 of them out/)
  })
})

interface Given {
  readonly rules: ProfileDocument['subject']
  readonly attribute: Attribute
}

describe('a value that is nearly the right one', () => {
  it.each<[string, Given, string]>([
    [
      'of a list, in the other case',
      { rules: { Country: { rule: 'required', values: ['US', 'DE'] } }, attribute: ['Country', 'de', 0x13] },
      'DE'
    ],
    [
      'of a pattern, in the other case',
      { rules: { Country: { rule: 'required', pattern: '[A-Z]{2}' } }, attribute: ['Country', 'de', 0x13] },
      'DE'
    ],
    [
      'fixed, in the other case',
      { rules: { Country: { rule: 'fixed', value: 'DE' } }, attribute: ['Country', 'De', 0x13] },
      'DE'
    ],
    [
      'of a pattern in small letters',
      { rules: { CommonName: { rule: 'allowed', pattern: 'sn-[0-9]' } }, attribute: ['CommonName', 'SN-1'] },
      'sn-1'
    ],
    [
      'of a list, in mixed case',
      { rules: { CommonName: { rule: 'allowed', values: ['Sn-1'] } }, attribute: ['CommonName', 'SN-1'] },
      'Sn-1'
    ],
    [
      'of a list, decomposed',
      {
        rules: { CommonName: { rule: 'allowed', values: ['Müller'] } },
        attribute: ['CommonName', 'Mu\u0308ller']
      },
      'Müller'
    ]
  ])('%s, is told as that', async (_, { rules, attribute }, nearest) => {
    const changed = profile({ subject: { ...profileSubject, ...rules } })
    const others = [country, commonName].filter(([name]) => name !== attribute[0])
    const error = await refusalOf(() => selectSubject(changed, request(attribute, ...others).subject))
    expect(pointersOf(error)).toEqual([`/subject/${attribute[0]}`])
    expect(error?.violations[0]?.message).toContain(`write "${nearest}"`)
  })

  it('is not made up', async () => {
    const changed = profile({ subject: { ...profileSubject, Country: { rule: 'required', values: ['US'] } } })
    const error = await refusalOf(() =>
      selectSubject(changed, request(['Country', 'de', 0x13], commonName).subject)
    )
    expect(error?.violations[0]?.message).not.toMatch(/write/)
  })
})

describe('an empty subject', () => {
  const { subject: nothing } = parseCertificationRequest(
    decodeCertificationRequest(readFixture('empty-subject.der'))
  )
  const open = { ...profile({}), templateFields: new Set<never>() }

  it('is refused, whatever the rules allow', async () => {
    for (const attributes of [nothing, request(email).subject]) {
      const policy = { ...open, droppedOids: new Set([attributeOid('emailAddress')!]) }
      const error = await refusalOf(() => selectSubject(policy, attributes))
      expect(error?.code).toBe('subject_refused')
      expect(pointersOf(error)).toEqual(['/subject'])
    }
  })

  it('is filled by a fixed value', () => {
    const rules = compileProfile({
      ...anonymous,
      subject: { CommonName: { rule: 'fixed', value: 'x' }, Country: { rule: 'fixed', value: 'US' } }
    })
    expect(selectSubject(rules, nothing).subject).toEqual({ CommonName: 'x', Country: 'US' })
  })
})

describe('a value that looks like another', () => {
  const lookalike: Attribute = ['CommonName', 'S\u039d-1']

  it('passes with a note', () => {
    const { subject: selected, notes } = selectSubject(profile({}), request(country, lookalike).subject)
    expect(selected).toEqual({ ...subject, CommonName: 'S\u039d-1' })
    expect(notes).toMatchObject([{ code: 'lookalike', pointer: '/subject/CommonName' }])
  })

  it('is refused where the profile says so', async () => {
    const error = await refusalOf(() =>
      selectSubject(profile({ lookalikes: 'refuse' }), request(country, lookalike).subject)
    )
    expect(error?.code).toBe('subject_refused')
    expect(pointersOf(error)).toEqual(['/subject/CommonName'])
  })

  it('is never looked for among dropped ones', () => {
    const sent = request(country, commonName, ['Organization', 'Acm\u0435'])
    const strict = profile({ lookalikes: 'refuse', dropAttributes: ['Organization'] })
    expect(selectSubject(strict, sent.subject).subject).toEqual(subject)
  })

  it('is not what 0 and O, 1 and l are', () => {
    const strict = profile({ lookalikes: 'refuse' })
    for (const value of ['SN-0O1l', 'SN-OO1I']) {
      const { notes } = selectSubject(strict, request(country, ['CommonName', value]).subject)
      expect(notes).toEqual([])
    }
  })
})

describe('an attribute without a string', () => {
  it('is told by its type', async () => {
    const name = encodeSequence(
      encodeSetOf(encodeSequence(encodeObjectIdentifier('1.2.3'), encodeElement(tags.null)))
    )
    const { subject: attributes } = parseCertificationRequest(signCertificationRequest(name, key))
    const error = await refusalOf(() => selectSubject(profile({}), attributes))
    expect(error?.violations[0]).toMatchObject({ pointer: '/subject/1.2.3', found: 'NULL' })
  })
})
