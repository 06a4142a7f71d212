import { MintlineError, type Violation } from '../errors/mintline-error.ts'
import { earlierIssuanceOf, type IssuedRecord, type UnknownRecord, type VoidRecord } from './record.ts'

/**
 * The error of a record that does not follow from what it was made of: somebody or something changed the database.
 *
 * @returns `members.earlierIssuance` names the record.
 */
export function recordDamaged(
  record: IssuedRecord | UnknownRecord | VoidRecord,
  violations: readonly Violation[],
  cause?: unknown
): MintlineError {
  const { id, outcome } = record
  const remedy =
    outcome === 'issued'
      ? 'is not handed out. Ask the administrator to restore it from a backup of the database.'
      : `is not signed. Ask the administrator to void it (POST /v1/issuances/${id}/void); after that the same CSR is issued anew.`
  return new MintlineError(
    'record_damaged',
    `The record ${id} of this request was changed in the database and ${remedy}`,
    {
      violations,
      cause,
      members: { earlierIssuance: earlierIssuanceOf(record) }
    }
  )
}

/**
 * The error of an intent whose certificate would name addresses which are none of this service: it was begun before the public
 * address changed, or somebody changed the database.
 */
export function namesForeignAddress(
  record: Parameters<typeof recordDamaged>[0],
  publicUrl: string
): MintlineError {
  const { id } = record
  return new MintlineError(
    'record_damaged',
    `The record ${id} of this request is not signed: its certificate would name addresses under ${publicUrl}, which are none of this service. Ask the administrator: where it was the service's public address before, name it in MINTLINE_FORMER_PUBLIC_URLS and start the service again; if not, the record was changed in the database: void it (POST /v1/issuances/${id}/void), after which the same CSR is issued anew.`,
    {
      violations: [
        {
          pointer: '/addresses',
          expected: 'addresses under MINTLINE_PUBLIC_URL or one of MINTLINE_FORMER_PUBLIC_URLS',
          found: publicUrl,
          message: 'The certificate would lead relying parties to another place.'
        }
      ],
      members: { earlierIssuance: earlierIssuanceOf(record) }
    }
  )
}

/** Of a record that names rules which are not there. */
export const namesNothing: Violation = {
  pointer: '',
  expected: 'a profile version and an authority that are on record',
  found: 'another one',
  message: 'The record names what is not there.'
}

/** Of a record that is not of the request whose digest it has. */
export function otherRequest({ stationSubject }: Pick<UnknownRecord, 'stationSubject'>): Violation {
  return {
    pointer: stationSubject === null ? '/csr' : '/stationSubject',
    expected: 'the CSR and the subject that were posted',
    found: 'another one',
    message: 'The record does not say what it was made of.'
  }
}

/** Of a record whose certificate cannot be read. */
export const unreadable: Violation = {
  pointer: '/certificate',
  expected: 'the certificate that was recorded',
  found: 'bytes that cannot be read',
  message: 'The record does not hold a certificate any more.'
}
