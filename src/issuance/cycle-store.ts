import {
  type Database,
  isRefusedByGuard,
  isSerializationOrDeadlock,
  isUniqueViolation
} from '../database/database.ts'
import { withPartitions } from '../database/partitions.ts'
import { batchColumns, describeRowBatch } from '../database/row-batch.ts'
import { runQuery } from '../database/run-query.ts'
import type { BlockedReason } from '../factory/blocked-keys/blocked-key.ts'
import type { LotVerdict } from '../factory/lots/lot.ts'
import { type Intent, intentColumns, issuedColumns, type SignedCertificate } from '../records/record-model.ts'
import { type Durable, vouchDurable } from '../signing/durable.ts'
import { standingCredentials } from './credentials/standing-credentials.ts'
import { lockedLots, lotVerdict, takenPlaces } from './lots/lot-places.ts'

/** What is not as it was when the request was decided. */
export type OutdatedReason = 'authority' | 'profile' | 'token' | 'station'

/** What became of an intent that was handed in for commit. */
export type IntentOutcome =
  /** It is committed: key, device and serial are taken for it, for good. */
  | { readonly kind: 'durable'; readonly intent: Durable<Intent> }
  /**
   * An earlier intent holds the key or the device: the first with this key, the latest of this device. Nothing was
   * written.
   */
  | { readonly kind: 'taken'; readonly byKey: string | undefined; readonly byDevice: string | undefined }
  /** The key is on the list of those that are certified no more. Nothing was written. */
  | { readonly kind: 'blocked'; readonly reason: BlockedReason }
  /** The rules it was made under no longer stand. Nothing was written. */
  | { readonly kind: 'outdated'; readonly reason: OutdatedReason }
  /** The lot has no place for it. Nothing was written. */
  | { readonly kind: 'no-place'; readonly verdict: LotVerdict }
  /** It named no lot, and what its device had before has its place in this one. Nothing was written. */
  | { readonly kind: 'placed'; readonly lot: string }

/** What became of a certificate. */
export type CertificateOutcome =
  | { readonly kind: 'recorded' }
  /** An intent has one, and another process recorded it first. */
  | { readonly kind: 'recorded-before' }
  /** The intent has been declared void meanwhile. Nothing was written. */
  | { readonly kind: 'void' }

/** One half of an issuance's cycle. */
export type CycleWrite =
  | { readonly kind: 'intent'; readonly intent: Intent }
  | { readonly kind: 'certificate'; readonly certificate: SignedCertificate }

export type CycleOutcome = IntentOutcome | CertificateOutcome

export interface CycleStore {
  /**
   * Commits a group of both halves in one statement, of different requests as they come; one loser hurts no
   * neighbour. When it returns, every outcome is durable. A crash before it returns leaves all of the group or none.
   */
  commit(writes: readonly CycleWrite[]): Promise<readonly CycleOutcome[]>
}

/** A row comes back for what did not simply succeed. */
interface ExceptionRow {
  readonly kind: CycleWrite['kind']
  /** From 1, within its kind. */
  readonly ordinal: number
  readonly authority_active: boolean | null
  readonly profile_current: boolean | null
  readonly token_valid: boolean | null
  /** False also where the profile is not current. */
  readonly profile_allowed: boolean | null
  readonly blocked_reason: BlockedReason | null
  readonly key_intent_id: string | null
  readonly device_intent_id: string | null
  readonly is_void: boolean | null
  /** `elsewhere`: it names no lot, and its device has its place in `device_lot`. */
  readonly lot_verdict: LotVerdict | 'elsewhere' | null
  readonly device_lot: string | null
}

const intentBatch = describeRowBatch(batchColumns(intentColumns))
const certificateBatch = describeRowBatch(batchColumns(issuedColumns), intentBatch.parameterCount + 1)

/**
 * Whether the device of an intent may have its next certificate. What ends one is never taken back. A certificate of a
 * compromised generation has ended of itself, unless the profile by which it was issued leaves that to an administrator,
 * whichever is asked for now; an intent that was not issued has not been anybody's.
 */
const hasEnded = (intentId: string) => `(
      EXISTS (SELECT FROM void WHERE void.intent_id = ${intentId})
      OR EXISTS (SELECT FROM release WHERE release.intent_id = ${intentId})
      OR EXISTS (
        SELECT FROM intent
        JOIN authority ON authority.id = intent.authority_id
        JOIN profile_version AS own ON own.id = intent.profile_version_id
        WHERE intent.id = ${intentId} AND authority.state = 'compromised' AND (
          (
            SELECT newest.document ->> 'afterCompromise' FROM profile_version AS newest
            WHERE newest.name = own.name ORDER BY newest.version DESC LIMIT 1
          ) IS DISTINCT FROM 'refuse'
          OR NOT EXISTS (SELECT FROM issued WHERE issued.intent_id = intent.id)
        )
      )
    )`

/**
 * Judges and writes a whole group.
 *
 * Of a device and of a key the latest occurrence counts: none, or one that has ended, leaves the next one free. A void
 * first use frees a key; otherwise it stays its device's, which may come back with it.
 *
 * Intents of the group that want the same key or device: only the first is written, and the others come back
 * undecided. Rows that race with another process: the primary keys of certified_key and certified_device, and their
 * guards, make this statement fail as a whole, and the next try sees the winner. FOR SHARE holds off a change of the authority's
 * state, the revocation of the token, or a change of its station, until this group is committed: no intent names a generation that is no longer
 * active, nor comes from a token that is revoked, or a client certificate that the station is not known by any more. Likewise the lots are locked, in the order of their ids: as many places
 * as a group takes of one are one update, and who comes next finds them taken. A device that gets its next certificate
 * gives back the place of the one before. A key that is blocked while this runs makes it fail likewise (key_may_be_certified).
 */
const commitStatement = `
WITH intent_input AS MATERIALIZED (
  SELECT * FROM ${intentBatch.unnest} WITH ORDINALITY AS t(${intentBatch.columnList}, ordinal)
),
active_authority AS MATERIALIZED (
  SELECT id FROM authority
  WHERE id IN (SELECT authority_id FROM intent_input) AND state = 'active'
  FOR SHARE
),
${standingCredentials},
current_profile AS MATERIALIZED (
  SELECT id, name FROM profile_version AS this
  WHERE id IN (SELECT profile_version_id FROM intent_input)
    AND NOT EXISTS (
      SELECT FROM profile_version AS later WHERE later.name = this.name AND later.version > this.version
    )
),
${lockedLots}
judged AS MATERIALIZED (
  SELECT
    intent_input.*,
    authority_id IN (SELECT id FROM active_authority) AS authority_active,
    token_id IN (SELECT id FROM valid_token) AS token_valid,
    EXISTS (
      SELECT FROM valid_token, current_profile
      WHERE valid_token.id = token_id AND current_profile.id = profile_version_id
        AND (profiles @> '{*}' OR profiles @> ARRAY[name])
    ) AS profile_allowed,
    (SELECT reason FROM blocked_key WHERE blocked_key.spki_sha256 = intent_input.spki_sha256) AS blocked_reason,
    profile_version_id IN (SELECT id FROM current_profile) AS profile_current,
    key.occurrence AS key_occurrence,
    key.intent_id AS key_intent_id,
    key.device_sha256 AS key_device_sha256,
    key.intent_id IS NULL OR EXISTS (SELECT FROM void WHERE void.intent_id = key.intent_id) AS key_free,
    device.occurrence AS device_occurrence,
    device.intent_id AS device_intent_id,
    CASE
      WHEN device.intent_id IS NULL THEN true
      WHEN EXISTS (SELECT FROM revocation WHERE revocation.intent_id = device.intent_id) THEN false
      ELSE ${hasEnded('device.intent_id')}
    END AS device_free,
    device.lot AS device_lot,
    device.station AS device_station,
    coalesce(locked_lot.remaining, 0) AS remaining,
    ${lotVerdict} AS lot_verdict
  FROM intent_input
  LEFT JOIN locked_lot ON locked_lot.id = intent_input.lot
  LEFT JOIN LATERAL (
    SELECT occurrence, intent_id, device_sha256 FROM certified_key
    WHERE certified_key.spki_sha256 = intent_input.spki_sha256 ORDER BY occurrence DESC LIMIT 1
  ) AS key ON true
  LEFT JOIN LATERAL (
    SELECT occurrence, intent_id, held.lot, held.station FROM (
      SELECT occurrence, intent_id FROM certified_device
      WHERE certified_device.device_sha256 = intent_input.device_sha256 ORDER BY occurrence DESC LIMIT 1
    ) AS latest
    LEFT JOIN intent AS held ON held.id = latest.intent_id
      AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = held.id)
  ) AS device ON true
),
candidate AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY spki_sha256 ORDER BY ordinal) AS key_rank,
    row_number() OVER (PARTITION BY device_sha256 ORDER BY ordinal) AS device_rank
  FROM judged
  WHERE authority_active AND token_valid AND profile_current AND profile_allowed AND blocked_reason IS NULL
    AND device_free AND (key_free OR key_device_sha256 = device_sha256) AND lot_verdict IS NULL
),
${takenPlaces}
new_intent AS (
  INSERT INTO intent (${intentBatch.columnList}) SELECT ${intentBatch.columnList} FROM committed
),
new_key AS (
  INSERT INTO certified_key (spki_sha256, occurrence, device_sha256, intent_id)
  SELECT spki_sha256, coalesce(key_occurrence, 0) + 1, device_sha256, id FROM committed WHERE key_free
),
new_serial AS (
  INSERT INTO certified_serial (serial_number, intent_id) SELECT serial_number, id FROM committed
),
new_device AS (
  INSERT INTO certified_device (device_sha256, occurrence, intent_id)
  SELECT device_sha256, coalesce(device_occurrence, 0) + 1, id FROM committed
),
new_open AS (
  INSERT INTO open_intent (intent_id) SELECT id FROM committed
),
certificate_input AS MATERIALIZED (
  SELECT * FROM ${certificateBatch.unnest} WITH ORDINALITY AS t(${certificateBatch.columnList}, ordinal)
),
recorded AS (
  INSERT INTO issued (${certificateBatch.columnList}) SELECT ${certificateBatch.columnList} FROM certificate_input
  WHERE EXISTS (SELECT FROM open_intent WHERE open_intent.intent_id = certificate_input.intent_id)
  ON CONFLICT (intent_id) DO NOTHING
  RETURNING intent_id
),
new_id AS (
  INSERT INTO certified_id (certificate_id, intent_id)
  SELECT certificate_id, intent_id FROM certificate_input WHERE intent_id IN (SELECT intent_id FROM recorded)
)
SELECT
  'intent' AS kind, ordinal::int, authority_active, profile_current, token_valid, profile_allowed, blocked_reason,
  CASE WHEN NOT key_free AND (NOT device_free OR key_device_sha256 <> device_sha256) THEN key_intent_id END
    AS key_intent_id,
  CASE WHEN NOT device_free THEN device_intent_id END AS device_intent_id,
  NULL AS is_void, lot_verdict, device_lot
FROM judged
WHERE ordinal NOT IN (SELECT ordinal FROM committed)
UNION ALL
SELECT
  'certificate', ordinal::int, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  EXISTS (SELECT FROM void WHERE void.intent_id = certificate_input.intent_id), NULL, NULL
FROM certificate_input
WHERE intent_id NOT IN (SELECT intent_id FROM recorded)`

/** Each lost race means that another process won one, so a handful of tries is plenty. */
const maximumTries = 8

export function createCycleStore(database: Database): CycleStore {
  async function run(intents: readonly Intent[], certificates: readonly SignedCertificate[]) {
    const parameters = [...intentBatch.parametersOf(intents), ...certificateBatch.parametersOf(certificates)]
    for (let tries = 1; ; tries++) {
      try {
        return await withPartitions(
          database,
          () => [...intents.map(({ id }) => id), ...certificates.map(({ intentId }) => intentId)],
          async () => database.prisma.$queryRawUnsafe<ExceptionRow[]>(commitStatement, ...parameters)
        )
      } catch (error) {
        const isLostRace =
          isUniqueViolation(error) || isRefusedByGuard(error) || isSerializationOrDeadlock(error)
        if (!isLostRace || tries === maximumTries) throw error
      }
    }
  }

  async function commit(writes: readonly CycleWrite[]): Promise<readonly CycleOutcome[]> {
    const intents = writes.flatMap(write => (write.kind === 'intent' ? [write.intent] : []))
    const certificates = writes.flatMap(write => (write.kind === 'certificate' ? [write.certificate] : []))
    const rows = await runQuery(() => run(intents, certificates))
    const exceptions = new Map(rows.map(row => [`${row.kind} ${row.ordinal}`, row]))
    const counts = { intent: 0, certificate: 0 }
    const outcomes = writes.map(write => {
      const row = exceptions.get(`${write.kind} ${++counts[write.kind]}`)
      if (write.kind === 'intent') return outcomeOf(write.intent, row)
      return {
        kind: row === undefined ? 'recorded' : row.is_void === true ? 'void' : 'recorded-before'
      } as const
    })
    const undecided = writes.filter((_, index) => outcomes[index] === undefined)
    if (undecided.length === 0) return outcomes as CycleOutcome[]
    // Their siblings are committed now, and at least one more of them will be: this ends.
    const later = [...(await commit(undecided))]
    return outcomes.map(outcome => outcome ?? later.shift()!)
  }

  return { commit }
}

/** Undefined: the intent only lost to a sibling of its group and is to be judged again. */
function outcomeOf(intent: Intent, row: ExceptionRow | undefined): IntentOutcome | undefined {
  if (row === undefined) return { kind: 'durable', intent: vouchDurable(intent) }
  if (row.token_valid !== true) return { kind: 'outdated', reason: 'token' }
  if (row.blocked_reason !== null) return { kind: 'blocked', reason: row.blocked_reason }
  if (row.key_intent_id !== null || row.device_intent_id !== null) {
    return {
      kind: 'taken',
      byKey: row.key_intent_id ?? undefined,
      byDevice: row.device_intent_id ?? undefined
    }
  }
  if (row.authority_active !== true) return { kind: 'outdated', reason: 'authority' }
  if (row.profile_current !== true) return { kind: 'outdated', reason: 'profile' }
  if (row.profile_allowed !== true) return { kind: 'outdated', reason: 'station' }
  if (row.lot_verdict === 'elsewhere') return { kind: 'placed', lot: row.device_lot! }
  if (row.lot_verdict !== null) return { kind: 'no-place', verdict: row.lot_verdict }
  return undefined
}
