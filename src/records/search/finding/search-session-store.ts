import { type Database, isStatementTimeout } from '../../../database/database.ts'
import type { Prisma } from '../../../database/generated/client.ts'
import type { Reading } from '../../../database/sessions/reading.ts'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { searchTooBroad } from '../too-broad.ts'

/**
 * Planned for the values it is asked with, or once for all: where rows are looked up by their keys, there is one way, and to
 * plan it for each of the months takes longer than to go it.
 */
export type Planning = 'for-values' | 'once'

/** Asks within what is left of the time. @param planning default `for-values`. */
export type Ask = <Row>(statement: Prisma.Sql, planning?: Planning) => Promise<readonly Row[]>

/** What all that is asked for one answer may take together. */
const searchLimitMs = 2_000
/** What is granted is only told anew where it has become so much less: another statement each time would cost more. */
const mostOverdueMs = 100

const narrowSearch =
  'Narrow it: add from and to, a longer beginning before the *, or an exact value such as thingName, subject.CommonName, ' +
  'serialNumber, lot or station.'

export interface Limit {
  /** What to ask for instead. */
  readonly narrower?: string
  /** Whether all is seen as it is at one moment. */
  readonly isOneMoment?: boolean
  /** Of what is asked first: to change it is a statement more. */
  readonly firstPlanning?: Planning
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
  limit: Limit = {}
): Promise<Result> {
  const { narrower = narrowSearch, isOneMoment, firstPlanning = 'for-values' } = limit
  const { limitMs = searchLimitMs, stopwatch = systemStopwatch } = limit
  const tooBroad = (cause?: unknown) =>
    searchTooBroad(`This takes longer than ${searchLimitMs / 1000} s.`, narrower, cause)
  const granted = { leftMs: limitMs, planning: firstPlanning }
  const settings = settingsOf(granted)
  try {
    return await search.read({ settings, ...(isOneMoment === true && { isOneMoment }) }, reading => {
      const remaining = new Remaining(reading, granted, stopwatch)
      return work(async (statement, planning = 'for-values') => {
        if (!(await remaining.grant(planning))) throw tooBroad()
        return reading.ask(statement, { isPlannedOnce: planning === 'once' })
      })
    })
  } catch (error) {
    throw isStatementTimeout(error) ? tooBroad(error) : error
  }
}

interface Granted {
  readonly leftMs: number
  readonly planning: Planning
}

/** What is left of the time, as far as PostgreSQL has been told. */
class Remaining {
  readonly #reading: Reading
  readonly #stopwatch: Stopwatch
  readonly #endMs: number
  #granted: Granted

  constructor(reading: Reading, granted: Granted, stopwatch: Stopwatch) {
    this.#reading = reading
    this.#stopwatch = stopwatch
    this.#endMs = stopwatch() + granted.leftMs
    this.#granted = granted
  }

  /** Whether anything is left. */
  async grant(planning: Planning): Promise<boolean> {
    const leftMs = Math.floor(this.#endMs - this.#stopwatch())
    if (leftMs <= 0) return false
    const granted = this.#granted
    if (planning === granted.planning && leftMs > granted.leftMs - mostOverdueMs) return true
    this.#granted = { leftMs, planning }
    await this.#reading.set(settingsOf(this.#granted))
    return true
  }
}

function settingsOf({ leftMs, planning }: Granted): Readonly<Record<string, string>> {
  const plan_cache_mode = planning === 'once' ? 'force_generic_plan' : 'force_custom_plan'
  return { statement_timeout: `${leftMs}ms`, plan_cache_mode }
}
