import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'

export interface PermitStore {
  /** @returns when it expires, by the database's clock. @throws MintlineError `token_invalid`, `database_unavailable`. */
  permit(tokenLabel: string, minutes: number, event: AuditEvent): Promise<Date>
}

export function createPermitStore({ prisma }: Database): PermitStore {
  return {
    permit: (tokenLabel, minutes, event) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          await insertAuditEvent(transaction, event)
          await transaction.$executeRaw`DELETE FROM pin_permit WHERE expires_at < clock_timestamp()`
          const [row] = await transaction.$queryRaw<{ expiresAt: Date }[]>`
            INSERT INTO pin_permit (token_label, expires_at)
            VALUES (${tokenLabel}, clock_timestamp() + make_interval(mins => ${minutes}::int))
            ON CONFLICT (token_label) DO UPDATE SET expires_at = EXCLUDED.expires_at
            RETURNING expires_at AS "expiresAt"`
          return row!.expiresAt
        }, transactionLimits)
      )
  }
}
