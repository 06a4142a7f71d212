import { setTimeout as delay } from 'node:timers/promises'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { untilAborted } from '../../../sources/until-aborted.ts'

/** When the next call of an operation may be sent. AWS counts the calls of each operation, in each account and region. */
export interface Pace {
  /** Resolves when it may, in the order in which it was asked. Rejects when the signal is aborted. */
  take(operation: string, signal: AbortSignal): Promise<void>
  /** AWS said that it was asked too often, as by others who ask it too. */
  slowDown(operation: string): void
}

interface Lane {
  perSecond: number
  changedAtMs: number
  /** When the last one was let go. */
  lastAtMs: number
  /** Nothing is sent before. */
  restUntilMs: number
  /** Those who asked before. */
  before: Promise<void>
}

/** After AWS had enough. */
const restMs = 1_000
/** From nothing to the limit again. */
const recoveryMs = 30_000
const leastPerSecond = 0.2
/** The rate may have recovered since a wait began. */
const longestNapMs = 500
/** Timers are late by as much; that is made up for. */
const lateMs = 20

/**
 * Calls of an operation are spaced evenly. After each refusal there are half as many, and then slowly more. Each waits by the
 * rate at its turn, not by the one when it was asked for.
 */
export function createPace(perSecond: number, stopwatch: Stopwatch = systemStopwatch): Pace {
  const lanes = new Map<string, Lane>()

  function laneOf(operation: string): Lane {
    const now = stopwatch()
    const lane = lanes.get(operation) ?? {
      perSecond,
      changedAtMs: now,
      lastAtMs: -Infinity,
      restUntilMs: now,
      before: Promise.resolve()
    }
    lanes.set(operation, lane)
    const regained = ((now - lane.changedAtMs) / recoveryMs) * perSecond
    lane.perSecond = Math.min(perSecond, lane.perSecond + regained)
    lane.changedAtMs = now
    return lane
  }

  async function waitIn(operation: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted()
      const lane = laneOf(operation)
      const now = stopwatch()
      const atMs = Math.max(lane.restUntilMs, lane.lastAtMs + 1_000 / lane.perSecond)
      if (atMs <= now) {
        lane.lastAtMs = Math.max(atMs, now - lateMs)
        return
      }
      await untilAborted(() => delay(Math.min(atMs - now, longestNapMs)), signal)
    }
  }

  return {
    async take(operation, signal) {
      signal.throwIfAborted()
      const lane = laneOf(operation)
      const { before } = lane
      const own = Promise.withResolvers<void>()
      lane.before = own.promise
      try {
        await untilAborted(() => before, signal)
        await waitIn(operation, signal)
      } finally {
        // Who gives up before its turn lets nobody overtake.
        void before.then(own.resolve)
      }
    },
    slowDown(operation) {
      const lane = laneOf(operation)
      lane.perSecond = Math.max(leastPerSecond, lane.perSecond / 2)
      lane.restUntilMs = stopwatch() + restMs
    }
  }
}
