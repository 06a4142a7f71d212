import { type Database, isStatementTimeout, type Prisma } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'

/** Asks within what is left of the time. */
export type Ask = <Row>(statement: Prisma.Sql) => Promise<readonly Row[]>

/** What the statements of a search may take together. */
const searchLimitMs = 2_000

const waits = { maxWait: 5_000, timeout: 10_000 } as const

/**
 * @throws MintlineError `search_too_broad` where the statements take longer than the limit together; `database_unavailable`.
 */
export async function withinLimit<Result>(
  search: Database,
  work: (ask: Ask) => Promise<Result>,
  { limitMs = searchLimitMs, stopwatch = systemStopwatch }: { limitMs?: number; stopwatch?: Stopwatch } = {}
): Promise<Result> {
  try {
    return await runQuery(() =>
      search.prisma.$transaction(async transaction => {
        const endMs = stopwatch() + limitMs
        return work(async statement => {
          const leftMs = Math.floor(endMs - stopwatch())
          if (leftMs <= 0) throw tooBroad()
          await transaction.$queryRaw`SELECT set_config('statement_timeout', ${String(leftMs)}, true)`
          return transaction.$queryRaw(statement)
        })
      }, waits)
    )
  } catch (error) {
    throw isStatementTimeout(error) ? tooBroad(error) : error
  }
}

function tooBroad(cause?: unknown): MintlineError {
  return new MintlineError(
    'search_too_broad',
    `The search did not end within ${searchLimitMs / 1000} s. Narrow it: add from and to, a longer beginning before the *, ` +
      'or an exact value such as thingName, subject.CommonName, serialNumber, lot or station.',
    { cause }
  )
}
