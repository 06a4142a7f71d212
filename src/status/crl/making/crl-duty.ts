import type { Authorities, Authority } from '../../../authorities/authority.ts'
import { type SignerSources, withLentSigner } from '../../../authorities/generations/lent-signer.ts'
import type { ClockTrust } from '../../../clock/clock-trust.ts'
import { maySignCrls } from '../../../pki/certificate/authority/certificate.ts'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { startRepeating } from '../../../sources/repeating.ts'
import { allParts, type CrlPart, describePart, hasCrls, scopeKey } from '../scope.ts'
import { type CrlKind, type CrlPeriods, type DeltaRules, isLastDue, kindDue } from './due.ts'
import { makeCrl, type MakingDependencies } from './making.ts'
import type { CrlState } from './making-store.ts'
import type { ShardState } from './shard-store.ts'

export interface CrlDutyOptions extends MakingDependencies, SignerSources {
  readonly periods: CrlPeriods
  readonly authorities: Pick<Authorities, 'list' | 'issuingById'>
  readonly clockTrust: Pick<ClockTrust, 'assertTrusted'>
  /** Under which certificates name their shard from now on; undefined where they name none. */
  readonly publicUrl: string | undefined
  /** Undefined: none are made. */
  readonly deltas: DeltaRules | undefined
  readonly stopwatch?: Stopwatch
}

const pollMs = 1_000
/** Those of shards that nothing waits for are looked at as often. */
const allShardsEveryMs = 60_000
/** Revocations that come meanwhile go into one CRL. Besides, as long as the last one took. */
const restMs = 2_000
const firstPauseMs = 5_000
const longestPauseMs = 60_000
/** Of the time between two tries that fail, the part that they may take. */
const failingShare = 0.2
/** Each takes twice the memory of its octets. A key that is slow holds up as many of the others at the most. */
const maximumAtOnce = 4
/** Longer than the last reader of a CRL takes, see the route. */
const keptMs = 10 * 60_000
const pruneEveryMs = 60_000
/** Of each time: some 10 GiB. */
const maximumPrunings = 200

/** When a CRL, or the key of an authority, has its next try, and how often it failed in a row. */
interface Standing {
  notBeforeMs: number
  failures: number
}

/** A CRL that is due. */
interface Due {
  readonly authority: Authority
  readonly part: CrlPart
  readonly isLast: boolean
}

/** As it was when it was found to be due. */
interface DueCrl extends Due {
  readonly kind: CrlKind
  readonly freshestCrl: string | undefined
}

/** Makes the CRLs that are due, a few at once: those that have waited longest first. */
export class CrlDuty {
  readonly #options: CrlDutyOptions
  readonly #stopwatch: Stopwatch
  readonly #standings = new Map<string, Standing>()
  readonly #waiting = new Map<string, DueCrl>()
  readonly #underWay = new Map<string, Promise<void>>()
  #prunedAtMs = -Infinity
  #allShardsAtMs = -Infinity
  /** When shards whose complete CRL was made have their turn for the first delta of it, which nothing else tells. */
  #firstDeltasAtMs = Infinity
  #rules: string | undefined

  constructor(options: CrlDutyOptions) {
    this.#options = options
    this.#stopwatch = options.stopwatch ?? systemStopwatch
  }

  /**
   * Begins those that are due, and waits for none of them. What fails of one authority is told, and tried again after a pause.
   *
   * @throws MintlineError `database_unavailable`, `clock_untrusted`.
   */
  async step(signal: AbortSignal): Promise<void> {
    const { store, authorities, clockTrust, clock } = this.#options
    const now = clock()
    await this.#notePartitions(now)
    const states = new Map((await store.listStates(now)).map(state => [state.authorityId, state]))
    const shards = Map.groupBy(await this.#listShards(), ({ authorityId }) => authorityId)
    for (const known of authorities.list()) {
      const state = states.get(known.id)
      // Until all is revoked, what waits is for the last one to say.
      if (state === undefined || state.lastCrl === 'waiting') continue
      const authority = { ...known, state: state.authorityState }
      const isLast = state.lastCrl === 'due' && maySignCrls(authority.certificate, now)
      if (!isLast && !hasCrls(authority, now)) {
        if (!state.hasChanges) continue
        // By a clock that is ahead, one that has CRLs would seem to be over, and what waits would be told by nobody.
        await clockTrust.assertTrusted()
        await store.dropChanges(authority.id)
        continue
      }
      // Those of shards are short: nobody waits for them because of a long one.
      for (const each of shards.get(authority.id) ?? [])
        await this.#ask(each, { authority, part: partOf(each), isLast }, now)
      await this.#ask(state, { authority, part: allParts, isLast }, now)
      this.#begin(signal)
    }
    await this.#prune(now, signal)
  }

  async #ask(state: CrlState | ShardState, due: Due, now: Date): Promise<void> {
    const key = keyOf(due)
    if (!this.#isItsTurn(key, due.authority)) return
    const crl = this.#crlDue(state, due, now)
    if (crl === undefined) return
    await this.#options.clockTrust.assertTrusted()
    this.#waiting.set(key, { ...due, ...crl })
  }

  /** @returns undefined where none is due. */
  #crlDue(
    state: CrlState | ShardState,
    { authority, part, isLast }: Due,
    now: Date
  ): Pick<DueCrl, 'kind' | 'freshestCrl'> | undefined {
    if (isLast) return isLastDue(state) ? { kind: 'complete', freshestCrl: undefined } : undefined
    const { periods, deltas } = this.#options
    const freshestCrl = deltas?.urlOf(authority.name, part)
    const kind = kindDue(state, now, { ...periods, deltaBaseMs: deltas?.baseMs, freshestCrl })
    return kind && { kind, freshestCrl }
  }

  async #notePartitions(now: Date): Promise<void> {
    const { shards, publicUrl } = this.#options
    if (publicUrl === undefined) return
    const rules = await shards.readRules()
    if (rules === this.#rules) return
    await shards.notePartitions(publicUrl, now)
    this.#rules = rules
  }

  async #listShards(): Promise<readonly ShardState[]> {
    const nowMs = this.#stopwatch()
    const isAll = nowMs >= Math.min(this.#allShardsAtMs + allShardsEveryMs, this.#firstDeltasAtMs)
    if (nowMs >= this.#firstDeltasAtMs) this.#firstDeltasAtMs = Infinity
    const states = await this.#options.shards.listStates(isAll ? 'all' : 'changed')
    if (isAll) this.#allShardsAtMs = this.#stopwatch()
    return states
  }

  /** Waits for those that were begun, and those that wait for them. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values())
  }

  #isItsTurn(key: string, { id }: Authority): boolean {
    if (this.#waiting.has(key) || this.#underWay.has(key)) return false
    return [key, id].every(each => (this.#standings.get(each)?.notBeforeMs ?? 0) <= this.#stopwatch())
  }

  #begin(signal: AbortSignal): void {
    if (signal.aborted) this.#waiting.clear()
    for (const [key, due] of this.#waiting) {
      if (this.#underWay.size >= maximumAtOnce) return
      this.#waiting.delete(key)
      const making = this.#make(due, signal).finally(() => {
        this.#underWay.delete(key)
        this.#begin(signal)
      })
      this.#underWay.set(key, making)
    }
  }

  async #prune(now: Date, signal: AbortSignal): Promise<void> {
    const { store, clockTrust } = this.#options
    if (this.#stopwatch() < this.#prunedAtMs + pruneEveryMs) return
    this.#prunedAtMs = this.#stopwatch()
    await clockTrust.assertTrusted()
    const before = new Date(now.getTime() - keptMs)
    for (let done = 0; done < maximumPrunings && !signal.aborted; done++)
      if (!(await store.prune(before))) return
  }

  async #make(due: DueCrl, signal: AbortSignal): Promise<void> {
    const { authority } = due
    const startMs = this.#stopwatch()
    let isKeyThere = false
    // What has waited since its key was found to be away waits on.
    if ((this.#standings.get(authority.id)?.notBeforeMs ?? 0) > startMs) return
    try {
      await withLentSigner(this.#options, authority, async signer => {
        // A key that is away is asked for before a list is made for it.
        await signer.assertUsable()
        isKeyThere = true
        await makeCrl(this.#options, { ...due, signer }, signal)
      })
      const endMs = this.#stopwatch()
      const notBeforeMs = endMs + Math.max(restMs, endMs - startMs)
      this.#standings.set(keyOf(due), { notBeforeMs, failures: 0 })
      this.#standings.delete(authority.id)
      const isFirstDeltaDue = due.part.shards > 0 && due.kind === 'complete' && due.freshestCrl !== undefined
      // Many are made one after another, and the last of them has its turn last.
      if (isFirstDeltaDue) this.#firstDeltasAtMs = notBeforeMs
    } catch (error) {
      if (signal.aborted) return
      this.#fail(due, error, { key: isKeyThere ? keyOf(due) : authority.id, startMs })
    }
  }

  #fail(
    { authority: { name }, part }: Due,
    error: unknown,
    { key, startMs }: { readonly key: string; readonly startMs: number }
  ): void {
    const { failures } = this.#standings.get(key) ?? { failures: 0 }
    const endMs = this.#stopwatch()
    const pauseMs = Math.max(
      Math.min(firstPauseMs * 2 ** failures, longestPauseMs),
      (endMs - startMs) / failingShare
    )
    this.#standings.set(key, { notBeforeMs: endMs + pauseMs, failures: failures + 1 })
    if (failures > 0) return
    this.#options.log.warn(
      { err: error, authority: name },
      `the CRL of ${describePart(part, name)} could not be made; tried again`
    )
  }
}

const partOf = ({ shards, shard }: CrlPart): CrlPart => ({ shards, shard })

const keyOf = ({ authority: { id: authorityId }, part }: Due) => scopeKey({ authorityId, ...part })

/** Goes on until it is closed. What fails is tried again; that is told once. */
export function startCrlDuty(options: CrlDutyOptions): { close(): Promise<void> } {
  const { log } = options
  const duty = new CrlDuty(options)
  let isTroubleTold = false
  const repeating = startRepeating(async signal => {
    try {
      await duty.step(signal)
      isTroubleTold = false
    } catch (error) {
      if (!isTroubleTold && !signal.aborted) log.warn({ err: error }, 'CRLs could not be made; tried again')
      isTroubleTold = true
    }
    return pollMs
  })
  return {
    async close() {
      await repeating.close()
      await duty.settled()
    }
  }
}
