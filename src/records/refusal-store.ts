import type { Database } from '../database/database.ts'
import { withPartitions } from '../database/partitions.ts'
import { batchColumns, describeRowBatch } from '../database/row-batch.ts'
import { runQuery } from '../database/run-query.ts'
import { refusalColumns, type RefusalRow } from './record-model.ts'

/** What became of a refusal: the request of a token that is revoked by then leaves nothing behind. */
export type RefusalOutcome = 'recorded' | 'token-revoked'

export interface RefusalStore {
  /** Commits a group of refusals in one statement. */
  commit(refusals: readonly RefusalRow[]): Promise<readonly RefusalOutcome[]>
}

const refusalBatch = describeRowBatch(batchColumns(refusalColumns))

/** FOR SHARE holds off the revocation of a token until this is committed. A row comes back for what was not written. */
const refusalStatement = `
WITH input AS MATERIALIZED (
  SELECT * FROM ${refusalBatch.unnest} WITH ORDINALITY AS t(${refusalBatch.columnList}, ordinal)
),
presented AS MATERIALIZED (
  SELECT id, revoked_at FROM token WHERE id IN (SELECT token_id FROM input)
  FOR SHARE
),
revoked AS (
  SELECT id FROM presented WHERE revoked_at IS NOT NULL
),
recorded AS (
  INSERT INTO refusal (${refusalBatch.columnList})
  SELECT ${refusalBatch.columnList} FROM input WHERE token_id NOT IN (SELECT id FROM revoked)
)
SELECT ordinal::int FROM input WHERE token_id IN (SELECT id FROM revoked)`

export function createRefusalStore(database: Database): RefusalStore {
  return {
    async commit(refusals) {
      const parameters = refusalBatch.parametersOf(refusals)
      const rows = await runQuery(() =>
        withPartitions(
          database,
          () => refusals.map(({ id }) => id),
          async () => database.prisma.$queryRawUnsafe<{ ordinal: number }[]>(refusalStatement, ...parameters)
        )
      )
      const revoked = new Set(rows.map(({ ordinal }) => ordinal))
      return refusals.map((_, index) => (revoked.has(index + 1) ? 'token-revoked' : 'recorded'))
    }
  }
}
