import type { Database } from '../database/database.ts'
import { withPartitions } from '../database/partitions.ts'
import { batchColumns, describeRowBatch } from '../database/row-batch.ts'
import { runQuery } from '../database/run-query.ts'
import { refusalColumns, type RefusalRow } from './record-model.ts'

export interface RefusalStore {
  /** Commits a group of refusals in one statement. */
  commit(refusals: readonly RefusalRow[]): Promise<readonly void[]>
}

const refusalBatch = describeRowBatch(batchColumns(refusalColumns))

const refusalStatement = `
INSERT INTO refusal (${refusalBatch.columnList})
SELECT * FROM ${refusalBatch.unnest}`

export function createRefusalStore(database: Database): RefusalStore {
  return {
    async commit(refusals) {
      const parameters = refusalBatch.parametersOf(refusals)
      await runQuery(() =>
        withPartitions(
          database,
          () => refusals.map(({ id }) => id),
          async () => database.prisma.$executeRawUnsafe(refusalStatement, ...parameters)
        )
      )
      return refusals.map(() => undefined)
    }
  }
}
