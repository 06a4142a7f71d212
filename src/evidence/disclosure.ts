import { concatenate, encodeUtf8, isEqual } from '../pki/der/octets.ts'
import { FieldReader, malformedEvidence, writeField } from './field.ts'
import { adoptedBit, type FieldsOf, fieldsOf, type Kind, kindOf, kinds, revision } from './kinds.ts'
import { OctetWriter } from './octet-writer.ts'

import { digest } from '#crypto'

/** Of a salt. */
export const saltOctets = 16

const label = encodeUtf8('mintline-record-v1\n')
const kindAt = label.length

/** Where its revision stands, and the salt behind it. */
export const revisionAt = kindAt + 1
const saltAt = revisionAt + 1

/** Of what stands before the fields. */
export const headOctets = saltAt + saltOctets

/** A record as the ledger vouches for it. */
export type Disclosure = { readonly [Of in Kind]: DisclosureOf<Of> }[Kind]

interface DisclosureOf<Of extends Kind> {
  readonly kind: Of
  readonly revision: number
  /** The row was there before the ledger. */
  readonly isAdopted: boolean
  readonly salt: Uint8Array
  readonly fields: FieldsOf<Of>
}

/** The octets of some fields that stand side by side, made once for many disclosures. */
export interface EncodedFields<Of extends Kind> {
  readonly kind: Of
  readonly octets: Uint8Array
}

/** What stands before the fields. */
export interface DisclosureHead<Of extends Kind> {
  readonly kind: Of
  /** Of 16 octets. */
  readonly salt: Uint8Array
  readonly isAdopted?: boolean
}

/**
 * What the entry has the hash of: docs/ledger-format.md, "The disclosure".
 *
 * @throws TypeError, RangeError for values that are not of the fields' types.
 */
export function encodeDisclosure<Of extends Kind>(
  head: DisclosureHead<Of>,
  fields: FieldsOf<Of>
): Uint8Array {
  return assembleDisclosure(head, [encodeFields(head.kind, fields)])
}

/** Those fields of the kind that are given, in the order of the kind: they stand side by side in it. */
export function encodeFields<Of extends Kind>(kind: Of, fields: Partial<FieldsOf<Of>>): EncodedFields<Of> {
  const writer = new OctetWriter()
  for (const [name, { type }] of fieldsOf(kind)) {
    const value = (fields as Readonly<Record<string, unknown>>)[name]
    if (value !== undefined) writeField(writer, type, value)
  }
  return { kind, octets: writer.take() }
}

/** As `encodeDisclosure`, of all fields in pieces that follow each other. */
export function assembleDisclosure<Of extends Kind>(
  { kind, salt, isAdopted = false }: DisclosureHead<Of>,
  pieces: readonly EncodedFields<Of>[]
): Uint8Array {
  assertSalt(salt)
  const octet = kinds[kind].octet | (isAdopted ? adoptedBit : 0)
  return concatenate([label, Uint8Array.of(octet, revision), salt, ...pieces.map(({ octets }) => octets)])
}

/** @throws TypeError for one of another length. */
export function assertSalt(salt: Uint8Array): void {
  if (salt.length !== saltOctets) throw new TypeError(`A salt has ${saltOctets} octets`)
}

/** SHA-256: what stands in the entry. */
export function hashDisclosure(disclosure: Uint8Array): Uint8Array {
  return digest('sha256', disclosure)
}

/**
 * Reads what `encodeDisclosure` makes, and nothing else: what is read, encoded anew, has the same octets.
 *
 * @throws MintlineError `evidence_malformed`, naming the field.
 */
export function decodeDisclosure(octets: Uint8Array): Disclosure {
  if (octets.length < headOctets || !isEqual(octets.subarray(0, label.length), label))
    throw malformedEvidence(
      'disclosure',
      '"mintline-record-v1" and a newline at its beginning',
      'other octets'
    )
  const octet = octets[kindAt] as number
  const kind = kindOf(octet & ~adoptedBit)
  if (kind === undefined) throw malformedEvidence('kind', 'a kind of record', String(octet))
  const ofRevision = octets[revisionAt] as number
  if (ofRevision !== revision)
    throw malformedEvidence('revision', `${revision}, or a newer version of Mintline`, String(ofRevision))
  const reader = new FieldReader(octets, headOctets)
  const fields = fieldsOf(kind).map(([name, field]) => [name, reader.read(name, field)] as const)
  if (!reader.isAtEnd) throw malformedEvidence('disclosure', 'its end behind the last field', 'more octets')
  return {
    kind,
    revision: ofRevision,
    isAdopted: (octet & adoptedBit) !== 0,
    salt: octets.slice(saltAt, headOctets),
    fields: Object.fromEntries(fields)
  } as unknown as Disclosure
}
