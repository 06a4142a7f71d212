import { decodeDisclosure, hashDisclosure } from './disclosure.ts'
import { malformedEvidence, octetsOfUuid, timeOf, uuidOf } from './field.ts'
import { adoptedBit, type Kind, kindOf, kinds } from './kinds.ts'
import { OctetWriter } from './octet-writer.ts'

/** Of every entry. */
export const entryOctets = 58

const version = 0x01

/** What the ledger tells in public of a record. */
export interface Entry {
  readonly kind: Kind
  readonly isAdopted: boolean
  /** That of the record, by the service's clock. */
  readonly time: Date
  /** Of the record: a UUID. */
  readonly id: string
  /** SHA-256 of the disclosure. */
  readonly hash: Uint8Array
}

/**
 * The public entry that follows from a disclosure: docs/ledger-format.md, "The entry".
 *
 * @throws MintlineError `evidence_malformed`.
 */
export function entryOf(disclosure: Uint8Array): Uint8Array {
  const { kind, isAdopted, fields } = decodeDisclosure(disclosure)
  const definition = kinds[kind]
  const values = fields as Readonly<Record<string, unknown>>
  const id = values[definition.id] as string
  const time = definition.time === 'id' ? timeOfId(id) : (values[definition.time] as Date)
  return encodeEntry({ kind, isAdopted, time, id, hash: hashDisclosure(disclosure) })
}

/** In 58 octets. */
function encodeEntry({ kind, isAdopted, time, id, hash }: Entry): Uint8Array {
  const writer = new OctetWriter()
  writer.octet(version)
  writer.octet(kinds[kind].octet | (isAdopted ? adoptedBit : 0))
  writer.int64(time.getTime())
  writer.octets(octetsOfUuid(id))
  writer.octets(hash)
  return writer.take()
}

/** @throws MintlineError `evidence_malformed`. */
export function parseEntry(octets: Uint8Array): Entry {
  if (octets.length !== entryOctets)
    throw malformedEvidence('entry', `${entryOctets} octets`, String(octets.length))
  if (octets[0] !== version)
    throw malformedEvidence('version', `${version}, or a newer version of Mintline`, String(octets[0]))
  const octet = octets[1] as number
  const kind = kindOf(octet & ~adoptedBit)
  if (kind === undefined) throw malformedEvidence('kind', 'a kind of record', String(octet))
  const milliseconds = new DataView(octets.buffer, octets.byteOffset).getBigInt64(2)
  return {
    kind,
    isAdopted: (octet & adoptedBit) !== 0,
    time: timeOf(Number(milliseconds), 'time'),
    id: uuidOf(octets.subarray(10, 26)),
    hash: octets.slice(26)
  }
}

/** The first 48 bits of a UUIDv7: RFC 9562 §5.7. */
function timeOfId(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))
}
