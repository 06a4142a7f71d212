import { hash } from 'node:crypto'
import type { Principal } from '../access/principal.ts'
import type { CertificationRequest } from '../pki/csr/certification-request.ts'
import type { Subject, SubjectField } from '../pki/name/subject-field.ts'
import type { IssuedRecord } from '../records/record.ts'
import type { Asked } from '../records/record-model.ts'

/** What a station asks for. */
export interface IssuanceRequest extends Omit<Asked, 'station' | 'tokenId'> {
  /** As it was sent: DER, PEM or bare base64. */
  readonly csr: Uint8Array
  readonly profile: string
  readonly station: Principal
}

export interface IssuanceResult {
  readonly record: IssuedRecord
  /** True when the station had asked for the same before and gets the same bytes again. */
  readonly replayed: boolean
}

export function askedOf({ csr, profile, station, ...asked }: IssuanceRequest): Asked {
  return { ...asked, station: station.name, tokenId: station.tokenId }
}

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
