import type { Database } from '../../database/database.ts'
import { withPartitions } from '../../database/partitions.ts'
import { runQuery } from '../../database/run-query.ts'
import type { ErrorCode } from '../../errors/mintline-error.ts'
import { identifierBounds } from '../../sources/identifier.ts'
import { readPage } from '../../sources/page.ts'
import type { CountReason, RefusalCount, RefusalCountQuery, RefusalCounts } from './refusal-count.ts'

export interface RefusalCountStore extends RefusalCounts {
  /** Those that are on record already, by their id, are left as they are: who does not know what became of it asks again. */
  insert(counts: readonly RefusalCount[]): Promise<void>
}

/**
 * @param database for what the issuance path writes.
 * @param search for what people look up, which must not hold up the issuance path.
 */
export function createRefusalCountStore(database: Database, search: Database): RefusalCountStore {
  return {
    async insert(counts) {
      await runQuery(() =>
        withPartitions(
          database,
          () => counts.map(({ id }) => id),
          async () => database.prisma.refusalCount.createMany({ data: [...counts], skipDuplicates: true })
        )
      )
    },
    list: query => readPage(query, wanted => readCounts(search, wanted))
  }
}

async function readCounts({ prisma }: Database, query: RefusalCountQuery): Promise<readonly RefusalCount[]> {
  const rows = await runQuery(() =>
    prisma.refusalCount.findMany({ where: whereOf(query), orderBy: { id: 'desc' }, take: query.limit })
  )
  return rows.map(row => ({ ...row, code: row.code as ErrorCode, reason: row.reason as CountReason }))
}

function whereOf({ station, code, ...range }: RefusalCountQuery) {
  const { first, end } = identifierBounds(range)
  return {
    ...(station !== undefined && { station }),
    ...(code !== undefined && { code }),
    id: { ...(first !== undefined && { gte: first }), ...(end !== undefined && { lt: end }) }
  }
}
