import { hash } from 'node:crypto'
import type { StationPrincipal } from '../access/principal.ts'
import type { IssuingAuthority } from '../authorities/authority.ts'
import { rowOf } from '../database/column.ts'
import { type ErrorCode, isMintlineError } from '../errors/mintline-error.ts'
import type { CertificationRequest } from '../pki/csr/certification-request.ts'
import { subjectOf } from '../pki/name/name.ts'
import type { Subject, SubjectField } from '../pki/name/subject-field.ts'
import type { CompiledProfile } from '../profiles/compiled-profile.ts'
import type { IssuedRecord } from '../records/record.ts'
import { type Asked, type Sent, sentFacts } from '../records/record-model.ts'
import { requestedSubject } from '../records/requested-subject.ts'

/** What a station asks for. */
export interface IssuanceRequest extends Sent, Pick<Asked, 'requestId'> {
  /** As it was sent: DER, PEM or bare base64. */
  readonly csr: Uint8Array
  readonly profile: string
  /** What the certificate is to carry in the place of the CSR's subject, where the profile lets the station say so. */
  readonly subject?: Subject | undefined
  readonly station: StationPrincipal
  /** Told what became of it, for the log. */
  readonly tell?: (account: IssuanceAccount) => void
}

export interface IssuanceResult {
  readonly record: IssuedRecord
  /** True when the station had asked for the same before and gets the same bytes again. */
  readonly replayed: boolean
}

/** How far a request came. */
export interface Progress {
  readonly request: IssuanceRequest
  /** Set once it could be read, whoever holds its key. */
  parsed?: CertificationRequest
  /** Set once the requester has proven to hold the key. */
  csr?: CertificationRequest
  profile?: CompiledProfile
  authority?: IssuingAuthority
}

/** What became of a request, as far as it came: what logs and metrics tell. */
export interface IssuanceAccount {
  readonly outcome: 'issued' | 'replayed' | ErrorCode
  /** Of a profile that there is. */
  readonly profile?: string
  /** The authority line that the profile names. */
  readonly line?: string
  /** The subject values that name the device, by field. */
  readonly device?: Subject
  /** Lower-case hexadecimal. */
  readonly serialNumber?: string
}

export function accountOfResult({ record, replayed }: IssuanceResult, progress: Progress): IssuanceAccount {
  return {
    ...accountOf(progress, record.subject),
    outcome: replayed ? 'replayed' : 'issued',
    serialNumber: record.serialNumber
  }
}

export function accountOfError(error: unknown, progress: Progress): IssuanceAccount {
  const outcome = isMintlineError(error) ? error.code : 'internal_error'
  const { csr, request } = progress
  return { ...accountOf(progress, csr && subjectOf({ attributes: subjectAskedFor(csr, request) })), outcome }
}

/** The subject that counts, as it was asked for. */
export function subjectAskedFor(csr: CertificationRequest, { subject }: Pick<IssuanceRequest, 'subject'>) {
  return requestedSubject({ csr, stationSubject: subject })
}

function accountOf({ profile }: Progress, subject: Subject | undefined): Omit<IssuanceAccount, 'outcome'> {
  const document = profile?.version.document
  const device = subject && deviceIn(subject, document?.deviceIdentity)
  return {
    ...(profile && document && { profile: profile.version.name, line: document.authority }),
    ...(device && { device })
  }
}

/** As much as a line of a log takes. */
const maximumValueLength = 128

/** Where the profile has no fields that name a device, those that do so for people. */
function deviceIn(
  subject: Subject,
  fields: readonly SubjectField[] = ['CommonName', 'SerialNumber']
): Subject {
  return Object.fromEntries(
    fields.flatMap(field => {
      const value = subject[field]
      return value === undefined ? [] : [[field, value.slice(0, maximumValueLength)]]
    })
  )
}

export function askedOf(request: IssuanceRequest): Asked {
  const { subject, requestId, station } = request
  const { name, tokenId: credential, station: place } = station
  return {
    ...rowOf(sentFacts, request),
    stationSubject: subject ?? null,
    requestId,
    station: name,
    line: place?.line ?? null,
    site: place?.site ?? null,
    credential
  }
}

export function digestOf(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

function digestOfParts(parts: readonly unknown[]): Uint8Array {
  return hash('sha256', JSON.stringify(parts), 'buffer')
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

/** As names are compared (RFC 5280 §7.1): whatever the case, and however Unicode composes them. */
export function comparable(value: string): string {
  return value.normalize('NFKC').toLowerCase()
}
