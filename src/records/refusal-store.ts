import type { Database } from '../database/database.ts'
import { withPartitions } from '../database/partitions.ts'
import { describeRowBatch } from '../database/row-batch.ts'
import { runQuery } from '../database/run-query.ts'
import type { Refusal } from './record.ts'

/** What is written of a refusal: who asked, as which token, and why not. */
export interface RefusalRow extends Omit<Refusal, 'outcome'> {
  readonly tokenId: string
}

export interface RefusalStore {
  /** Commits a group of refusals in one statement. */
  commit(refusals: readonly RefusalRow[]): Promise<readonly void[]>
}

const refusalBatch = describeRowBatch<RefusalRow>([
  { column: 'id', type: 'uuid', valueOf: refusal => refusal.id },
  { column: 'created_at', type: 'timestamptz', valueOf: refusal => refusal.createdAt },
  { column: 'code', type: 'text', valueOf: refusal => refusal.code },
  { column: 'detail', type: 'text', valueOf: refusal => refusal.detail },
  { column: 'violations', type: 'jsonb', valueOf: refusal => refusal.violations },
  { column: 'csr', type: 'bytea', valueOf: refusal => refusal.csr },
  { column: 'station', type: 'text', valueOf: refusal => refusal.station },
  { column: 'token_id', type: 'uuid', valueOf: refusal => refusal.tokenId },
  { column: 'profile_name', type: 'text', valueOf: refusal => refusal.profile },
  { column: 'profile_version', type: 'int', valueOf: refusal => refusal.profileVersion ?? null },
  { column: 'authority_name', type: 'text', valueOf: refusal => refusal.authority ?? null },
  { column: 'metadata', type: 'jsonb', valueOf: refusal => refusal.metadata },
  { column: 'request_id', type: 'text', valueOf: refusal => refusal.requestId }
])

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
