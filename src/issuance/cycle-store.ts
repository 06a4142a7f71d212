import { byteaArray } from '../database/array-literal.ts'
import { type Database, isSerializationOrDeadlock, isUniqueViolation } from '../database/database.ts'
import { withPartitions } from '../database/partitions.ts'
import { runQuery } from '../database/run-query.ts'
import type { PredictedThing } from '../jitp/evaluation/prediction.ts'
import type { DurableIntent, Intent } from './intent.ts'

/** What became of an intent that was handed in for commit. */
export type IntentOutcome =
  /** It is committed: key, device and serial are taken for it, for good. */
  | { readonly kind: 'durable'; readonly intent: DurableIntent }
  /** An earlier intent holds the key or the device. Nothing was written. */
  | { readonly kind: 'taken'; readonly byKey: string | undefined; readonly byDevice: string | undefined }
  /** The rules it was made under no longer stand. Nothing was written. */
  | { readonly kind: 'outdated'; readonly reason: 'authority' | 'profile' | 'token' }

/** What is written of a signed certificate. */
export interface SignedCertificate {
  readonly intentId: string
  readonly certificateDer: Uint8Array
  /** SHA-256 of `certificateDer`. */
  readonly certificateId: Uint8Array
  readonly issuedAt: Date
  /** What AWS IoT will make of it; null where the template makes no thing. */
  readonly thing: PredictedThing | null
}

/** What became of a certificate: an intent has one, and another process may have recorded it first. */
export type CertificateOutcome = { readonly kind: 'recorded' } | { readonly kind: 'recorded-before' }

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
  readonly key_intent_id: string | null
  readonly device_intent_id: string | null
}

/**
 * Judges and writes a whole group.
 *
 * Intents of the group that want the same key or device: only the first is written, and the others come back
 * undecided. Rows that race with another process: the primary keys of certified_key and certified_device make this
 * statement fail as a whole, and the next try sees the winner. FOR SHARE holds off a change of the authority's
 * state, or the revocation of the token, until this group is committed: no intent names a generation that is no longer
 * active, nor comes from a token that is revoked.
 */
const commitStatement = `
WITH intent_input AS MATERIALIZED (
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
  WHERE id IN (SELECT authority_id FROM intent_input) AND state = 'active'
  FOR SHARE
),
valid_token AS MATERIALIZED (
  SELECT id FROM token WHERE id IN (SELECT token_id FROM intent_input) AND revoked_at IS NULL
  FOR SHARE
),
current_profile AS MATERIALIZED (
  SELECT id FROM profile_version AS this
  WHERE id IN (SELECT profile_version_id FROM intent_input)
    AND NOT EXISTS (
      SELECT FROM profile_version AS later WHERE later.name = this.name AND later.version > this.version
    )
),
judged AS MATERIALIZED (
  SELECT
    intent_input.*,
    authority_id IN (SELECT id FROM active_authority) AS authority_active,
    token_id IN (SELECT id FROM valid_token) AS token_valid,
    profile_version_id IN (SELECT id FROM current_profile) AS profile_current,
    certified_key.intent_id AS key_intent_id,
    certified_device.intent_id AS device_intent_id
  FROM intent_input
  LEFT JOIN certified_key ON certified_key.spki_sha256 = intent_input.spki_sha256
  LEFT JOIN certified_device ON certified_device.device_sha256 = intent_input.device_sha256
),
candidate AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY spki_sha256 ORDER BY ordinal) AS key_rank,
    row_number() OVER (PARTITION BY device_sha256 ORDER BY ordinal) AS device_rank
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
  INSERT INTO certified_key (spki_sha256, occurrence, device_sha256, intent_id)
  SELECT spki_sha256, 1, device_sha256, id FROM committed
),
new_serial AS (
  INSERT INTO certified_serial (serial_number, intent_id) SELECT serial_number, id FROM committed
),
new_device AS (
  INSERT INTO certified_device (device_sha256, occurrence, intent_id) SELECT device_sha256, 1, id FROM committed
),
new_open AS (
  INSERT INTO open_intent (intent_id) SELECT id FROM committed
),
certificate_input AS MATERIALIZED (
  SELECT * FROM unnest($15::uuid[], $16::bytea[], $17::bytea[], $18::timestamptz[], $19::json[]) WITH ORDINALITY
    AS t(intent_id, certificate_der, certificate_id, issued_at, thing, ordinal)
),
recorded AS (
  INSERT INTO issued (intent_id, certificate_der, certificate_id, issued_at, thing)
  SELECT intent_id, certificate_der, certificate_id, issued_at, thing FROM certificate_input
  ON CONFLICT (intent_id) DO NOTHING
  RETURNING intent_id
),
new_id AS (
  INSERT INTO certified_id (certificate_id, intent_id)
  SELECT certificate_id, intent_id FROM certificate_input WHERE intent_id IN (SELECT intent_id FROM recorded)
)
SELECT
  'intent' AS kind, ordinal::int, authority_active, profile_current, token_valid, key_intent_id, device_intent_id
FROM judged
WHERE ordinal NOT IN (SELECT ordinal FROM committed)
UNION ALL
SELECT 'certificate', ordinal::int, NULL, NULL, NULL, NULL, NULL
FROM certificate_input
WHERE intent_id NOT IN (SELECT intent_id FROM recorded)`

/** Each lost race means that another process won one, so a handful of tries is plenty. */
const maximumTries = 8

export function createCycleStore(database: Database): CycleStore {
  async function run(intents: readonly Intent[], certificates: readonly SignedCertificate[]) {
    const columns = [...columnsOfIntents(intents), ...columnsOfCertificates(certificates)]
    for (let tries = 1; ; tries++) {
      try {
        return await withPartitions(
          database,
          () => [...intents.map(({ id }) => id), ...certificates.map(({ intentId }) => intentId)],
          async () => database.prisma.$queryRawUnsafe<ExceptionRow[]>(commitStatement, ...columns)
        )
      } catch (error) {
        const isLostRace = isUniqueViolation(error) || isSerializationOrDeadlock(error)
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
      return { kind: row === undefined ? 'recorded' : 'recorded-before' } as const
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
  if (row === undefined) return { kind: 'durable', intent: intent as DurableIntent }
  if (row.token_valid !== true) return { kind: 'outdated', reason: 'token' }
  if (row.key_intent_id !== null || row.device_intent_id !== null) {
    return {
      kind: 'taken',
      byKey: row.key_intent_id ?? undefined,
      byDevice: row.device_intent_id ?? undefined
    }
  }
  if (row.authority_active !== true) return { kind: 'outdated', reason: 'authority' }
  if (row.profile_current !== true) return { kind: 'outdated', reason: 'profile' }
  return undefined
}

function columnsOfIntents(intents: readonly Intent[]): unknown[] {
  return [
    intents.map(intent => intent.id),
    intents.map(intent => intent.createdAt.toISOString()),
    byteaArray(intents.map(intent => intent.serialNumber)),
    byteaArray(intents.map(intent => intent.spkiSha256)),
    byteaArray(intents.map(intent => intent.deviceSha256)),
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

function columnsOfCertificates(certificates: readonly SignedCertificate[]): unknown[] {
  return [
    certificates.map(certificate => certificate.intentId),
    byteaArray(certificates.map(certificate => certificate.certificateDer)),
    byteaArray(certificates.map(certificate => certificate.certificateId)),
    certificates.map(certificate => certificate.issuedAt.toISOString()),
    certificates.map(({ thing }) => (thing === null ? null : JSON.stringify(thing)))
  ]
}
