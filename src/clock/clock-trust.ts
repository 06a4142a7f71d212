import { type Act, buildAuditEvent, type ToldAct } from '../audit/audit-event.ts'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import { type Clock, type Stopwatch, systemStopwatch } from '../sources/clock.ts'
import { timeOfIdentifier } from '../sources/identifier.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import type { ClockReference, ClockStore } from './clock-store.ts'

/** Whether the service's clock may decide what is written into certificates and records. */
export interface ClockTrust {
  /**
   * Costs nothing while the clock goes on as it did when it was last compared; a clock that was set is compared at
   * once.
   *
   * @throws MintlineError `clock_untrusted`, `database_unavailable`.
   */
  assertTrusted(): Promise<void>
  /** Compares it now. Throws the same. */
  examine(): Promise<void>
  /** The database's time. @throws MintlineError `database_unavailable`. */
  databaseTime(): Promise<Date>
  /**
   * From now on no clock is judged by the records that are later than the database's clock. Where there are none,
   * nothing is written.
   *
   * @throws MintlineError `database_unavailable`, `token_invalid`.
   */
  accept(act: Act & { readonly reason: string }): Promise<ClockState>
}

interface ClockState {
  readonly trusted: boolean
  readonly detail: string
  /** Whether there were records to be accepted. */
  readonly accepted: boolean
}

export interface ClockTrustDependencies {
  readonly store: ClockStore
  readonly clock: Clock
  readonly stopwatch?: Stopwatch
  readonly randomBytes: RandomBytes
  /** The program was not there before. */
  readonly builtAt: Date
}

/** How far the clocks of the service and of the database may be apart. */
const toleranceMs = 5_000
/** Two processes may each be off by as much, on different sides, and one has written the newest record. */
const newestToleranceMs = 2 * toleranceMs
const trustMs = 5_000
/** What is mended is seen soon. */
const distrustMs = 500
/** A clock that is slewed drifts by less; one that is set jumps. */
const jumpMs = 500
const retryAfterSeconds = 5

interface Examined {
  readonly atMs: number
  /** The clock's reading less the stopwatch's. */
  readonly offsetMs: number
  readonly trouble: MintlineError | undefined
}

export function createClockTrust(dependencies: ClockTrustDependencies): ClockTrust {
  const { store, clock, stopwatch = systemStopwatch, randomBytes, builtAt } = dependencies
  let examined: Examined | undefined
  let underWay: Promise<void> | undefined

  const offsetNow = () => clock().getTime() - stopwatch()

  async function compare(): Promise<void> {
    const startMs = stopwatch()
    const offsetMs = offsetNow()
    const reference = await store.read()
    const tookMs = stopwatch() - startMs
    const time = new Date(offsetMs + startMs + tookMs / 2)
    const trouble = findTrouble(time, reference, { builtAt, uncertaintyMs: tookMs / 2 })
    examined = { atMs: startMs, offsetMs, trouble }
    if (trouble !== undefined) throw trouble
  }

  /** All that ask meanwhile share the answer; if the clock was set since, the next who asks sees it. */
  function examine(): Promise<void> {
    underWay ??= compare().finally(() => (underWay = undefined))
    return underWay
  }

  return {
    examine,
    async assertTrusted() {
      const { atMs, offsetMs, trouble } = examined ?? { atMs: -Infinity, offsetMs: 0, trouble: undefined }
      const isSteady = Math.abs(offsetNow() - offsetMs) < jumpMs
      const isFresh = stopwatch() - atMs < (trouble === undefined ? trustMs : distrustMs)
      if (!isSteady || !isFresh) return examine()
      if (trouble !== undefined) throw trouble
    },
    databaseTime: async () => (await store.read()).databaseTime,
    async accept(act) {
      const { databaseTime } = await store.read()
      const future = await store.findLaterThan(new Date(databaseTime.getTime() + newestToleranceMs))
      if (future !== undefined) {
        const after = {
          from: timeOfIdentifier(future.firstId).toISOString(),
          to: timeOfIdentifier(future.lastId).toISOString()
        }
        const what: ToldAct = { ...act, act: 'clock.accept', subject: 'clock', after }
        const { reason } = act
        await store.accept(future, { ...buildAuditEvent(what, { time: databaseTime, randomBytes }), reason })
      }
      // What is under way may have read before that was committed.
      await underWay?.catch(() => undefined)
      const trouble = await examine().catch(troubleOf)
      const detail = trouble?.detail ?? trustedDetail
      return { trusted: trouble === undefined, detail, accepted: future !== undefined }
    }
  }
}

export const trustedDetail = 'agrees with the database and the newest record'

function troubleOf(error: unknown): MintlineError {
  if (isMintlineError(error, 'clock_untrusted')) return error
  throw error
}

interface Bounds {
  readonly builtAt: Date
  readonly uncertaintyMs: number
}

function findTrouble(
  time: Date,
  { databaseTime, newestRecordAt }: ClockReference,
  { builtAt, uncertaintyMs }: Bounds
): MintlineError | undefined {
  const now = `The clock of the service says ${time.toISOString()}`
  const apartMs = Math.abs(time.getTime() - databaseTime.getTime())
  if (apartMs > toleranceMs + uncertaintyMs) {
    const seconds = Math.round(apartMs / 1000)
    return untrusted(
      `${now} and that of the database ${databaseTime.toISOString()}: ${seconds} s apart. Set both right (NTP); ` +
        'nothing is issued until they are.'
    )
  }
  if (time < builtAt) {
    return untrusted(
      `${now}, before this version of Mintline was made (${builtAt.toISOString()}). Set it right, and that of the database.`
    )
  }
  if (newestRecordAt !== undefined && newestRecordAt.getTime() - time.getTime() > newestToleranceMs) {
    return untrusted(
      `${now}, but the newest record is of ${newestRecordAt.toISOString()}. If the clock is wrong, set it right. If it is ` +
        'right, the record is of a wrong future: an administrator accepts that with POST /v1/clock/accept and a reason.'
    )
  }
  return undefined
}

function untrusted(detail: string): MintlineError {
  return new MintlineError('clock_untrusted', detail, { retryAfterSeconds })
}
