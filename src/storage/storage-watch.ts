import { isConnectionLost, isDiskFull } from '../database/database.ts'
import type { DatabaseLog } from '../database/database-log.ts'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import { type Stopwatch, systemStopwatch } from '../sources/clock.ts'
import { type Measurement, startMeasurement, type WatchedStorage } from './measurement.ts'
import { describeBytes, type Storage } from './storage.ts'

interface StorageCheck {
  /** False while the reserve is touched. */
  readonly ok: boolean
  readonly detail: string
}

/** Whether there is room for what is to be recorded. */
export interface StorageWatch {
  /**
   * By the last measurement: less than the reserve is free. One is made every ten seconds; while it cannot be made, the
   * last one goes on counting, however old, and `check` says so.
   */
  isReserveTouched(): boolean
  /** Measures, unless that was done within the last second. Waits two seconds at most; never rejects. */
  check(): Promise<StorageCheck>
  /** Undefined: nothing is watched, or nothing is known yet. Takes as long as `check`. */
  measure(): Promise<WatchedStorage | undefined>
  /** What keeps a database that answers from writing; undefined when nothing is known to. */
  obstacle(): string | undefined
  /** The same error; where next to nothing is free it says so, and of a lost connection that this is behind it. */
  explain(error: MintlineError): MintlineError
  close(): void
}

export interface StorageWatchDependencies {
  /** Undefined: there is nothing that can be watched. */
  readonly storage: Storage | undefined
  readonly log: Pick<DatabaseLog, 'info' | 'warn'>
  readonly stopwatch?: Stopwatch
}

const mebibyte = 1024 ** 2
/** PostgreSQL ends where it cannot make a segment of its log, 16 MiB; it may want two. */
export const scantBytes = 32 * mebibyte
/** A table grows by up to half of this at once. */
const nothingBytes = mebibyte
/** How long the database's own word that its disk is full counts: then it is asked again. */
const toldFullMs = 15_000
const retryAfterSeconds = 10

export function createStorageWatch(dependencies: StorageWatchDependencies): StorageWatch {
  const { storage, log, stopwatch = systemStopwatch } = dependencies
  const measurement = storage && startMeasurement(storage, { log, stopwatch })
  let toldFullAtMs = -Infinity

  const isBelow = (bytes: number) =>
    storage?.isPhysical === true && (measurement?.latest?.freeBytes ?? Infinity) < bytes
  const seesRoom = () =>
    storage?.isPhysical === true && measurement?.latest !== undefined && !isBelow(scantBytes)

  return {
    isReserveTouched: () => measurement?.isReserveTouched === true,
    async check() {
      if (storage === undefined || measurement === undefined) return unwatched
      await measurement.measure()
      return describeMeasurement(storage, measurement)
    },
    async measure() {
      await measurement?.measure()
      return measurement?.latest
    },
    obstacle() {
      const isToldFull = stopwatch() - toldFullAtMs < toldFullMs && !seesRoom()
      if (!isToldFull && !isBelow(nothingBytes)) return undefined
      return `The disk of the database is full.${foundAt(storage, measurement)} ${whatToDo}`
    },
    explain(error) {
      if (!isMintlineError(error, 'database_unavailable')) return error
      const isTold = isDiskFull(error)
      if (isTold) toldFullAtMs = stopwatch()
      // So that the next one is told by what is so now.
      void measurement?.measure()
      if (!isBelow(scantBytes)) return error
      const { violations, members, cause } = error
      const detail = error.detail + describeScarcity(error, foundAt(storage, measurement))
      return new MintlineError(error.code, detail, { violations, members, cause, retryAfterSeconds })
    },
    close: () => measurement?.close()
  }
}

const whatToDo = 'Tell the administrator to make room for it; it goes on by itself then.'

const unwatched: StorageCheck = {
  ok: true,
  detail: 'not watched; set MINTLINE_DATABASE_SIZE_LIMIT'
}

/** A search that ran into its timeout is no sign of a full disk: only the database's own word or end is. */
function describeScarcity(error: MintlineError, found: string): string {
  if (isDiskFull(error)) return found
  if (isConnectionLost(error)) return ` Its disk is full.${found} ${whatToDo}`
  return `${found} Less than ${describeBytes(scantBytes)} may be why: tell the administrator.`
}

function foundAt(storage: Storage | undefined, measurement: Measurement | undefined): string {
  const { latest } = measurement ?? {}
  if (storage?.isPhysical !== true || latest === undefined) return ''
  return ` Free ${storage.place}: ${describeBytes(latest.freeBytes)}.`
}

function describeMeasurement(
  storage: Storage,
  { latest, isReserveTouched, isFailing }: Measurement
): StorageCheck {
  const { place, remedy } = storage
  if (latest === undefined) return { ok: true, detail: `not known: what is free ${place} cannot be measured` }
  const free = `${describeBytes(latest.freeBytes)} free ${place}${isFailing ? ', when it could last be measured' : ''}`
  const reserve = describeBytes(latest.reserveBytes)
  if (!isReserveTouched) return { ok: true, detail: `${free}; the reserve is ${reserve}` }
  return {
    ok: false,
    detail: `${free}, less than the reserve of ${reserve}. Certificates are issued for as long as there is room. ${remedy}.`
  }
}
