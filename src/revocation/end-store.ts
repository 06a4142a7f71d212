import { type Database, isRefusedByGuard, isSerializationOrDeadlock } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import { retryLost } from './act-store.ts'
import type { EndStore } from './sweep.ts'

/** Somebody revoked one of them at this moment, or wrote its end. */
const isLost = (error: unknown) => isSerializationOrDeadlock(error) || isRefusedByGuard(error)

export function createEndStore({ prisma }: Database): EndStore {
  return {
    settle: limit =>
      runQuery(() =>
        retryLost(async () => {
          const settled = await prisma.$queryRaw<unknown[]>`
            WITH due AS MATERIALIZED (
              SELECT intent_id FROM certificate_status
              WHERE ends_at <= now() AND state <> 'revoked'
                AND EXISTS (SELECT FROM intent WHERE intent.id = certificate_status.intent_id)
              ORDER BY ends_at LIMIT ${limit}
            )
            SELECT end_certificate(intent_id)::text FROM due`
          return settled.length
        }, isLost)
      )
  }
}
