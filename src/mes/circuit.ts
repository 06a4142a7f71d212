import type { Stopwatch } from '../sources/clock.ts'

/** Whether a system is asked at the moment. */
export interface Circuit {
  /** Milliseconds until it is asked again; 0 where it is asked now. */
  waitMs(): number
  /** As `waitMs`; where it is 0 after a pause, this one is the trial, and others wait until it has an end. */
  begin(): number
  /** It answered, whatever. */
  close(): void
  /** It did not. */
  fail(): void
  /** True while it is paused. */
  readonly isOpen: boolean
}

const failuresInRow = 5
const firstPauseMs = 1_000
const longestPauseMs = 30_000
/** While another request tries whether it answers again. */
const trialMs = 1_000

/**
 * After five failures in a row nobody waits for the system any more: for a second, and twice as long each time that the one
 * request which then tries it fails, up to 30 seconds.
 */
export function createCircuit(stopwatch: Stopwatch): Circuit {
  let failures = 0
  let pauseMs = firstPauseMs
  let openUntil: number | undefined
  let isTried = false

  const waitMs = () => {
    if (openUntil === undefined) return 0
    const left = openUntil - stopwatch()
    return left > 0 ? left : isTried ? trialMs : 0
  }

  return {
    waitMs,
    begin() {
      const left = waitMs()
      if (left === 0 && openUntil !== undefined) isTried = true
      return left
    },
    close() {
      failures = 0
      pauseMs = firstPauseMs
      openUntil = undefined
      isTried = false
    },
    fail() {
      failures += 1
      const isTrial = isTried
      isTried = false
      // Those that were under way when it was opened say nothing new.
      if (failures < failuresInRow || (openUntil !== undefined && !isTrial)) return
      openUntil = stopwatch() + pauseMs
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    },
    get isOpen() {
      return openUntil !== undefined
    }
  }
}
