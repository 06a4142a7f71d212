import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import { type Database, transactionLimits } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { PageQuery } from '../sources/page.ts'
import type { EventType } from './event-type.ts'

/** An event that failed by itself while others passed. It is tried again with pauses. */
export interface SetAsideEvent {
  readonly id: string
  readonly type: EventType
  readonly owedAt: Date
  readonly setAsideAt: Date
  /** How often it failed by itself. */
  readonly failures: number
  /** Null for one that was set aside before this was kept. */
  readonly lastError: string | null
  readonly nextTryAt: Date
}

/** What people do about the events that are set aside. */
export interface SetAsideStore {
  /** Newest first; the cursor is an id. */
  list(query: PageQuery): Promise<readonly SetAsideEvent[]>
  /** Makes it due now. @returns undefined where none with that id is set aside. @throws MintlineError `token_invalid`. */
  hastenOne(id: string, act: AuditEvent): Promise<SetAsideEvent | undefined>
  /**
   * Makes all that are set aside due now.
   *
   * @param act absent where it is nobody's but the program's own. @throws MintlineError `token_invalid`.
   */
  hasten(act?: AuditEvent): Promise<void>
}

const setAsideColumns = `
  record_id AS id, type, owed_at AS "owedAt", set_aside_at AS "setAsideAt", refusals AS failures,
  last_error AS "lastError", due_at AS "nextTryAt"`

const setAsideStatement = `
SELECT ${setAsideColumns} FROM outgoing_event
WHERE refusals > 0 AND ($1::uuid IS NULL OR record_id < $1::uuid) ORDER BY record_id DESC LIMIT $2`

const hastenStatement = `
UPDATE outgoing_event SET due_at = clock_timestamp() WHERE refusals > 0 AND due_at > clock_timestamp()`

const hastenOneStatement = `
UPDATE outgoing_event SET due_at = least(due_at, clock_timestamp())
WHERE refusals > 0 AND record_id = $1::uuid RETURNING ${setAsideColumns}`

export function createSetAsideStore({ prisma }: Database): SetAsideStore {
  return {
    list: ({ limit, cursor }) =>
      runQuery(() => prisma.$queryRawUnsafe<SetAsideEvent[]>(setAsideStatement, cursor ?? null, limit)),
    hastenOne: (id, act) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const [event] = await transaction.$queryRawUnsafe<SetAsideEvent[]>(hastenOneStatement, id)
          if (event !== undefined) await insertAuditEvent(transaction, act)
          return event
        }, transactionLimits)
      ),
    async hasten(act) {
      if (act === undefined) return void (await runQuery(() => prisma.$executeRawUnsafe(hastenStatement)))
      await runQuery(() =>
        prisma.$transaction(async transaction => {
          await insertAuditEvent(transaction, act)
          await transaction.$executeRawUnsafe(hastenStatement)
        }, transactionLimits)
      )
    }
  }
}
