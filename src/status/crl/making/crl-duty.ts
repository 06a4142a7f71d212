import type { Authorities, Authority } from '../../../authorities/authority.ts'
import { type SignerSources, withLentSigner } from '../../../authorities/generations/lent-signer.ts'
import type { ClockTrust } from '../../../clock/clock-trust.ts'
import type { DatabaseLog } from '../../../database/database-log.ts'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { startRepeating } from '../../../sources/repeating.ts'
import { hasCrls } from '../scope.ts'
import { type CrlPeriods, makeCrl, type MakingDependencies } from './making.ts'
import type { CrlState } from './making-store.ts'

export interface CrlDutyOptions extends MakingDependencies, SignerSources {
  readonly periods: CrlPeriods
  readonly authorities: Pick<Authorities, 'list' | 'issuingById'>
  readonly clockTrust: Pick<ClockTrust, 'assertTrusted'>
  readonly log: Pick<DatabaseLog, 'warn'>
  readonly stopwatch?: Stopwatch
}

const pollMs = 1_000
/** Revocations that come meanwhile go into one CRL. Besides, as long as the last one took. */
const restMs = 2_000
const firstPauseMs = 5_000
const longestPauseMs = 60_000
/** A CRL from the future counts for nobody whose clock is right. */
const clockToleranceMs = 60_000
/** Longer than the last reader of a CRL takes, see the route. */
const keptMs = 10 * 60_000
const pruneEveryMs = 60_000

/** When an authority has its next try, and how often it failed in a row. */
interface Standing {
  notBeforeMs: number
  failures: number
}

/** Makes the CRLs that are due, one after another. */
export class CrlDuty {
  readonly #options: CrlDutyOptions
  readonly #stopwatch: Stopwatch
  readonly #standings = new Map<string, Standing>()
  #prunedAtMs = -Infinity

  constructor(options: CrlDutyOptions) {
    this.#options = options
    this.#stopwatch = options.stopwatch ?? systemStopwatch
  }

  /** @throws MintlineError `database_unavailable`, `clock_untrusted`. What fails of one authority is told, and tried again after a pause. */
  async step(signal: AbortSignal): Promise<void> {
    const { store, authorities, clockTrust, clock } = this.#options
    const now = clock()
    const states = new Map((await store.listStates(now)).map(state => [state.authorityId, state]))
    for (const authority of authorities.list()) {
      const state = states.get(authority.id)
      if (state === undefined) continue
      if (!hasCrls(authority, now)) {
        if (state.changes.length === 0) continue
        // By a clock that is ahead, one that has CRLs would seem to be over, and what waits would be told by nobody.
        await clockTrust.assertTrusted()
        await store.dropChanges(state.changes)
        continue
      }
      const isItsTurn = (this.#standings.get(authority.id)?.notBeforeMs ?? 0) <= this.#stopwatch()
      if (!isItsTurn || !isDue(state, now, this.#options.periods)) continue
      if (signal.aborted) return
      await clockTrust.assertTrusted()
      await this.#make(authority, state, signal)
    }
    if (this.#stopwatch() < this.#prunedAtMs + pruneEveryMs) return
    this.#prunedAtMs = this.#stopwatch()
    await clockTrust.assertTrusted()
    await store.prune(new Date(now.getTime() - keptMs))
  }

  async #make(authority: Authority, { changes }: CrlState, signal: AbortSignal): Promise<void> {
    const startMs = this.#stopwatch()
    const { failures } = this.#standings.get(authority.id) ?? { failures: 0 }
    try {
      await withLentSigner(this.#options, authority, signer =>
        makeCrl(this.#options, { authority, signer, changes }, signal)
      )
      const endMs = this.#stopwatch()
      this.#standings.set(authority.id, {
        notBeforeMs: endMs + Math.max(restMs, endMs - startMs),
        failures: 0
      })
    } catch (error) {
      if (signal.aborted) return
      const pauseMs = Math.min(firstPauseMs * 2 ** failures, longestPauseMs)
      this.#standings.set(authority.id, { notBeforeMs: this.#stopwatch() + pauseMs, failures: failures + 1 })
      if (failures > 0) return
      const { name } = authority
      this.#options.log.warn(
        { err: error, authority: name },
        `the CRL of ${name} could not be made; tried again`
      )
    }
  }
}

function isDue(
  { thisUpdate, nextUpdate, changes, hasEnded }: CrlState,
  now: Date,
  { overlapMs }: CrlPeriods
): boolean {
  if (thisUpdate === null || nextUpdate === null || changes.length > 0 || hasEnded) return true
  return (
    now.getTime() >= nextUpdate.getTime() - overlapMs ||
    now.getTime() < thisUpdate.getTime() - clockToleranceMs
  )
}

/** Goes on until it is closed. What fails is tried again; that is told once. */
export function startCrlDuty(options: CrlDutyOptions): { close(): Promise<void> } {
  const { log } = options
  const duty = new CrlDuty(options)
  let isTroubleTold = false
  return startRepeating(async signal => {
    try {
      await duty.step(signal)
      isTroubleTold = false
    } catch (error) {
      if (!isTroubleTold && !signal.aborted) log.warn({ err: error }, 'CRLs could not be made; tried again')
      isTroubleTold = true
    }
    return pollMs
  })
}
