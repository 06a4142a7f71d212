import { type Database, isStatementTimeout } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { searchTooBroad } from '../too-broad.ts'

/** Asks within what is left of the time. */
export type Ask = <Row>(statement: Prisma.Sql) => Promise<readonly Row[]>

/** What all that is asked for one answer may take together. */
const searchLimitMs = 2_000

const waits = { maxWait: 5_000, timeout: 10_000 } as const

const narrowSearch =
  'Narrow it: add from and to, a longer beginning before the *, or an exact value such as thingName, subject.CommonName, ' +
  'serialNumber, lot or station.'

export interface Limit {
  /** What to ask for instead. */
  readonly narrower?: string
  /** Whether all is seen as it is at one moment. */
  readonly isOneMoment?: boolean
  readonly limitMs?: number
  readonly stopwatch?: Stopwatch
}

/**
 * What is asked for one answer, on one connection.
 *
 * @throws MintlineError `search_too_broad` where it takes longer than the limit together; `database_unavailable`.
 */
export async function withinLimit<Result>(
  search: Database,
  work: (ask: Ask) => Promise<Result>,
  { narrower = narrowSearch, isOneMoment, limitMs = searchLimitMs, stopwatch = systemStopwatch }: Limit = {}
): Promise<Result> {
  const { RepeatableRead, ReadCommitted } = Prisma.TransactionIsolationLevel
  const isolationLevel = isOneMoment === true ? RepeatableRead : ReadCommitted
  const tooBroad = (cause?: unknown) =>
    searchTooBroad(`This takes longer than ${searchLimitMs / 1000} s.`, narrower, cause)
  try {
    return await runQuery(() =>
      search.prisma.$transaction(
        async transaction => {
          const endMs = stopwatch() + limitMs
          return work(async statement => {
            const leftMs = Math.floor(endMs - stopwatch())
            if (leftMs <= 0) throw tooBroad()
            await transaction.$queryRaw`SELECT set_config('statement_timeout', ${String(leftMs)}, true)`
            return transaction.$queryRaw(statement)
          })
        },
        { ...waits, isolationLevel }
      )
    )
  } catch (error) {
    throw isStatementTimeout(error) ? tooBroad(error) : error
  }
}
