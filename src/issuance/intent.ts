import { hash } from 'node:crypto'
import type { CertificationRequest } from '../pki/csr/certification-request.ts'
import type { Subject, SubjectField } from '../pki/name/subject-field.ts'
import type { Durable } from '../signing/durable.ts'

/** What is about to be signed, for whom, and under which rules. */
export interface Intent {
  /** UUIDv7 of `createdAt`. */
  readonly id: string
  readonly createdAt: Date
  /** Content octets of the INTEGER: positive, at most 20. */
  readonly serialNumber: Uint8Array
  readonly spkiSha256: Uint8Array
  /** Where the key is the identity, that of the key: `spkiSha256`. */
  readonly deviceSha256: Uint8Array
  readonly requestSha256: Uint8Array
  readonly tbsDer: Uint8Array
  readonly csrDer: Uint8Array
  readonly station: string
  readonly tokenId: string
  readonly profileVersionId: string
  readonly authorityId: string
  readonly metadata: Readonly<Record<string, string>>
  readonly requestId: string
}

export type DurableIntent = Durable<Intent>

export function digestOf(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

function digestOfParts(parts: readonly unknown[]): Uint8Array {
  return hash('sha256', JSON.stringify(parts), 'buffer')
}

/**
 * Equal for two requests exactly when they carry the same key, the same subject values and the same profile name:
 * then the second is a retry of the first. String types and the order of the attributes do not count. What the profile
 * drops counts: a retry sends the same CSR, and a profile may drop other attributes by then.
 */
export function requestDigest(
  spkiSha256: Uint8Array,
  attributes: CertificationRequest['subject'],
  profileName: string
): Uint8Array {
  const subject = attributes
    .map(({ oid, value, unreadable }) => (unreadable ? [oid, value, hexOf(unreadable.octets)] : [oid, value]))
    .sort(compareParts)
  return digestOfParts(['request', hexOf(spkiSha256), profileName, subject])
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** By type, and where a type occurs more than once, by what it holds. */
function compareParts(one: readonly string[], other: readonly string[]): number {
  if (one[0] !== other[0]) return one[0]! < other[0]! ? -1 : 1
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1
}

/** What makes two requests the same device where AWS names the thing: that name, within the account. */
export function thingDigest(accountId: string, thingName: string): Uint8Array {
  return digestOfParts(['thing', accountId, thingName])
}

/**
 * What makes them the same device elsewhere: the profile and the values of its identity fields, as names are compared
 * (RFC 5280 §7.1): whatever the case, and however Unicode composes them.
 */
export function deviceDigest(
  profileName: string,
  identityFields: readonly SubjectField[],
  subject: Subject
): Uint8Array {
  return digestOfParts([
    'device',
    profileName,
    identityFields.map(field => [field, comparable(subject[field] ?? '')]).sort()
  ])
}

function comparable(value: string): string {
  return value.normalize('NFKC').toLowerCase()
}
