import type { Database } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import type { AwsPlace } from '../iot/place.ts'
import { isUnclaimed } from './claim-store.ts'
import type { PushError } from './push.ts'

/** A CA as it was found; null where it is not registered there. */
export interface CaFound {
  readonly status: string
  readonly autoRegistration: string
}

/** How far each registration has come as a whole. */
export interface ProgressStore {
  /** The accounts and regions where something is due. */
  listDue(): Promise<readonly AwsPlace[]>
  /** From then on they are walked. */
  begin(registrationIds: readonly string[]): Promise<void>
  /** Those of them that are to be walked: for the first time, and again each day. */
  listWalks(registrationIds: readonly string[]): Promise<readonly string[]>
  /**
   * Takes up some of what is revoked or on hold, from where it stands: what is not known to the registration yet, and what is not
   * to be looked at again although it should be.
   *
   * @returns whether the walk is over.
   */
  walk(registrationId: string, limit: number): Promise<boolean>
  hasDue(registrationIds: readonly string[]): Promise<boolean>
  /** Whether it is to be asked whether a CA that was not there, and that something waits for, is there again. */
  isCaDue(registrationIds: readonly string[]): Promise<boolean>
  /** Keeps what was found. Where the CA is there, what was never seen without it is looked for. */
  putCa(registrationId: string, found: CaFound | null): Promise<void>
  /** Why AWS cannot be told; null: it can. */
  putFailure(registrationIds: readonly string[], error: PushError | null): Promise<void>
  /** What a clock that was far ahead has put off is due now. */
  recall(): Promise<void>
}

const walkPause = `interval '1 day'`

/** A number that is not given out yet is of another cluster, which the database was restored from. */
const isWalkDue = `(
  state.walked_at IS NULL AND (
    state.seen_xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    OR state.seen_xid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
  )
  OR state.walked_at NOT BETWEEN clock_timestamp() - ${walkPause} AND clock_timestamp() + interval '1 minute'
  OR state.position IS NOT NULL
)`

/** What another one has is its own to end, or is due again when its lease is over. */
const isPushDue = `EXISTS (
  SELECT FROM aws_push
  WHERE registration_id = registration.id AND state = 'waiting' AND due_at <= clock_timestamp() AND ${isUnclaimed}
) OR EXISTS (
  SELECT FROM aws_push
  WHERE registration_id = registration.id AND state <> 'waiting' AND due_at <= clock_timestamp() AND ${isUnclaimed}
)`

/** Of a registration: by a clock that was ahead, it would be looked at too late. */
const isCaLookDue = `EXISTS (SELECT FROM aws_push WHERE registration_id = registration.id AND state = 'absent')
  AND EXISTS (
    SELECT FROM aws_push_state WHERE registration_id = registration.id
      AND ca_checked_at NOT BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp() + interval '1 minute'
  )`

/** Further off than a run ever puts one of its state; by the indexes of the table. */
const recallStatement = `
UPDATE aws_push SET due_at = clock_timestamp()
FROM aws_registration AS registration CROSS JOIN LATERAL (
  SELECT id FROM aws_push WHERE registration_id = registration.id AND state = 'waiting'
    AND due_at > clock_timestamp() + interval '11 minutes'
  UNION ALL
  SELECT id FROM aws_push WHERE registration_id = registration.id AND state = 'refused'
    AND due_at > clock_timestamp() + interval '6 hours 1 minute'
  UNION ALL
  SELECT id FROM aws_push WHERE registration_id = registration.id AND state = 'unseen'
    AND due_at > clock_timestamp() + interval '1 day 1 minute'
  UNION ALL
  SELECT id FROM aws_push WHERE registration_id = registration.id AND state <> 'waiting' AND due_at IS NOT NULL
    AND due_at > clock_timestamp() + interval '31 days'
) AS late
WHERE aws_push.id = late.id`

const dueStatement = `
SELECT DISTINCT registration.account_alias AS "accountAlias", registration.region
FROM aws_registration AS registration LEFT JOIN aws_push_state AS state ON state.registration_id = registration.id
WHERE state.registration_id IS NULL OR ${isWalkDue} OR ${isPushDue} OR (${isCaLookDue})
ORDER BY registration.region, registration.account_alias`

export function createProgressStore({ prisma }: Database): ProgressStore {
  return {
    listDue: () => runQuery(() => prisma.$queryRawUnsafe<AwsPlace[]>(dueStatement)),
    async begin(registrationIds) {
      await runQuery(
        () => prisma.$executeRaw`
          INSERT INTO aws_push_state (registration_id, seen_xid)
          SELECT id, pg_current_xact_id()::text::bigint FROM unnest(${[...registrationIds]}::uuid[]) AS registration(id)
          ON CONFLICT (registration_id) DO NOTHING`
      )
    },
    async listWalks(registrationIds) {
      const rows = await runQuery(() =>
        prisma.$queryRawUnsafe<{ id: string }[]>(
          `SELECT registration_id::text AS id FROM aws_push_state AS state
           WHERE registration_id = ANY($1::uuid[]) AND ${isWalkDue} ORDER BY registration_id`,
          [...registrationIds]
        )
      )
      return rows.map(({ id }) => id)
    },
    walk: (registrationId, limit) => runQuery(() => walk(prisma, registrationId, limit)),
    async hasDue(registrationIds) {
      const rows = await runQuery(() =>
        prisma.$queryRawUnsafe<unknown[]>(
          `SELECT FROM unnest($1::uuid[]) AS registration(id) WHERE ${isPushDue} LIMIT 1`,
          [...registrationIds]
        )
      )
      return rows.length > 0
    },
    async isCaDue(registrationIds) {
      const rows = await runQuery(() =>
        prisma.$queryRawUnsafe<unknown[]>(
          `SELECT FROM unnest($1::uuid[]) AS registration(id) WHERE ${isCaLookDue} LIMIT 1`,
          [...registrationIds]
        )
      )
      return rows.length > 0
    },
    putCa: (registrationId, found) => runQuery(() => putCa(prisma, registrationId, found)),
    putFailure: (registrationIds, error) => runQuery(() => putFailure(prisma, registrationIds, error)),
    async recall() {
      await runQuery(() => prisma.$executeRawUnsafe(recallStatement))
    }
  }
}

async function putCa(
  prisma: Database['prisma'],
  registrationId: string,
  found: CaFound | null
): Promise<void> {
  await prisma.$executeRaw`
    UPDATE aws_push_state SET ca_status = ${found?.status ?? null},
      auto_registration = ${found?.autoRegistration ?? null}, ca_checked_at = clock_timestamp()
    WHERE registration_id = ${registrationId}::uuid`
  if (found === null) return
  // After a crash before this, the CA is due to be looked at again within the hour.
  await prisma.$executeRaw`
    UPDATE aws_push SET state = 'unseen', tries = 0, due_at = clock_timestamp()
    WHERE registration_id = ${registrationId}::uuid AND state = 'absent'`
}

async function putFailure(
  prisma: Database['prisma'],
  registrationIds: readonly string[],
  error: PushError | null
): Promise<void> {
  const kept = error === null ? null : JSON.stringify(error)
  await prisma.$executeRaw`
    UPDATE aws_push_state SET last_error = ${kept}::jsonb,
      failed_since = CASE WHEN ${kept}::jsonb IS NOT NULL THEN coalesce(failed_since, clock_timestamp()) END
    WHERE registration_id = ANY(${[...registrationIds]}::uuid[])
      AND (${kept}::jsonb IS NOT NULL OR failed_since IS NOT NULL)`
}

interface Looked {
  readonly last: Uint8Array | null
  readonly missing: number
}

/** Along the serial numbers of the CA's certificates. Of a month that is detached, nothing but the serial number is there. */
async function walk(prisma: Database['prisma'], registrationId: string, limit: number): Promise<boolean> {
  const [looked] = await prisma.$queryRaw<Looked[]>`
    WITH looked AS MATERIALIZED (
      SELECT status.intent_id, status.serial_number, status.state, status.act_id
      FROM certificate_status AS status
      JOIN aws_registration ON aws_registration.id = ${registrationId}::uuid
        AND aws_registration.authority_id = status.authority_id
      WHERE status.serial_number > coalesce(
        (SELECT position FROM aws_push_state WHERE registration_id = ${registrationId}::uuid), ''::bytea
      )
      ORDER BY status.serial_number LIMIT ${limit}
    ), taken AS (
      INSERT INTO aws_push
        (intent_id, registration_id, certificate_id, profile_version_id, act_id, order_id, asked_at, state, due_at)
      SELECT intent.id, ${registrationId}::uuid, issued.certificate_id, intent.profile_version_id, act.id, act.order_id,
        act.created_at, 'waiting', clock_timestamp()
      FROM looked
      JOIN revocation_act AS act ON act.id = looked.act_id
      JOIN intent ON intent.id = looked.intent_id
      JOIN issued ON issued.intent_id = looked.intent_id
      WHERE looked.state IN ('revoked', 'held')
      ORDER BY intent.id
      ON CONFLICT (intent_id, registration_id) DO NOTHING
    ), reopened AS (
      UPDATE aws_push SET act_id = looked.act_id, state = 'waiting', tries = 0, due_at = clock_timestamp()
      FROM looked
      WHERE looked.state IN ('revoked', 'held') AND aws_push.intent_id = looked.intent_id
        AND aws_push.registration_id = ${registrationId}::uuid AND aws_push.due_at IS NULL
        AND (aws_push.state <> 'over' OR aws_push.not_after > clock_timestamp())
        -- That waits for its CA.
        AND aws_push.state <> 'absent'
    )
    SELECT (SELECT serial_number FROM looked ORDER BY serial_number DESC LIMIT 1) AS last, count(*) FILTER (
      WHERE looked.state IN ('revoked', 'held') AND NOT EXISTS (SELECT FROM intent WHERE id = looked.intent_id)
        AND NOT EXISTS (
          SELECT FROM aws_push
          WHERE aws_push.intent_id = looked.intent_id AND registration_id = ${registrationId}::uuid
        )
    )::integer AS missing
    FROM looked`
  const last = looked?.last ?? null
  // A crash before this walks the same again, which changes nothing.
  await prisma.$executeRaw`
    UPDATE aws_push_state SET
      left_out = CASE WHEN position IS NULL THEN 0 ELSE left_out END + ${looked?.missing ?? 0}::integer,
      position = ${last}::bytea,
      walked_at = CASE WHEN ${last}::bytea IS NULL THEN clock_timestamp() ELSE walked_at END
    WHERE registration_id = ${registrationId}::uuid`
  return last === null
}
