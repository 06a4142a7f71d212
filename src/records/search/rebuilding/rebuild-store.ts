import type { AuditEvent } from '../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'

export interface RebuildStore {
  /** About how many records there are, without a count of them; 0 where nobody knows. */
  estimate(): Promise<number>
  /** Empties everything that records are searched by; whoever fills begins anew. */
  reset(event: AuditEvent): Promise<void>
  /** How many records are filled in. */
  countFilled(): Promise<number>
}

export function createRebuildStore({ prisma }: Database): RebuildStore {
  return {
    async estimate() {
      const [row] = await runQuery(
        () => prisma.$queryRaw<{ estimate: number }[]>`
          SELECT greatest(
            (SELECT records FROM search_progress),
            (SELECT sum(greatest(reltuples, 0))
              FROM (SELECT * FROM pg_partition_tree('intent') UNION ALL SELECT * FROM pg_partition_tree('refusal')) AS part
              JOIN pg_class ON pg_class.oid = part.relid
              WHERE part.isleaf)
          )::float8 AS estimate`
      )
      return row!.estimate
    },
    async reset(event) {
      await runQuery(() =>
        prisma.$transaction(async transaction => {
          await insertAuditEvent(transaction, event)
          await transaction.$queryRaw`SELECT reset_search()::text`
        }, transactionLimits)
      )
    },
    async countFilled() {
      const [row] = await runQuery(
        () => prisma.$queryRaw<{ records: number }[]>`SELECT records::float8 AS records FROM search_progress`
      )
      return row!.records
    }
  }
}
