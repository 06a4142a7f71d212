import { setTimeout as pause } from 'node:timers/promises'
import type { DatabaseLog } from '../database/database-log.ts'
import type { Stopwatch } from '../sources/clock.ts'
import type { Storage, StorageMeasure } from './storage.ts'

export interface WatchedStorage extends StorageMeasure {
  /** Below it only what matters is written. */
  readonly reserveBytes: number
}

export interface Measurement {
  /** Measures, unless that was done within the last second. Waits two seconds at most; never rejects. */
  measure(): Promise<void>
  /** Undefined: it could not be measured yet. */
  readonly latest: WatchedStorage | undefined
  /** Less than the reserve was free when it could last be measured. */
  readonly isReserveTouched: boolean
  /** The last try failed. */
  readonly isFailing: boolean
  close(): void
}

export interface MeasurementDependencies {
  readonly log: Pick<DatabaseLog, 'info' | 'warn'>
  readonly stopwatch: Stopwatch
}

const largestReserveBytes = 1024 ** 3
const reserveShare = 0.1
/** Beyond the reserve by so much it is whole again: a size that goes up and down at the edge is told once. */
const recoveryFactor = 1.05
const restMs = 10_000
/** What is short is watched more closely. */
const shortRestMs = 1_000
const freshMs = 1_000
const patienceMs = 2_000

function reserveOf(totalBytes: number): number {
  return Math.min(largestReserveBytes, Math.floor(totalBytes * reserveShare))
}

/** Measures now and then, and when it is asked to. */
export function startMeasurement(storage: Storage, dependencies: MeasurementDependencies): Measurement {
  const { log, stopwatch } = dependencies
  const state = { latest: undefined as WatchedStorage | undefined, isReserveTouched: false, isFailing: false }
  let measuredAtMs = -Infinity
  let underWay: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  async function measureNow(): Promise<void> {
    try {
      const measured = await storage.measure()
      const latest = { ...measured, reserveBytes: reserveOf(measured.totalBytes) }
      const was = state.isReserveTouched
      const isReserveTouched = latest.freeBytes < latest.reserveBytes * (was ? recoveryFactor : 1)
      Object.assign(state, { latest, isReserveTouched, isFailing: false })
      if (was !== isReserveTouched) tell(latest, isReserveTouched)
    } catch (error) {
      if (!state.isFailing) log.warn({ err: error, ...storage.facts }, 'the free space cannot be measured')
      state.isFailing = true
    }
    measuredAtMs = stopwatch()
  }

  function tell({ freeBytes, reserveBytes }: WatchedStorage, isTouched: boolean): void {
    const facts = { freeBytes, reserveBytes, ...storage.facts }
    if (isTouched) log.warn(facts, `less than the reserve is free ${storage.place}. ${storage.remedy}`)
    else log.info(facts, `more than the reserve is free again ${storage.place}`)
  }

  async function measure(): Promise<void> {
    if (stopwatch() - measuredAtMs < freshMs) return
    // One at a time, however long it takes: a volume that does not answer holds one thread and no more.
    underWay ??= measureNow().finally(() => (underWay = undefined))
    const given = new AbortController()
    const late = pause(patienceMs, undefined, { signal: given.signal }).catch(() => undefined)
    await Promise.race([underWay, late])
    given.abort()
  }

  function goOn(): void {
    if (isClosed) return
    const again = () => void measure().then(goOn)
    timer = setTimeout(again, state.isReserveTouched ? shortRestMs : restMs)
    timer.unref()
  }

  void measure().then(goOn)
  return {
    measure,
    get latest() {
      return state.latest
    },
    get isReserveTouched() {
      return state.isReserveTouched
    },
    get isFailing() {
      return state.isFailing
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    }
  }
}
