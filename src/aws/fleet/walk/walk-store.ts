import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { AwsPlace } from '../../iot/place.ts'
import type { WalkError } from '../reconciliation.ts'
import type { Walk, WalkAdvance } from './walk.ts'

export interface WalkStore {
  /** Those of the registrations in one place that have not ended: first those that AWS does not keep from going on. */
  listOpen(place: AwsPlace): Promise<readonly Walk[]>
  /** Those of CAs as a whole whose registrations have all ended, and whether one of them failed. */
  listReady(): Promise<readonly (Walk & { readonly hasFailed: boolean })[]>
  find(id: string): Promise<Walk | undefined>
  /** Where walks of registrations have not ended. */
  listOpenPlaces(): Promise<readonly AwsPlace[]>
  /** Why it does not go on now; @param isFinal: it ends so. */
  fail(walk: Walk, error: WalkError, isFinal: boolean): Promise<void>
  /**
   * Takes away some of what was not found again.
   *
   * @returns whether nothing is left of that, and the walk is done.
   */
  close(walk: Walk, limit: number): Promise<boolean>
}

const selectWalks = Prisma.sql`
  SELECT walk.id::text, walk.reconciliation_id::text AS "reconciliationId", walk.authority_id::text AS "authorityId",
    authority.name AS authority, walk.registration_id::text AS "registrationId", registration.region,
    registration.account_alias AS "accountAlias",
    coalesce((
      SELECT jsonb_typeof(desired -> 'provisioning') = 'object' FROM aws_registration_version AS asked
      WHERE asked.registration_id = walk.registration_id ORDER BY version DESC LIMIT 1
    ), false) AS "isProvisioning",
    walk.phase, walk.marker, walk.position, walk.arn_prefix AS "arnPrefix", walk.alarms, reconciliation.things,
    reconciliation.never_seen_days AS "neverSeenDays",
    extract(epoch FROM clock_timestamp() - walk.failing_since)::float8 AS "failingSeconds",
    walk.restarts, EXISTS (
      SELECT FROM aws_registration_state AS state
      WHERE state.registration_id = walk.registration_id AND aws_account_id IS NOT NULL
    ) AS "isRegistered", (
      SELECT aws_account_id FROM aws_registration AS same
      JOIN aws_registration_state AS state ON state.registration_id = same.id
      WHERE same.account_alias = registration.account_alias AND same.region = registration.region
        AND aws_account_id IS NOT NULL
      ORDER BY same.id LIMIT 1
    ) AS "awsAccountId"
  FROM fleet_walk AS walk
  JOIN fleet_reconciliation AS reconciliation ON reconciliation.id = walk.reconciliation_id
  JOIN authority ON authority.id = walk.authority_id
  LEFT JOIN aws_registration AS registration ON registration.id = walk.registration_id`

export function createWalkStore({ prisma }: Database): WalkStore {
  return {
    listOpen: ({ accountAlias, region }) =>
      runQuery(
        () => prisma.$queryRaw<Walk[]>`${selectWalks}
          WHERE reconciliation.finished_at IS NULL AND walk.ended_at IS NULL
            AND registration.account_alias = ${accountAlias} AND registration.region = ${region}
          ORDER BY walk.failing_since NULLS FIRST, walk.id`
      ),
    listReady: () =>
      runQuery(
        () => prisma.$queryRaw<(Walk & { hasFailed: boolean })[]>`
          SELECT ready.*, EXISTS (
            SELECT FROM fleet_walk AS other WHERE other.reconciliation_id = ready."reconciliationId"::uuid
              AND other.authority_id = ready."authorityId"::uuid AND other.phase = 'failed'
          ) AS "hasFailed"
          FROM (${selectWalks}
            WHERE reconciliation.finished_at IS NULL AND walk.ended_at IS NULL AND walk.registration_id IS NULL
          ) AS ready
          WHERE NOT EXISTS (
            SELECT FROM fleet_walk AS other WHERE other.reconciliation_id = ready."reconciliationId"::uuid
              AND other.authority_id = ready."authorityId"::uuid AND other.registration_id IS NOT NULL
              AND other.ended_at IS NULL
          )
          ORDER BY ready.id`
      ),
    find: id =>
      runQuery(async () => {
        const rows = await prisma.$queryRaw<Walk[]>`${selectWalks} WHERE walk.id = ${id}::uuid`
        return rows[0]
      }),
    listOpenPlaces: () =>
      runQuery(
        () => prisma.$queryRaw<AwsPlace[]>`
          SELECT DISTINCT registration.account_alias AS "accountAlias", registration.region
          FROM fleet_reconciliation AS reconciliation
          JOIN fleet_walk AS walk ON walk.reconciliation_id = reconciliation.id
          JOIN aws_registration AS registration ON registration.id = walk.registration_id
          WHERE reconciliation.finished_at IS NULL AND walk.ended_at IS NULL`
      ),
    async fail({ id }, error, isFinal) {
      await runQuery(
        () => prisma.$executeRaw`
          UPDATE fleet_walk SET last_error = ${JSON.stringify(error)}::jsonb,
            failing_since = coalesce(failing_since, clock_timestamp()),
            phase = CASE WHEN ${isFinal} THEN 'failed' ELSE phase END,
            ended_at = CASE WHEN ${isFinal} THEN clock_timestamp() END
          WHERE id = ${id}::uuid AND ended_at IS NULL`
      )
    },
    close: (walk, limit) =>
      runQuery(() => prisma.$transaction(each => close(each, walk, limit), transactionLimits))
  }
}

/** The statement that goes on from where the walk was read, and nowhere else: who comes second changes nothing. */
export function advanceStatement(
  walk: Walk,
  { phase, position }: WalkAdvance,
  more: Prisma.Sql = Prisma.empty
): Prisma.Sql {
  const isDone = phase === 'done'
  return Prisma.sql`
    UPDATE fleet_walk SET phase = ${phase}, position = ${position === null ? null : Buffer.from(position)}::bytea,
      failing_since = NULL, last_error = NULL, advanced_at = clock_timestamp(),
      ended_at = CASE WHEN ${isDone} THEN clock_timestamp() END ${more}
    WHERE ${standsAt(walk)}`
}

/**
 * Whether the walk still stands where it was read. It stays there until the transaction ends: for what is kept without going on.
 */
export async function holdWalk(transaction: Prisma.TransactionClient, walk: Walk): Promise<boolean> {
  const rows = await transaction.$queryRaw<unknown[]>`
    SELECT FROM fleet_walk WHERE ${standsAt(walk)} FOR UPDATE`
  return rows.length > 0
}

function standsAt({ id, phase, marker, position }: Walk): Prisma.Sql {
  return Prisma.sql`
    id = ${id}::uuid AND phase = ${phase} AND marker IS NOT DISTINCT FROM ${marker}
      AND position IS NOT DISTINCT FROM ${position === null ? null : Buffer.from(position)}::bytea`
}

/** An alarm that nobody has acknowledged stays. */
async function close(transaction: Prisma.TransactionClient, walk: Walk, limit: number): Promise<boolean> {
  const { id, registrationId, authorityId, reconciliationId } = walk
  const placeId = registrationId ?? authorityId
  const findings = await transaction.$executeRaw`
    DELETE FROM fleet_finding WHERE id IN (
      SELECT id FROM fleet_finding
      WHERE place_id = ${placeId}::uuid AND confirmed_by <> ${reconciliationId}::uuid
        AND NOT (is_alarm AND acknowledged_at IS NULL)
        AND NOT (kind = 'orphaned-thing' AND ${walk.things} = 'none')
        -- It would be told again by the next look that can ask KMS.
        AND NOT (kind = 'key-used-elsewhere' AND EXISTS (
          SELECT FROM fleet_walk WHERE fleet_walk.id = ${id}::uuid AND key_error IS NOT NULL
        ))
      LIMIT ${limit}
    )`
  const certificates = await closeCertificates(transaction, walk, limit)
  if (findings + certificates > 0) return false
  const held = Prisma.sql`, held = (
    SELECT jsonb_build_object(
      'registered', coalesce(sum(count), 0), 'connected', coalesce(sum(connected), 0),
      'byStatus', coalesce(jsonb_object_agg(status, count), '{}')
    ) FROM (
      SELECT status, count(*) AS count, count(connected_at) AS connected FROM fleet_certificate
      WHERE registration_id = ${registrationId}::uuid AND seen_by = ${reconciliationId}::uuid GROUP BY status
    ) AS counted
  )`
  const more = registrationId === null ? Prisma.empty : held
  await transaction.$executeRaw(advanceStatement({ ...walk, id }, { phase: 'done', position: null }, more))
  return true
}

/**
 * Of what AWS holds no more, that it was there is kept as long as the record says that it is in use. Where it comes back, AWS is asked
 * for its things anew.
 *
 * @returns how many rows were changed: there may be more.
 */
async function closeCertificates(
  transaction: Prisma.TransactionClient,
  { registrationId, reconciliationId, things }: Walk,
  limit: number
): Promise<number> {
  const gone = Prisma.sql`gone.registration_id = ${registrationId}::uuid AND gone.seen_by <> ${reconciliationId}::uuid`
  const deleted = await transaction.$executeRaw`
    DELETE FROM fleet_certificate WHERE (registration_id, certificate_id) IN (
      SELECT registration_id, certificate_id FROM fleet_certificate AS gone
      WHERE ${gone}
        -- Those with things wait for a look that asks for them.
        AND (things = '{}' OR ${things} <> 'none')
        AND NOT (
          EXISTS (SELECT FROM issued WHERE issued.intent_id = gone.intent_id OFFSET 0)
          AND NOT EXISTS (
            SELECT FROM certificate_status AS standing WHERE standing.intent_id = gone.intent_id
              AND (standing.state = 'revoked' OR standing.ends_at IS NOT NULL) OFFSET 0
          )
        )
      LIMIT ${limit}
    )`
  const marked = await transaction.$executeRaw`
    UPDATE fleet_certificate SET things_at = NULL WHERE (registration_id, certificate_id) IN (
      SELECT registration_id, certificate_id FROM fleet_certificate AS gone
      WHERE ${gone} AND things_at IS NOT NULL LIMIT ${limit}
    )`
  return deleted + marked
}
