import type { AuditEvent } from '../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { findingKinds } from '../finding.ts'
import type { Finding, FindingQuery, FleetPlace } from './fleet.ts'

export interface FleetStore {
  /** Newest first. */
  list(query: FindingQuery): Promise<readonly Finding[]>
  /** @param most of each kind that are counted. */
  summarize(most: number): Promise<readonly FleetPlace[]>
  /** Undefined where there is no such alarm. One that is acknowledged stays as it is. */
  acknowledge(id: string, how: Acknowledgement): Promise<Finding | undefined>
}

interface Acknowledgement {
  readonly at: Date
  readonly by: string
  readonly note: string | null
  readonly eventOf: (finding: Finding) => AuditEvent
}

/** @param search reads with: that must not hold up the issuance path. */
export function createFleetStore({ prisma }: Database, search: Database): FleetStore {
  return {
    list: query => runQuery(() => search.prisma.$queryRaw<Finding[]>(listStatement(query))),
    summarize: most => runQuery(() => search.prisma.$queryRaw<FleetPlace[]>(summaryStatement(most))),
    acknowledge: (id, how) =>
      runQuery(() => prisma.$transaction(each => acknowledge(each, id, how), transactionLimits))
  }
}

async function acknowledge(
  transaction: Prisma.TransactionClient,
  id: string,
  { at, by, note, eventOf }: Acknowledgement
): Promise<Finding | undefined> {
  const changed = await transaction.$executeRaw`
    UPDATE fleet_finding SET acknowledged_at = ${at}::timestamptz, acknowledged_by = ${by}, acknowledge_note = ${note}
    WHERE id = ${id}::bigint AND is_alarm AND acknowledged_at IS NULL`
  const [finding] = await transaction.$queryRaw<Finding[]>`
    SELECT ${findingColumns} FROM fleet_finding AS finding ${findingJoins} WHERE finding.id = ${id}::bigint AND finding.is_alarm`
  if (changed > 0 && finding !== undefined) await insertAuditEvent(transaction, eventOf(finding))
  return finding
}

/** Of rows of findings as `finding`. */
export const findingJoins = Prisma.sql`
  JOIN authority ON authority.id = finding.authority_id
  LEFT JOIN aws_registration AS registration ON registration.id = finding.registration_id`

export const findingColumns = Prisma.sql`
  finding.id::text, finding.kind, authority.name AS authority, finding.registration_id::text AS "registrationId",
  registration.account_alias AS "accountAlias", registration.region,
  CASE WHEN octet_length(finding.key) = 32 AND finding.kind NOT IN ('orphaned-thing', 'key-used-elsewhere')
    THEN encode(finding.key, 'hex') END AS "certificateId",
  finding.intent_id::text AS "issuanceId", finding.details, finding.found_at AS "foundAt",
  finding.confirmed_at AS "confirmedAt", finding.acknowledged_at AS "acknowledgedAt",
  finding.acknowledged_by AS "acknowledgedBy", finding.acknowledge_note AS "acknowledgeNote"`

/** The places that findings are of: each registration, and each CA that has any. */
const places = Prisma.sql`(
    SELECT id AS place_id, id AS registration_id, authority_id, region, account_alias FROM aws_registration
    UNION ALL
    SELECT DISTINCT authority_id, NULL::uuid, authority_id, NULL, NULL FROM aws_registration
  )`

/** A walk along an index of each place and kind, to its end where a page is full. */
function listStatement(query: FindingQuery): Prisma.Sql {
  const { kind, authority, region, accountAlias, issuance, isOpenAlarm, cursor, limit } = query
  const kinds = kind === undefined ? findingKinds : [kind]
  const conditions = [
    Prisma.sql`place_id = place.place_id AND kind = wanted.kind`,
    ...(cursor === undefined ? [] : [Prisma.sql`id < ${cursor}::bigint`]),
    ...(issuance === undefined ? [] : [Prisma.sql`intent_id = ${issuance}::uuid`]),
    ...(isOpenAlarm === true ? [Prisma.sql`is_alarm AND acknowledged_at IS NULL`] : [])
  ]
  const wanted = [
    Prisma.sql`true`,
    ...(authority === undefined ? [] : [Prisma.sql`authority.name = ${authority}`]),
    ...(region === undefined ? [] : [Prisma.sql`registration.region = ${region}`]),
    ...(accountAlias === undefined ? [] : [Prisma.sql`registration.account_alias = ${accountAlias}`])
  ]
  return Prisma.sql`
    SELECT ${findingColumns}
    FROM ${places} AS place
    CROSS JOIN unnest(${[...kinds]}::text[]) AS wanted(kind)
    CROSS JOIN LATERAL (
      SELECT * FROM fleet_finding WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY id DESC LIMIT ${limit}
    ) AS finding
    ${findingJoins}
    WHERE ${Prisma.join(wanted, ' AND ')}
    ORDER BY finding.id DESC LIMIT ${limit}`
}

/** One that AWS keeps from going on is told only then: AWS has too many calls now and then. */
const longestTrying = Prisma.sql`interval '15 minutes'`
/** A step takes a minute; where none was kept for so long, no job goes on with the look. */
const longestStanding = Prisma.sql`interval '2 hours'`

const summaryStatement = (most: number) => Prisma.sql`
  SELECT authority.name AS authority, place.registration_id::text AS "registrationId",
    place.account_alias AS "accountAlias", place.region, good.held, good.ended_at AS "lookedAt",
    good.reconciliation_id::text AS reconciliation,
    coalesce((
      SELECT jsonb_object_agg(kind, count) FROM unnest(${[...findingKinds]}::text[]) AS wanted(kind)
      CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM (
          SELECT FROM fleet_finding WHERE place_id = place.place_id AND kind = wanted.kind LIMIT ${most}
        ) AS found
      ) AS counted
      WHERE count > 0
    ), '{}') AS findings,
    (
      SELECT count(*)::integer FROM fleet_finding
      WHERE place_id = place.place_id AND is_alarm AND acknowledged_at IS NULL
    ) AS "openAlarms",
    coalesce(last.last_error, last.key_error) AS "lastError",
    EXISTS (
      SELECT FROM fleet_walk AS walk JOIN fleet_reconciliation AS look ON look.id = walk.reconciliation_id
      WHERE walk.registration_id IS NOT DISTINCT FROM place.registration_id AND walk.authority_id = place.authority_id
        AND look.finished_at IS NULL AND walk.ended_at IS NULL
        AND NOT EXISTS (
          SELECT FROM fleet_walk AS other WHERE other.reconciliation_id = look.id
            AND other.advanced_at > clock_timestamp() - ${longestStanding}
        )
    ) AS "isStuck"
  FROM ${places} AS place
  JOIN authority ON authority.id = place.authority_id
  LEFT JOIN LATERAL (
    SELECT held, ended_at, reconciliation_id FROM fleet_walk
    WHERE registration_id IS NOT DISTINCT FROM place.registration_id AND authority_id = place.authority_id
      AND phase = 'done' ORDER BY id DESC LIMIT 1
  ) AS good ON true
  LEFT JOIN LATERAL (
    SELECT last_error, key_error FROM fleet_walk
    WHERE registration_id IS NOT DISTINCT FROM place.registration_id AND authority_id = place.authority_id
      AND (ended_at IS NOT NULL OR failing_since < clock_timestamp() - ${longestTrying}) ORDER BY id DESC LIMIT 1
  ) AS last ON true
  ORDER BY authority.name, place.registration_id NULLS LAST`
