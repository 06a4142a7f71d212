import type { Database } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'

export interface LagStore {
  /** Undefined where nothing was ever filled in, although there are records. */
  readLagMs(): Promise<number | undefined>
}

export function createLagStore({ prisma }: Pick<Database, 'prisma'>): LagStore {
  return {
    async readLagMs() {
      const [row] = await runQuery(
        () => prisma.$queryRaw<{ lagMs: number | null }[]>`
          SELECT CASE
            WHEN filled_at IS NULL AND rebuild_since IS NULL THEN CASE WHEN EXISTS (SELECT FROM intent) OR EXISTS (SELECT FROM refusal) THEN NULL ELSE 0 END
            ELSE greatest(0, extract(epoch FROM clock_timestamp() - coalesce(filled_at, rebuild_since)) * 1000)
          END::float8 AS "lagMs"
          FROM search_progress`
      )
      return row!.lagMs ?? undefined
    }
  }
}
