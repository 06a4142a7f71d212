import { Prisma } from '../../database/generated/client.ts'
import { firstIdentifierOf, timeOfIdentifier } from '../../sources/identifier.ts'
import { watermarkOf } from '../search/filling/filling.ts'

/** How far the records are counted. */
export interface ProgressRow {
  readonly position: string
  readonly filledAt: Date | null
  readonly databaseTime: Date
}

export const selectProgress = Prisma.sql`
  SELECT position::text AS position, filled_at AS "filledAt", clock_timestamp() AS "databaseTime" FROM search_progress`

/** Until when all records are counted, those included that are committed late; undefined where none are yet. */
export function countedUpTo([progress]: readonly ProgressRow[]): Date | undefined {
  if (progress === undefined) return undefined
  const { position, filledAt, databaseTime } = progress
  // Where nothing comes, what was last filled in is old and everything is counted all the same.
  const time = Math.max(timeOfIdentifier(position).getTime(), filledAt?.getTime() ?? 0)
  return time === 0 ? undefined : watermarkOf(firstIdentifierOf(new Date(time)), databaseTime)
}
