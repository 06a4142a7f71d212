import { MintlineError, type Violation } from '../errors/mintline-error.ts'

/** The error of a record that does not follow from what it was made of: somebody or something changed the database. */
export function recordDamaged(id: string, violations: readonly Violation[], cause?: unknown): MintlineError {
  return new MintlineError(
    'record_damaged',
    `The record ${id} of this request was changed in the database and is not signed. Ask the administrator to void ` +
      `it (POST /v1/issuances/${id}/void); after that the same CSR is issued anew.`,
    { violations, cause, members: { issuanceId: id } }
  )
}
