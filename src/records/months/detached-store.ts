import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import { monthOf } from './month.ts'

/** What the service asks of the months that are detached. */
export interface DetachedStore {
  /** The month that a record's id is of, if that is detached. */
  findDetached(id: string): Promise<string | undefined>
  /** The intent that a key was first used for, if its month is detached, with that. */
  findDetachedUse(
    spkiSha256: Uint8Array
  ): Promise<{ readonly id: string; readonly month: string } | undefined>
  /** All of them, the latest first. */
  listDetached(): Promise<readonly string[]>
}

export interface DetachedRow {
  readonly month: string
}

/** All months that are detached, the latest first. */
export const selectDetached = Prisma.sql`SELECT month FROM detached_month ORDER BY month DESC`

export function createDetachedStore({ prisma }: Database, search: Database): DetachedStore {
  async function findDetached(id: string): Promise<string | undefined> {
    const row = await runQuery(() => prisma.detachedMonth.findUnique({ where: { month: monthOf(id) } }))
    return row?.month
  }
  return {
    findDetached,
    async findDetachedUse(spkiSha256) {
      const [use] = await runQuery(
        () => prisma.$queryRaw<{ id: string }[]>`
          SELECT intent_id::text AS id FROM certified_key
          WHERE spki_sha256 = ${spkiSha256} AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = certified_key.intent_id)
          ORDER BY occurrence DESC LIMIT 1`
      )
      const month = use && (await findDetached(use.id))
      return use && month !== undefined ? { id: use.id, month } : undefined
    },
    async listDetached() {
      const rows = await runQuery(() => search.prisma.$queryRaw<DetachedRow[]>(selectDetached))
      return rows.map(({ month }) => month)
    }
  }
}
