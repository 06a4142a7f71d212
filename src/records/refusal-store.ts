import { byteaArray } from '../database/array-literal.ts'
import type { Database } from '../database/database.ts'
import { withPartitions } from '../database/partitions.ts'
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

const rejectionStatement = `
INSERT INTO refusal (
  id, created_at, code, detail, violations, csr, station, token_id,
  profile_name, profile_version, authority_name, metadata, request_id
)
SELECT * FROM unnest(
  $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::jsonb[], $6::bytea[], $7::text[], $8::uuid[],
  $9::text[], $10::int[], $11::text[], $12::jsonb[], $13::text[]
)`

export function createRejectionStore(database: Database): RejectionStore {
  return {
    async commit(rejections) {
      const columns = columnsOf(rejections)
      await runQuery(() =>
        withPartitions(
          database,
          () => rejections.map(({ id }) => id),
          async () => database.prisma.$executeRawUnsafe(rejectionStatement, ...columns)
        )
      )
      return rejections.map(() => undefined)
    }
  }
}

function columnsOf(rejections: readonly RejectionRow[]): unknown[] {
  return [
    rejections.map(rejection => rejection.id),
    rejections.map(rejection => rejection.requestedAt.toISOString()),
    rejections.map(rejection => rejection.code),
    rejections.map(rejection => rejection.detail),
    rejections.map(rejection => JSON.stringify(rejection.violations)),
    byteaArray(rejections.map(rejection => rejection.csr)),
    rejections.map(rejection => rejection.station),
    rejections.map(rejection => rejection.tokenId),
    rejections.map(rejection => rejection.profile),
    rejections.map(rejection => rejection.profileVersion ?? null),
    rejections.map(rejection => rejection.authority ?? null),
    rejections.map(rejection => JSON.stringify(rejection.metadata)),
    rejections.map(rejection => rejection.requestId)
  ]
}
