import { tokenRevoked } from '../../audit/audit-event.ts'
import type { GroupCommit } from '../../database/group-commit.ts'
import { type ErrorCode, MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { earlierIssuanceOf } from '../../records/record.ts'
import type { RefusalRow } from '../../records/record-model.ts'
import type { EarlierIntent } from '../../records/records.ts'
import type { RefusalOutcome } from '../../records/refusal-store.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { askedOf, type IssuanceRequest } from '../request.ts'

/** What today's rules say of a request. A request that was served under earlier rules is served again. */
const decidedByRules = [
  'key_refused',
  'subject_refused',
  'jitp_would_fail',
  'profile_not_found',
  'authority_expires_first'
] as const

const refusalCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...decidedByRules,
  'csr_malformed',
  'csr_too_large',
  'csr_signature_algorithm_refused',
  'csr_signature_invalid',
  'key_blocked',
  'key_already_certified',
  'device_already_certified',
  'certificate_compromised',
  // Whoever looks after the record is told of it, and not the station alone.
  'record_damaged',
  // No CSR and no profile should get this far. If one does, it is on record for whoever looks into it.
  'lint_failed'
])

const servedBeforeCounts: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...decidedByRules,
  'authority_unavailable',
  'signer_unavailable',
  'signer_disabled',
  'clock_untrusted'
])

/** A refusal is about the request or its earlier one and goes on record. The rest is about the service: the station tries again. */
export function isRefusal({ code }: MintlineError): boolean {
  return refusalCodes.has(code)
}

/** Whether a request that fails like this may have been served earlier, and then gets the same again. */
export function mayHaveBeenServed({ code }: MintlineError): boolean {
  return servedBeforeCounts.has(code)
}

/** What is kept of what was sent. */
export type KeptBody = Pick<RefusalRow, 'csr' | 'bodyLength' | 'bodySha256' | 'withheld'>

/** The rules a request was held against, as far as it came, and what is kept of it: all, unless it is said. */
type Reached = Pick<RefusalRow, 'profileVersion' | 'authority'> & { readonly kept?: KeptBody }

export interface RefusalDependencies {
  readonly refusals: Pick<GroupCommit<RefusalRow, RefusalOutcome>, 'submit'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/**
 * Puts a refusal on record.
 *
 * @returns the same error with `members.issuanceId`, the id of the record; `token_invalid`, and nothing is on record, when
 *   the request's token was revoked meanwhile.
 */
export type RecordRefusal = (
  error: MintlineError,
  request: IssuanceRequest,
  reached: Reached
) => Promise<MintlineError>

export function createRefusalRecorder({ refusals, clock, randomBytes }: RefusalDependencies): RecordRefusal {
  return async (error, request, { kept = keepWhole(request), ...rules }) => {
    const createdAt = clock()
    const id = newId(createdAt, randomBytes)
    const { code, detail, violations, members, cause } = error
    const outcome = await refusals.submit({
      id,
      createdAt,
      code,
      detail,
      violations,
      ...kept,
      profile: request.profile,
      ...askedOf(request),
      ...rules
    })
    if (outcome === 'token-revoked') return tokenRevoked()
    return new MintlineError(code, detail, { violations, cause, members: { ...members, issuanceId: id } })
  }
}

function keepWhole({ csr }: IssuanceRequest): KeptBody {
  return { csr, bodyLength: null, bodySha256: null, withheld: null }
}

const conflicts = {
  key_already_certified:
    'This key was certified before, with another subject or profile. A device makes a new key for a new identity.',
  device_already_certified:
    'This device was certified before, with another key. Use the certificate it has, or have it taken out of use first.'
} as const satisfies Partial<Record<ErrorCode, string>>

/** The refusal of a request whose key or device an earlier one holds; `violations` say in which values it does. */
export function alreadyCertified(
  code: keyof typeof conflicts,
  { record }: EarlierIntent,
  violations: readonly Violation[] = []
): MintlineError {
  const earlierIssuance = earlierIssuanceOf(record)
  const values = violations.map(({ pointer, found }) => `${pointer.replace(/^.*\//, '')} ${found}`)
  const clash = values.length === 0 ? '' : ` It is the same device by ${values.join(' and ')}.`
  const detail = `${conflicts[code]}${clash} The earlier issuance is ${earlierIssuance.id} of ${earlierIssuance.requestedAt}.`
  return new MintlineError(code, detail, {
    violations,
    members: { earlierIssuance }
  })
}
