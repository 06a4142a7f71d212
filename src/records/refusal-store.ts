import type { Database } from '../database/database.ts'
import { withPartitions } from '../database/partitions.ts'
import { describeRowBatch } from '../database/row-batch.ts'
import { runQuery } from '../database/run-query.ts'
import type { Rejection } from './record.ts'

/** What is written of a refusal: who asked, as which token, and why not. */
export interface RejectionRow extends Omit<Rejection, 'outcome'> {
  readonly tokenId: string
}

export interface RejectionStore {
  /** Commits a group of rejections in one statement. */
  commit(rejections: readonly RejectionRow[]): Promise<readonly void[]>
}

const rejectionBatch = describeRowBatch<RejectionRow>([
  { column: 'id', type: 'uuid', valueOf: rejection => rejection.id },
  { column: 'created_at', type: 'timestamptz', valueOf: rejection => rejection.requestedAt },
  { column: 'code', type: 'text', valueOf: rejection => rejection.code },
  { column: 'detail', type: 'text', valueOf: rejection => rejection.detail },
  { column: 'violations', type: 'jsonb', valueOf: rejection => rejection.violations },
  { column: 'csr', type: 'bytea', valueOf: rejection => rejection.csr },
  { column: 'station', type: 'text', valueOf: rejection => rejection.station },
  { column: 'token_id', type: 'uuid', valueOf: rejection => rejection.tokenId },
  { column: 'profile_name', type: 'text', valueOf: rejection => rejection.profile },
  { column: 'profile_version', type: 'int', valueOf: rejection => rejection.profileVersion ?? null },
  { column: 'authority_name', type: 'text', valueOf: rejection => rejection.authority ?? null },
  { column: 'metadata', type: 'jsonb', valueOf: rejection => rejection.metadata },
  { column: 'request_id', type: 'text', valueOf: rejection => rejection.requestId }
])

const rejectionStatement = `
INSERT INTO refusal (${rejectionBatch.columnList})
SELECT * FROM ${rejectionBatch.unnest}`

export function createRejectionStore(database: Database): RejectionStore {
  return {
    async commit(rejections) {
      const parameters = rejectionBatch.parametersOf(rejections)
      await runQuery(() =>
        withPartitions(
          database,
          () => rejections.map(({ id }) => id),
          async () => database.prisma.$executeRawUnsafe(rejectionStatement, ...parameters)
        )
      )
      return rejections.map(() => undefined)
    }
  }
}
