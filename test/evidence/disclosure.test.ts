import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  assembleDisclosure,
  decodeDisclosure,
  type Disclosure,
  encodeDisclosure,
  encodeFields
} from '../../src/evidence/disclosure.ts'
import { entryOf, parseEntry } from '../../src/evidence/entry.ts'
import type { FieldType } from '../../src/evidence/field.ts'
import { type FieldsOf, fieldsOf, type Kind, kinds } from '../../src/evidence/kinds.ts'
import { readSeal, sealOf } from '../../src/evidence/seal.ts'
import { decodeSent, encodeSent, sentSealOf } from '../../src/evidence/sent.ts'
import { toHex } from '../../src/pki/der/octet-text.ts'
import { refusedField } from './refused-field.ts'
import { fieldsOfVector, fromHex, salt, vectors } from './vectors.ts'

const values: Readonly<Record<FieldType, fc.Arbitrary<unknown>>> = {
  text: fc.string({ unit: 'binary' }),
  uuid: fc.uuid(),
  time: fc.date({ noInvalidDate: true }),
  int: fc.maxSafeInteger(),
  sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  bytes: fc.uint8Array({ maxLength: 300 }),
  json: fc.jsonValue({ noUnicodeString: false }).filter(value => value !== null)
}

const disclosures = fc.constantFrom(...(Object.keys(kinds) as Kind[])).chain(kind => {
  const fields = fieldsOf(kind).map(([name, { type, isNullable }]): [string, fc.Arbitrary<unknown>] => [
    name,
    isNullable ? fc.option(values[type]) : values[type]
  ])
  return fc.record({
    kind: fc.constant(kind),
    isAdopted: fc.boolean(),
    salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fields: fc.record(Object.fromEntries(fields))
  })
})

const encode = ({ kind, isAdopted, salt, fields }: Omit<Disclosure, 'revision'>) =>
  encodeDisclosure({ kind, salt, isAdopted }, fields as FieldsOf<Kind>)

describe('the vectors, which another program wrote,', () => {
  it.each(vectors.records)('are what is made of $kind (adopted: $isAdopted)', vector => {
    const { kind, isAdopted, software } = vector
    const fields = fieldsOfVector(vector)
    const disclosure = encodeDisclosure({ kind, salt, isAdopted }, fields)
    expect(toHex(disclosure)).toBe(vector.disclosure)
    expect(toHex(entryOf(disclosure))).toBe(vector.entry)
    expect(toHex(sealOf(disclosure, software))).toBe(vector.seal)
    expect(decodeDisclosure(disclosure)).toEqual({ kind, revision: 1, isAdopted, salt, fields })
  })

  it('have every kind', () => {
    expect(new Set(vectors.records.map(({ kind }) => kind))).toEqual(new Set(Object.keys(kinds)))
  })

  it('are what is made of what was sent', () => {
    const { fields, octets, seal } = vectors.sent
    const sent = { ...fields, csr: fromHex(fields.csr) }
    expect(toHex(encodeSent(salt, sent))).toBe(octets)
    expect(toHex(sentSealOf(encodeSent(salt, sent)))).toBe(seal)
    expect(decodeSent(fromHex(octets))).toEqual({ ...sent, salt })
  })
})

describe('a disclosure', () => {
  it('is read back as it was, whatever stands in it', () => {
    fc.assert(
      fc.property(disclosures, ({ kind, isAdopted, salt, fields }) => {
        const octets = encodeDisclosure({ kind, salt, isAdopted }, fields)
        const read = decodeDisclosure(octets)
        // JSON knows no -0.
        expect(JSON.parse(JSON.stringify(read.fields))).toEqual(JSON.parse(JSON.stringify(fields)))
        expect(toHex(encode(read))).toBe(toHex(octets))
      })
    )
  })

  it('has its entry, and its seal says the same', () => {
    fc.assert(
      fc.property(disclosures, ({ kind, isAdopted, salt, fields }) => {
        const octets = encodeDisclosure({ kind, salt, isAdopted }, fields)
        const entry = parseEntry(entryOf(octets))
        const seal = readSeal(sealOf(octets, '1.0.0'))
        expect(entry).toMatchObject({ kind, isAdopted })
        expect(seal).toEqual({ revision: 1, salt, hash: entry.hash, software: '1.0.0' })
      })
    )
  })

  it('is the same in pieces', () => {
    const vector = vectors.records[0]!
    const { id, createdAt, ...rest } = fieldsOfVector(vector) as FieldsOf<'intent'>
    const pieces = [encodeFields('intent', { id, createdAt }), encodeFields('intent', rest)]
    expect(toHex(assembleDisclosure({ kind: 'intent', salt }, pieces))).toBe(vector.disclosure)
  })

  it('takes no other octet, and loses none, unnoticed', () => {
    const octets = fromHex(vectors.records[0]!.disclosure)
    for (let at = 0; at < octets.length; at++) {
      expect(refusedField(() => decodeDisclosure(octets.slice(0, at)))).toBeDefined()
      const changed = octets.slice()
      changed[at]! ^= 0x55
      const read = tried(() => decodeDisclosure(changed))
      if (read !== undefined) expect(toHex(encode(read))).toBe(toHex(changed))
    }
  })
})

const spoiled = (kind: Kind, change: (octets: Uint8Array) => Uint8Array): Uint8Array =>
  change(fromHex(vectors.records.find(vector => vector.kind === kind)!.disclosure))

const withOctet = (at: number, octet: number) => (octets: Uint8Array) => octets.with(at, octet)

/** The first field begins behind label, kind, revision and salt. */
const firstField = 19 + 2 + 16

describe('is refused, the field named, where', () => {
  const flaws: readonly (readonly [string, string, Uint8Array])[] = [
    ['the label is another', 'disclosure', spoiled('void', withOctet(17, 0x32))],
    ['the kind is none', 'kind', spoiled('void', withOctet(19, 0x0c))],
    ['the kind is zero', 'kind', spoiled('void', withOctet(19, 0x80))],
    ['the revision is a later one', 'revision', spoiled('void', withOctet(20, 2))],
    ['an id has 17 octets', 'intentId', spoiled('void', withOctet(firstField + 3, 17))],
    [
      'a field is null that never is',
      'intentId',
      spoiled('void', octets => octets.fill(0xff, firstField, firstField + 4))
    ],
    ['a field goes beyond the end', 'intentId', spoiled('void', withOctet(firstField, 1))],
    [
      'more comes behind the last field',
      'disclosure',
      spoiled('void', octets => Uint8Array.of(...octets, 0))
    ],
    ['a text is no UTF-8', 'reason', spoiled('void', octets => octets.with(octets.length - 1, 0xff))],
    ['a number is beyond 2^53', 'step', spoiled('revocation-act', withOctet(firstField + 44, 0x7f))],
    ['a time is beyond all dates', 'createdAt', spoiled('void', withOctet(firstField + 24, 0x7f))],
    ['JSON is none', 'before', jsonOf('{')],
    ['JSON is written in another way', 'before', jsonOf('{ }')],
    ['names of JSON stand twice', 'before', jsonOf('{"a":1,"a":1}')]
  ]
  it.each(flaws)('%s', (_, field, octets) => {
    expect(refusedField(() => decodeDisclosure(octets))).toBe(field)
  })
})

describe('an entry is refused where', () => {
  const entry = fromHex(vectors.records[0]!.entry)
  const flaws: readonly (readonly [string, string, Uint8Array])[] = [
    ['it is short', 'entry', entry.slice(1)],
    ['its version is a later one', 'version', entry.with(0, 2)],
    ['its kind is none', 'kind', entry.with(1, 0x7f)],
    ['its time is beyond all dates', 'time', entry.with(2, 0x7f)]
  ]
  it.each(flaws)('%s', (_, field, octets) => {
    expect(refusedField(() => parseEntry(octets))).toBe(field)
  })
})

it('a seal is refused that is short, long, or of a later revision', () => {
  const seal = fromHex(vectors.records[0]!.seal)
  expect(refusedField(() => readSeal(seal.slice(0, 48)))).toBe('seal')
  expect(refusedField(() => readSeal(Uint8Array.of(...seal, ...seal)))).toBe('seal')
  expect(refusedField(() => readSeal(seal.with(0, 2)))).toBe('revision')
})

/** An audit event whose `before` is this text. */
function jsonOf(text: string): Uint8Array {
  const octets = fromHex(vectors.records.find(({ kind }) => kind === 'audit-event')!.disclosure)
  const hex = toHex(octets)
  // The vector's `before` is {}: its length and two octets.
  const at = hex.indexOf('000000027b7d') / 2
  const written = new TextEncoder().encode(text)
  return Uint8Array.of(...octets.slice(0, at), 0, 0, 0, written.length, ...written, ...octets.slice(at + 6))
}

function tried<Of>(act: () => Of): Of | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}

it('the table of docs/ledger-format.md is that of the program', () => {
  const page = readFileSync(new URL('../../docs/ledger-format.md', import.meta.url), 'utf8')
  const rows = page.matchAll(/^\| `0x(..)` (\S+) \| [^|]+ \| (\w+) \| (?:that of )?(\w+) \| ([^|]+) \|$/gm)
  const told = Array.from(rows, ([, octet, kind, id, time, fields]) => ({ octet, kind, id, time, fields }))
  const known = Object.entries(kinds).map(([kind, { octet, id, time }]) => ({
    octet: octet.toString(16).padStart(2, '0'),
    kind,
    id,
    time: time === 'id' ? id : time,
    fields: fieldsOf(kind as Kind)
      .map(([name, { type, isNullable }]) => `${name} ${type}${isNullable ? '?' : ''}`)
      .join(', ')
  }))
  expect(told).toEqual(known)
})
