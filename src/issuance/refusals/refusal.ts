import { hash } from 'node:crypto'
import { tokenRevoked } from '../../audit/audit-event.ts'
import type { ClockTrust } from '../../clock/clock-trust.ts'
import { rowOf } from '../../database/column.ts'
import type { DatabaseLog } from '../../database/database-log.ts'
import type { GroupCommit } from '../../database/group-commit.ts'
import { type ErrorCode, MintlineError } from '../../errors/mintline-error.ts'
import type { BlockedKeys } from '../../factory/blocked-keys/blocked-keys.ts'
import { toBase64 } from '../../pki/der/octet-text.ts'
import { type Intent, type RefusalRow, sentFacts } from '../../records/record-model.ts'
import type { CountReason } from '../../records/refusal-counts/refusal-count.ts'
import type { RefusalOutcome } from '../../records/refusal-store.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { IntentOutcome } from '../commit/cycle-store.ts'
import { askedOf, digestOf, type IssuanceRequest } from '../request.ts'
import type { RefusalCounting } from './counting.ts'
import { keepBody, type KeptBody } from './kept-body.ts'
import { lotCodes } from './lot-refusal.ts'
import type { RepeatWindows } from './repeat-windows.ts'
import type { StationLimits } from './station-limits.ts'

/** What today's rules say of a request. A request that was served under earlier rules is served again. */
const decidedByRules = [
  'key_refused',
  'subject_refused',
  'jitp_would_fail',
  'profile_not_found',
  'lot_required',
  'authority_expires_first'
] as const

const refusalCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...decidedByRules,
  'profile_not_allowed',
  ...lotCodes,
  'mes_denied',
  'csr_malformed',
  'csr_too_large',
  'csr_signature_algorithm_refused',
  'csr_signature_invalid',
  'key_blocked',
  'key_already_certified',
  'device_already_certified',
  'certificate_revoked',
  'certificate_superseded',
  'certificate_held',
  'certificate_compromised',
  'record_detached',
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

/** The rules a request was held against, as far as it came, and what is kept of it, where the caller decides that. */
type Reached = Pick<RefusalRow, 'profileVersion' | 'authority'> & { readonly kept?: KeptBody }

export interface RefusalDependencies {
  readonly refusals: Pick<GroupCommit<RefusalRow, RefusalOutcome>, 'submit'>
  readonly repeats: RepeatWindows
  readonly limits: StationLimits
  readonly counting: Pick<RefusalCounting, 'count'>
  /** What is recorded has its token checked by its own transaction; what is counted, by this. */
  readonly whyTokenEnded: (tokenId: string) => Promise<MintlineError | undefined>
  /** True while the database has no room to spare for refusals. */
  readonly storageReserve: () => boolean
  readonly clockTrust: Pick<ClockTrust, 'assertTrusted'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly log: Pick<DatabaseLog, 'warn'>
}

/**
 * Puts a refusal on record, or counts it: where the same was recorded within the last minute, where the station has had as
 * many recorded as it may, and where the database has no room to spare. So a station makes the record grow by no more than
 * is set, and is always told the truth about its request.
 *
 * @returns the same error with `members.issuanceId`, the id of the record, where there is one; `token_invalid`, and nothing
 *   is on record, when the request's token was revoked meanwhile.
 */
export type RecordRefusal = (
  error: MintlineError,
  request: IssuanceRequest,
  reached: Reached
) => Promise<MintlineError>

export function createRefusalRecorder(dependencies: RefusalDependencies): RecordRefusal {
  const { repeats, limits, storageReserve, clockTrust, log } = dependencies
  return async (error, request, { kept = keepBody(error.code, request.csr), ...rules }) => {
    // Its record would be of a wrong time, by which later clocks would be judged.
    await clockTrust.assertTrusted()
    const refused = { error, request }
    if (storageReserve()) return answerCounted(dependencies, refused, { reason: 'storage_reserve' })
    const key = keyOf(refused, { ...kept, ...rules })
    const earlier = repeats.find(key)
    // Those that come while the first is being recorded wait for it, and fail with it.
    if (earlier !== undefined) {
      const refusalId = await earlier
      if (refusalId === undefined) return tokenRevoked()
      return answerCounted(dependencies, refused, { reason: 'repeat', refusalId })
    }
    const station = request.station.name
    const admission = limits.take(station)
    if (admission === 'limit-began') {
      log.warn(
        { station },
        'the station is refused more often than is recorded; further refusals are only counted'
      )
    }
    if (admission !== 'within') return answerCounted(dependencies, refused, { reason: 'station_limit' })
    const recording = record(dependencies, refused, { ...kept, ...rules })
    repeats.open(key, recording)
    const id = await recording
    return id === undefined ? tokenRevoked() : withRecord(error, id)
  }
}

interface Refused {
  readonly error: MintlineError
  readonly request: IssuanceRequest
}

/** @returns the id of the record; undefined when the token was revoked meanwhile. */
async function record(
  { refusals, limits, clock, randomBytes }: RefusalDependencies,
  { error: { code, detail, violations }, request }: Refused,
  rest: KeptBody & Omit<Reached, 'kept'>
): Promise<string | undefined> {
  const createdAt = clock()
  const id = newId(createdAt, randomBytes)
  const asked = { profile: request.profile, ...askedOf(request) }
  try {
    const outcome = await refusals.submit({ id, createdAt, code, detail, violations, ...asked, ...rest })
    if (outcome === 'recorded') return id
    limits.giveBack(request.station.name)
    return undefined
  } catch (error) {
    limits.giveBack(request.station.name)
    throw error
  }
}

async function answerCounted(
  { counting, whyTokenEnded }: RefusalDependencies,
  { error, request: { station, profile: profileName } }: Refused,
  { reason, refusalId }: { readonly reason: CountReason; readonly refusalId?: string }
): Promise<MintlineError> {
  const { tokenId, name } = station
  const end = await whyTokenEnded(tokenId)
  if (end !== undefined) return end
  counting.count({
    reason,
    station: name,
    tokenId,
    code: error.code,
    profileName,
    refusalId: refusalId ?? null
  })
  return refusalId === undefined ? error : withRecord(error, refusalId)
}

function withRecord(error: MintlineError, issuanceId: string): MintlineError {
  const { code, detail, violations, members, cause } = error
  return new MintlineError(code, detail, { violations, cause, members: { ...members, issuanceId } })
}

/** Equal for two refusals exactly when the same token sent the same and was refused with the same code by the same rules. */
function keyOf(
  { error, request }: Refused,
  { bodySha256, profileVersion, authority }: KeptBody & Pick<RefusalRow, 'profileVersion' | 'authority'>
): string {
  const { station, profile, subject = {}, csr } = request
  const sent = toBase64(bodySha256 ?? digestOf(csr))
  return hash(
    'sha256',
    JSON.stringify([
      station.tokenId,
      station.name,
      error.code,
      profile,
      profileVersion,
      authority,
      sorted(subject),
      sorted(rowOf(sentFacts, request)),
      sent
    ]),
    'base64'
  )
}

/** Members in one order, however they were sent. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return members.map(([name, member]) => [name, sorted(member)])
}

/** The refusal of a device that comes with a key that is certified no more, or is a station's own. */
export async function keyRefusalOf(
  blockedKeys: Pick<BlockedKeys, 'refusalOf'>,
  outcome: Extract<IntentOutcome, { kind: 'blocked' | 'of-station' }>,
  { spkiSha256, station }: Pick<Intent, 'spkiSha256'> & Pick<IssuanceRequest, 'station'>
): Promise<MintlineError> {
  if (outcome.kind === 'blocked')
    return blockedKeys.refusalOf({ spkiSha256, reason: outcome.reason }, station)
  return new MintlineError(
    'key_already_certified',
    "This key was certified as a station's own, and is no device's. Make a new key pair on the device, and find out how the station's key came to be there: it belongs to its station alone."
  )
}
