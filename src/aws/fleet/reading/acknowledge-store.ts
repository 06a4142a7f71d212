import type { AuditEvent } from '../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { AlarmSelection, Finding } from './fleet.ts'
import { findingColumns, findingJoins } from './fleet-store.ts'

export interface AcknowledgeStore {
  /** Not more than `most` are counted. */
  count(selection: AlarmSelection, most: number): Promise<number>
  /** The first of them, oldest first. */
  select(selection: AlarmSelection, limit: number): Promise<readonly Finding[]>
  /** Those that are expected, in one transaction with the event; or none, where it is another number. @returns the number. */
  acknowledge(selection: AlarmSelection, how: AcknowledgedAlarms): Promise<number>
}

interface AcknowledgedAlarms {
  readonly at: Date
  readonly by: string
  readonly note: string | null
  readonly expected: number
  readonly most: number
  readonly event: AuditEvent
}

/** @param search reads with: that must not hold up the issuance path. */
export function createAcknowledgeStore({ prisma }: Database, search: Database): AcknowledgeStore {
  return {
    count: (selection, most) =>
      runQuery(async () => {
        const rows = await search.prisma.$queryRaw<{ count: number }[]>`
          SELECT count(*)::integer AS count FROM (${selectIds(selection, most)}) AS own`
        return rows[0]!.count
      }),
    select: (selection, limit) =>
      runQuery(
        () => search.prisma.$queryRaw<Finding[]>`
          SELECT ${findingColumns} FROM (${selectIds(selection, limit)}) AS own
          JOIN fleet_finding AS finding ON finding.id = own.id ${findingJoins}
          ORDER BY finding.id`
      ),
    acknowledge: (selection, how) =>
      runQuery(() => prisma.$transaction(each => acknowledge(each, selection, how), transactionLimits))
  }
}

async function acknowledge(
  transaction: Prisma.TransactionClient,
  selection: AlarmSelection,
  { at, by, note, expected, most, event }: AcknowledgedAlarms
): Promise<number> {
  const rows = await transaction.$queryRaw<
    { id: bigint }[]
  >`${selectIds(selection, most)} FOR UPDATE OF finding`
  if (rows.length !== expected) return rows.length
  await transaction.$executeRaw`
    UPDATE fleet_finding SET acknowledged_at = ${at}::timestamptz, acknowledged_by = ${by}, acknowledge_note = ${note}
    WHERE id = ANY(${rows.map(({ id }) => id)}::bigint[])`
  await insertAuditEvent(transaction, event)
  return rows.length
}

/** Oldest first. */
function selectIds(
  { authority, kind, region, accountAlias, registeredBefore }: AlarmSelection,
  limit: number
): Prisma.Sql {
  const conditions = [
    Prisma.sql`finding.is_alarm AND finding.acknowledged_at IS NULL AND authority.name = ${authority}`,
    ...(kind === undefined ? [] : [Prisma.sql`finding.kind = ${kind}`]),
    ...(region === undefined ? [] : [Prisma.sql`registration.region = ${region}`]),
    ...(accountAlias === undefined ? [] : [Prisma.sql`registration.account_alias = ${accountAlias}`]),
    ...(registeredBefore === undefined
      ? []
      : [
          Prisma.sql`(finding.details ->> 'registeredAt')::timestamptz < ${registeredBefore.toISOString()}::timestamptz`
        ])
  ]
  return Prisma.sql`
    SELECT finding.id FROM fleet_finding AS finding ${findingJoins}
    WHERE ${Prisma.join(conditions, ' AND ')}
    ORDER BY finding.id LIMIT ${limit}`
}
