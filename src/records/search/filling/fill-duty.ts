import type { DatabaseLog } from '../../../database/database-log.ts'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { startRepeating } from '../../../sources/repeating.ts'
import type { Filling } from './filling.ts'

export interface FillDutyOptions {
  readonly filling: Filling
  readonly log: Pick<DatabaseLog, 'warn'>
  readonly stopwatch?: Stopwatch
}

/** What is committed is found within this, and the time that a step takes. */
const restMs = 400
const restAfterErrorMs = 2_000
/** While much is to be done, as after a start on an old database: as long as a step took, so that stations are not held up. */
const mostRestMs = 1_000

/** Goes on filling until it is closed. What fails is tried again; that is told once. */
export function startFilling({ filling, log, stopwatch = systemStopwatch }: FillDutyOptions): {
  close(): Promise<void>
} {
  let isTroubleTold = false
  return startRepeating(async () => {
    const startMs = stopwatch()
    try {
      const hasMore = await filling.step()
      if (isTroubleTold) log.warn({}, 'records are filled in for the search again')
      isTroubleTold = false
      return hasMore ? Math.min(stopwatch() - startMs, mostRestMs) : restMs
    } catch (error) {
      if (!isTroubleTold)
        log.warn({ err: error }, 'records could not be filled in for the search; tried again')
      isTroubleTold = true
      return restAfterErrorMs
    }
  })
}
