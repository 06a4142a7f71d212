import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import { type Database, transactionLimits } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import { firstIdentifierOf, timeOfIdentifier } from '../sources/identifier.ts'

/** What a clock is held against. */
export interface ClockReference {
  readonly databaseTime: Date
  /** Of the newest record, of those that are not accepted as being of a wrong future. */
  readonly newestRecordAt: Date | undefined
}

/** The records of a wrong future, by their ids. */
interface WrongFuture {
  readonly firstId: string
  readonly lastId: string
}

export interface ClockStore {
  /** @throws MintlineError `database_unavailable`. */
  read(): Promise<ClockReference>
  /** The records that are later than this and not accepted yet; undefined when there are none. */
  findLaterThan(time: Date): Promise<WrongFuture | undefined>
  accept(future: WrongFuture, event: AuditEvent & { readonly reason: string }): Promise<void>
}

const isAccepted = (id: string) =>
  `EXISTS (SELECT FROM clock_acceptance WHERE ${id} BETWEEN first_id AND last_id)`

/**
 * The newest record that is not accepted is the newest of all, or the newest before one of what is accepted: each is
 * one look at an end of the primary keys, however many records were accepted.
 */
const readStatement = `
SELECT clock_timestamp() AS "databaseTime", (
  SELECT candidate.id::text
  FROM (
    SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid AS id UNION ALL SELECT first_id FROM clock_acceptance
  ) AS bound,
  LATERAL (
    (SELECT id FROM intent WHERE id < bound.id ORDER BY id DESC LIMIT 1)
    UNION ALL
    (SELECT id FROM refusal WHERE id < bound.id ORDER BY id DESC LIMIT 1)
    UNION ALL
    (SELECT last_record_id FROM detached_month WHERE last_record_id < bound.id ORDER BY last_record_id DESC LIMIT 1)
  ) AS candidate
  WHERE NOT ${isAccepted('candidate.id')}
  ORDER BY candidate.id DESC LIMIT 1
) AS "newestId"`

const laterStatement = `
SELECT min(id::text) AS "firstId", max(id::text) AS "lastId"
FROM (
  SELECT id FROM intent WHERE id >= $1::uuid UNION ALL SELECT id FROM refusal WHERE id >= $1::uuid
) AS later
WHERE NOT ${isAccepted('later.id')}`

interface LaterRow {
  readonly firstId: string | null
  readonly lastId: string | null
}

export function createClockStore({ prisma }: Database): ClockStore {
  return {
    async read() {
      const [row] = await runQuery(() =>
        prisma.$queryRawUnsafe<{ databaseTime: Date; newestId: string | null }[]>(readStatement)
      )
      const { databaseTime, newestId } = row!
      return { databaseTime, newestRecordAt: newestId === null ? undefined : timeOfIdentifier(newestId) }
    },
    async findLaterThan(time) {
      const [row] = await runQuery(() =>
        prisma.$queryRawUnsafe<LaterRow[]>(laterStatement, firstIdentifierOf(time))
      )
      const { firstId = null, lastId = null } = row ?? {}
      return firstId === null || lastId === null ? undefined : { firstId, lastId }
    },
    async accept({ firstId, lastId }, event) {
      const { id, createdAt, actor, reason } = event
      await runQuery(() =>
        prisma.$transaction(async transaction => {
          await transaction.clockAcceptance.create({
            data: { id, createdAt, actor, reason, firstId, lastId }
          })
          await insertAuditEvent(transaction, event)
        }, transactionLimits)
      )
    }
  }
}
