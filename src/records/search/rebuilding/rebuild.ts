import { setTimeout as delay } from 'node:timers/promises'
import { type Act, buildAuditEvent, type ToldAct } from '../../../audit/audit-event.ts'
import type { Clock, Stopwatch } from '../../../sources/clock.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import type { Filling } from '../filling/filling.ts'
import type { RebuildStore } from './rebuild-store.ts'

export interface RebuildDependencies {
  readonly store: RebuildStore
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** Empties what records are searched by. The records stay as they are. */
export function resetSearch({ store, clock, randomBytes }: RebuildDependencies, act: Act): Promise<void> {
  const what: ToldAct = { ...act, act: 'search.rebuild', subject: 'search/records' }
  return store.reset(buildAuditEvent(what, { time: clock(), randomBytes }))
}

export interface RefillOptions {
  readonly store: Pick<RebuildStore, 'countFilled'>
  readonly filling: Filling
  readonly stopwatch: Stopwatch
  readonly onProgress: (records: number) => void
  /** Ends it; what was filled in by then stays. */
  readonly signal: AbortSignal
}

/** A step is followed by a rest that is as long, up to this, so that stations are not held up. */
const mostRestMs = 1_000

/**
 * Fills in until there is nothing left to do. Services may do the same meanwhile.
 *
 * @returns whether it came to the end.
 */
export async function refill({
  store,
  filling,
  stopwatch,
  onProgress,
  signal
}: RefillOptions): Promise<boolean> {
  while (!signal.aborted) {
    const startMs = stopwatch()
    const hasMore = await filling.step()
    onProgress(await store.countFilled())
    if (!hasMore) return true
    const restMs = Math.min(stopwatch() - startMs, mostRestMs)
    await delay(restMs, undefined, { signal }).catch(() => undefined)
  }
  return false
}
