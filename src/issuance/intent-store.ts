import { byteaArray } from '../database/array-literal.ts'
import { isSerializationOrDeadlock, isUniqueViolation, type Database } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { DurableIntent, Intent } from './intent.ts'

/** What became of an intent that was handed in for commit. */
export type IntentOutcome =
  /** It is committed: key, device and serial are taken for it, for good. */
  | { readonly kind: 'durable'; readonly intent: DurableIntent }
  /** An earlier intent holds the key or the device. Nothing was written. */
  | { readonly kind: 'taken'; readonly byKey: string | undefined; readonly byDevice: string | undefined }
  /** The rules it was made under no longer stand. Nothing was written. */
  | { readonly kind: 'outdated'; readonly reason: 'authority' | 'profile' | 'token' }

export interface IntentStore {
  /**
   * Commits a group of intents in one statement; one loser hurts no neighbour. When it returns, every outcome is
   * durable. A crash before it returns leaves all of the group or none.
   */
  commit(intents: readonly Intent[]): Promise<readonly IntentOutcome[]>
}

interface OutcomeRow {
  readonly ordinal: number
  readonly committed: boolean
  readonly authority_active: boolean
  readonly profile_current: boolean
  readonly token_valid: boolean
  readonly key_intent_id: string | null
  readonly device_intent_id: string | null
}

/**
 * Judges and writes a whole group.
 *
 * Rows of the group that want the same key or device: only the first is written, and the others come back
 * undecided. Rows that race with another process: the primary keys of certified_key and certified_device make this
 * statement fail as a whole, and the next try sees the winner. FOR SHARE holds off a change of the authority's
 * state until this group is committed, so that no intent names a generation that is no longer active.
 */
const commitStatement = `
WITH input AS MATERIALIZED (
  SELECT * FROM unnest(
    $1::uuid[], $2::timestamptz[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[],
    $9::text[], $10::uuid[], $11::uuid[], $12::uuid[], $13::jsonb[], $14::text[]
  ) WITH ORDINALITY AS t(
    id, created_at, serial_number, spki_sha256, device_sha256, request_sha256, tbs_der, csr_der,
    station, token_id, profile_version_id, authority_id, metadata, request_id, ordinal
  )
),
active_authority AS MATERIALIZED (
  SELECT id FROM authority
  WHERE id IN (SELECT authority_id FROM input) AND state = 'active'
  FOR SHARE
),
valid_token AS MATERIALIZED (
  SELECT id FROM token WHERE id IN (SELECT token_id FROM input) AND revoked_at IS NULL
),
current_profile AS MATERIALIZED (
  SELECT id FROM profile_version AS this
  WHERE id IN (SELECT profile_version_id FROM input)
    AND NOT EXISTS (
      SELECT FROM profile_version AS later WHERE later.name = this.name AND later.version > this.version
    )
),
judged AS MATERIALIZED (
  SELECT
    input.*,
    authority_id IN (SELECT id FROM active_authority) AS authority_active,
    token_id IN (SELECT id FROM valid_token) AS token_valid,
    profile_version_id IN (SELECT id FROM current_profile) AS profile_current,
    certified_key.intent_id AS key_intent_id,
    certified_device.intent_id AS device_intent_id
  FROM input
  LEFT JOIN certified_key USING (spki_sha256)
  LEFT JOIN certified_device USING (device_sha256)
),
candidate AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY spki_sha256 ORDER BY ordinal) AS key_rank,
    row_number() OVER (PARTITION BY coalesce(device_sha256, uuid_send(id)) ORDER BY ordinal) AS device_rank
  FROM judged
  WHERE authority_active AND token_valid AND profile_current
    AND key_intent_id IS NULL AND device_intent_id IS NULL
),
committed AS MATERIALIZED (
  SELECT * FROM candidate WHERE key_rank = 1 AND device_rank = 1
),
new_intent AS (
  INSERT INTO intent (
    id, created_at, serial_number, spki_sha256, device_sha256, request_sha256, tbs_der, csr_der,
    station, token_id, profile_version_id, authority_id, metadata, request_id
  )
  SELECT
    id, created_at, serial_number, spki_sha256, device_sha256, request_sha256, tbs_der, csr_der,
    station, token_id, profile_version_id, authority_id, metadata, request_id
  FROM committed
),
new_key AS (
  INSERT INTO certified_key (spki_sha256, intent_id) SELECT spki_sha256, id FROM committed
),
new_device AS (
  INSERT INTO certified_device (device_sha256, intent_id)
  SELECT device_sha256, id FROM committed WHERE device_sha256 IS NOT NULL
),
new_open AS (
  INSERT INTO open_intent (intent_id) SELECT id FROM committed
)
SELECT
  ordinal::int, ordinal IN (SELECT ordinal FROM committed) AS committed,
  authority_active, profile_current, token_valid, key_intent_id, device_intent_id
FROM judged
ORDER BY ordinal`

/** Each lost race means that another process won one, so a handful of tries is plenty. */
const maximumTries = 8

export function createIntentStore(database: Database): IntentStore {
  async function judge(intents: readonly Intent[]): Promise<readonly OutcomeRow[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await database.prisma.$queryRawUnsafe<OutcomeRow[]>(commitStatement, ...columnsOf(intents))
      } catch (error) {
        const isLostRace = isUniqueViolation(error) || isSerializationOrDeadlock(error)
        if (!isLostRace || tries === maximumTries) throw error
      }
    }
  }

  async function commit(intents: readonly Intent[]): Promise<readonly IntentOutcome[]> {
    const rows = await runQuery(() => judge(intents))
    const outcomes = intents.map((intent, index) => outcomeOf(intent, rows[index]!))
    const undecided = intents.filter((_, index) => outcomes[index] === undefined)
    if (undecided.length === 0) return outcomes as IntentOutcome[]
    // Their siblings are committed now, and at least one more of them will be: this ends.
    const later = [...(await commit(undecided))]
    return outcomes.map(outcome => outcome ?? later.shift()!)
  }

  return { commit }
}

function outcomeOf(intent: Intent, row: OutcomeRow): IntentOutcome | undefined {
  if (row.committed) return { kind: 'durable', intent: intent as DurableIntent }
  if (!row.token_valid) return { kind: 'outdated', reason: 'token' }
  if (row.key_intent_id !== null || row.device_intent_id !== null) {
    return {
      kind: 'taken',
      byKey: row.key_intent_id ?? undefined,
      byDevice: row.device_intent_id ?? undefined
    }
  }
  if (!row.authority_active) return { kind: 'outdated', reason: 'authority' }
  if (!row.profile_current) return { kind: 'outdated', reason: 'profile' }
  return undefined
}

function columnsOf(intents: readonly Intent[]): unknown[] {
  return [
    intents.map(intent => intent.id),
    intents.map(intent => intent.createdAt.toISOString()),
    byteaArray(intents.map(intent => intent.serialNumber)),
    byteaArray(intents.map(intent => intent.spkiSha256)),
    byteaArray(intents.map(intent => intent.deviceSha256 ?? null)),
    byteaArray(intents.map(intent => intent.requestSha256)),
    byteaArray(intents.map(intent => intent.tbsDer)),
    byteaArray(intents.map(intent => intent.csrDer)),
    intents.map(intent => intent.station),
    intents.map(intent => intent.tokenId),
    intents.map(intent => intent.profileVersionId),
    intents.map(intent => intent.authorityId),
    intents.map(intent => JSON.stringify(intent.metadata)),
    intents.map(intent => intent.requestId)
  ]
}
