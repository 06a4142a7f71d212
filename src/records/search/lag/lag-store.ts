import type { Database } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import { timeOfIdentifier } from '../../../sources/identifier.ts'
import { nothingOnRecord } from '../progress-store.ts'

export interface LagStore {
  /**
   * Since all were last seen to be filled in; while they are filled in anew, from the oldest on, since the last that is. Undefined
   * where none is, although there are records.
   */
  readLagMs(): Promise<number | undefined>
}

interface Row {
  readonly position: string
  readonly filledAt: Date | null
  readonly now: Date
  readonly isEmpty: boolean
}

export function createLagStore({ prisma }: Pick<Database, 'prisma'>): LagStore {
  return {
    async readLagMs() {
      const [row] = await runQuery(
        () => prisma.$queryRaw<Row[]>`
          SELECT position::text AS position, filled_at AS "filledAt", clock_timestamp() AS now,
            ${nothingOnRecord} AS "isEmpty"
          FROM search_progress`
      )
      const { position, filledAt, now, isEmpty } = row!
      if (filledAt === null && isEmpty) return 0
      const at = filledAt ?? timeOfIdentifier(position)
      return at.getTime() === 0 ? undefined : Math.max(0, now.getTime() - at.getTime())
    }
  }
}
