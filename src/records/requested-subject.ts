import { hash } from 'node:crypto'
import { isMintlineError } from '../errors/mintline-error.ts'
import {
  type CertificationRequest,
  parseCertificationRequest,
  type SubjectAttribute
} from '../pki/csr/certification-request.ts'
import type { CsrNote } from '../pki/csr/note.ts'
import { toHex } from '../pki/der/octet-text.ts'
import { isEqual } from '../pki/der/octets.ts'
import { attributesOf } from '../pki/name/name.ts'
import type { Subject } from '../pki/name/subject-field.ts'

/** By the octets of a row: what is read of it once is looked at by more than one. */
const readRequests = new WeakMap<Uint8Array, CertificationRequest | undefined>()

/** @returns the CSR of a row; undefined where somebody changed it so that it cannot be read. */
export function readKeptCsr(csrDer: Uint8Array): CertificationRequest | undefined {
  if (!readRequests.has(csrDer)) readRequests.set(csrDer, parseKeptCsr(csrDer))
  return readRequests.get(csrDer)
}

function parseKeptCsr(csrDer: Uint8Array): CertificationRequest | undefined {
  try {
    return parseCertificationRequest(csrDer)
  } catch (error) {
    if (!isMintlineError(error)) throw error
    return undefined
  }
}

/** What a request asks a certificate for: the CSR, and the subject that the station sets where it sets one. */
export interface SubjectRequest {
  readonly csr: Pick<CertificationRequest, 'subject'>
  /** Null or undefined: that of the CSR counts. */
  readonly stationSubject?: Subject | null | undefined
}

/** The subject that counts: the station's, in the place of all of the CSR's, or that of the CSR. */
export function requestedSubject({ csr, stationSubject }: SubjectRequest): readonly SubjectAttribute[] {
  return stationSubject == null ? csr.subject : attributesOf(stationSubject)
}

/** That a CSR had a subject of its own beside the station's. */
export function replacedNotes({ csr, stationSubject }: SubjectRequest): readonly CsrNote[] {
  if (stationSubject == null || csr.subject.length === 0) return []
  const message = 'The CSR has a subject of its own, which was not used: the station set the subject.'
  return [{ code: 'subject_replaced', pointer: '/subject', message }]
}

/**
 * Equal for two requests exactly when they carry the same key, the same subject values and the same profile name:
 * then the second is a retry of the first. String types and the order of the attributes do not count, nor whether CSR or
 * station named them. What the profile drops counts: a retry sends the same CSR, and a profile may drop other attributes by
 * then.
 */
export function requestDigest(
  spkiSha256: Uint8Array,
  attributes: readonly SubjectAttribute[],
  profileName: string
): Uint8Array {
  const subject = attributes
    .map(({ oid, value, unreadable }) => (unreadable ? [oid, value, toHex(unreadable.octets)] : [oid, value]))
    .sort(compareParts)
  return hash('sha256', JSON.stringify(['request', toHex(spkiSha256), profileName, subject]), 'buffer')
}

/** By type, and where a type occurs more than once, by what it holds. */
function compareParts(one: readonly string[], other: readonly string[]): number {
  if (one[0] !== other[0]) return one[0]! < other[0]! ? -1 : 1
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1
}

/** A request as a row has it. */
export interface KeptRequest {
  readonly requestSha256: Uint8Array
  readonly stationSubject: Subject | null
  readonly profile: string
}

/** Whether a row's request is the one that was made, as far as its digest tells. @param csr that of the row. */
export function isRequestKept(
  { requestSha256, stationSubject, profile }: KeptRequest,
  csr: Pick<CertificationRequest, 'subject' | 'spkiDer'>
): boolean {
  if (stationSubject !== null && !isSubject(stationSubject)) return false
  const digest = requestDigest(
    hash('sha256', csr.spkiDer, 'buffer'),
    requestedSubject({ csr, stationSubject }),
    profile
  )
  return isEqual(digest, requestSha256)
}

/** Whoever writes to the database can have anything there: nothing may be passed over. */
function isSubject(value: Subject): boolean {
  const count = typeof value === 'object' ? Object.keys(value).length : 0
  return count > 0 && attributesOf(value).length === count
}
