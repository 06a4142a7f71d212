import { concatenate, encodeUtf8, isEqual } from '../pki/der/octets.ts'
import { assertSalt, saltOctets } from './disclosure.ts'
import { FieldReader, type FieldType, malformedEvidence, type ValueOf, writeField } from './field.ts'
import { OctetWriter } from './octet-writer.ts'

import { digest } from '#crypto'

const label = encodeUtf8('mintline-sent-v1\n')

/** In their order. */
const sentTypes = {
  csr: 'bytes',
  detail: 'text',
  violations: 'json',
  metadata: 'json',
  stationSubject: 'json'
} as const satisfies Readonly<Record<string, FieldType>>

const sentFields = Object.entries(sentTypes) as readonly [keyof typeof sentTypes, FieldType][]

/** What a refused request brought, and a purge blanks. */
export type Sent = { readonly [Name in keyof typeof sentTypes]: ValueOf<(typeof sentTypes)[Name]> }

/**
 * What `sentSha256` of a refusal is the hash of: docs/ledger-format.md, "What can be blanked".
 *
 * @param salt of 16 octets; a purge sets it to zeros.
 */
export function encodeSent(salt: Uint8Array, sent: Sent): Uint8Array {
  assertSalt(salt)
  const writer = new OctetWriter()
  writer.octets(label)
  writer.octets(salt)
  for (const [name, type] of sentFields) writeField(writer, type, sent[name])
  return writer.take()
}

/** @throws MintlineError `evidence_malformed`, naming the field. */
export function decodeSent(octets: Uint8Array): Sent & { readonly salt: Uint8Array } {
  const head = label.length + saltOctets
  if (octets.length < head || !isEqual(octets.subarray(0, label.length), label))
    throw malformedEvidence('sent', '"mintline-sent-v1" and a newline at its beginning', 'other octets')
  const reader = new FieldReader(octets, head)
  const values = sentFields.map(
    ([name, type]) => [name, reader.read(name, { type, isNullable: name === 'stationSubject' })] as const
  )
  if (!reader.isAtEnd) throw malformedEvidence('sent', 'its end behind the last field', 'more octets')
  return { ...(Object.fromEntries(values) as unknown as Sent), salt: octets.slice(label.length, head) }
}

/** Salt and hash, as a refusal keeps them: docs/ledger-format.md, "What can be blanked". */
export function sentSealOf(sent: Uint8Array): Uint8Array {
  return concatenate([sent.subarray(label.length, label.length + saltOctets), hashSent(sent)])
}

export function hashSent(sent: Uint8Array): Uint8Array {
  return digest('sha256', sent)
}
