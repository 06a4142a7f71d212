import { timeOfIdentifier } from '../sources/identifier.ts'
import { type Database, isCheckViolation } from './database.ts'
import { runQuery } from './run-query.ts'

/** Against a clock that is behind. */
export const monthsBehind = 1
/** The month it is and three more: a service that stands still in between finds them made. */
export const monthsInAll = monthsBehind + 4

const statement = 'SELECT ensure_partitions($1::timestamptz, $2)'

/**
 * Makes the partitions that will be needed: of this month, the one before and the next three. Costs one look when they
 * are there. May be called by several processes at once, and beside issuances.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function ensurePartitions(database: Database, now: Date): Promise<void> {
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - monthsBehind))
  await run(database, first, monthsInAll)
}

/**
 * Runs a statement that inserts rows with these ids. Where a month of theirs has no partition, it is made and the
 * statement runs once more: that happens to clocks that are far off, or when nobody has made partitions for months.
 *
 * A clock that has jumped years ahead so gets the partition of that month, and none of those in between. It is the one
 * that would be made for that month in any case, and issuing goes on.
 */
export async function withPartitions<Result>(
  database: Database,
  ids: () => Iterable<string>,
  insert: () => Promise<Result>
): Promise<Result> {
  try {
    return await insert()
  } catch (error) {
    if (!isCheckViolation(error)) throw error
    const months = new Set([...ids()].map(id => startOfMonth(timeOfIdentifier(id))))
    for (const month of months) await run(database, new Date(month), 1)
    return insert()
  }
}

async function run({ prisma }: Database, first: Date, months: number): Promise<void> {
  await runQuery(() => prisma.$queryRawUnsafe(statement, first.toISOString(), months))
}

function startOfMonth(time: Date): number {
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth())
}
