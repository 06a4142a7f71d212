import { setTimeout as delay } from 'node:timers/promises'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'

/** When the next call of an operation may be sent. AWS counts the calls of each operation, in each account and region. */
export interface Pace {
  /** Resolves when it may. Rejects when the signal is aborted. */
  take(operation: string, signal: AbortSignal): Promise<void>
  /** AWS said that it was asked too often, as by others who ask it too. */
  slowDown(operation: string): void
}

interface Lane {
  perSecond: number
  nextAtMs: number
  changedAtMs: number
}

/** After AWS had enough. */
const restMs = 1_000
/** From nothing to the limit again. */
const recoveryMs = 30_000
const leastPerSecond = 0.2

/** Calls of an operation are spaced evenly. After each refusal there are half as many, and then slowly more. */
export function createPace(perSecond: number, stopwatch: Stopwatch = systemStopwatch): Pace {
  const lanes = new Map<string, Lane>()

  function laneOf(operation: string): Lane {
    const now = stopwatch()
    const lane = lanes.get(operation) ?? { perSecond, nextAtMs: now, changedAtMs: now }
    lanes.set(operation, lane)
    const regained = ((now - lane.changedAtMs) / recoveryMs) * perSecond
    lane.perSecond = Math.min(perSecond, lane.perSecond + regained)
    lane.changedAtMs = now
    return lane
  }

  return {
    async take(operation, signal) {
      signal.throwIfAborted()
      const lane = laneOf(operation)
      const now = stopwatch()
      const atMs = Math.max(now, lane.nextAtMs)
      lane.nextAtMs = atMs + 1_000 / lane.perSecond
      if (atMs > now) await delay(atMs - now, undefined, { signal })
    },
    slowDown(operation) {
      const lane = laneOf(operation)
      lane.perSecond = Math.max(leastPerSecond, lane.perSecond / 2)
      lane.nextAtMs = Math.max(lane.nextAtMs, stopwatch() + restMs)
    }
  }
}
