import { lastNextUpdate } from '../scope.ts'
import type { CrlState } from './making-store.ts'
import type { ShardState } from './shard-store.ts'

export interface CrlPeriods {
  /** From thisUpdate to nextUpdate. */
  readonly validityMs: number
  /** How long before nextUpdate the next one is there, where nothing changes. */
  readonly overlapMs: number
}

/** How delta CRLs are made of the complete ones. */
export interface DeltaRules {
  /** For so long what changes goes into deltas of a complete one. */
  readonly baseMs: number
  /** Where the deltas of a generation are. */
  readonly urlOf: (generation: string) => string
}

export type CrlKind = 'complete' | 'delta'

/** A CRL from the future counts for nobody whose clock is right. */
const clockToleranceMs = 60_000

export interface DueRules extends Pick<CrlPeriods, 'overlapMs'> {
  /** Undefined where no deltas are made of it. */
  readonly deltaBaseMs: number | undefined
  /** What a complete one is to say of where its deltas are. */
  readonly freshestCrl: string | undefined
}

/** @returns which CRL is to be made; undefined: none. */
export function kindDue(
  state: CrlState | ShardState,
  now: Date,
  { overlapMs, deltaBaseMs, freshestCrl }: DueRules
): CrlKind | undefined {
  const { thisUpdate, nextUpdate } = state
  const hasNews = state.hasChanges || ('hasEnded' in state && state.hasEnded)
  if (thisUpdate === null || nextUpdate === null) return 'complete'
  if (now.getTime() >= nextUpdate.getTime() - overlapMs || isOfFuture(thisUpdate, now)) return 'complete'
  // After a change of the setting nobody is to look for deltas where there are none, or not to look where they are.
  if ('freshestCrl' in state && (state.freshestCrl ?? undefined) !== freshestCrl) return 'complete'
  if (deltaBaseMs === undefined || !('delta' in state)) return hasNews ? 'complete' : undefined
  const isOld = now.getTime() >= thisUpdate.getTime() + deltaBaseMs
  return kindOfNews(state.delta, { hasNews, isOld, now })
}

interface News {
  readonly hasNews: boolean
  /** Of the complete one: what its delta says is to go into another. */
  readonly isOld: boolean
  readonly now: Date
}

function kindOfNews(delta: CrlState['delta'], { hasNews, isOld, now }: News): CrlKind | undefined {
  if (isOld && (hasNews || (delta?.entries ?? 0) > 0)) return 'complete'
  // The first one says that nothing has changed.
  return delta === null || hasNews || isOfFuture(delta.thisUpdate, now) ? 'delta' : undefined
}

/** What is revoked of it after the last one, since its month was away, has another last one follow. */
export function isLastDue({ nextUpdate, hasChanges }: CrlState | ShardState): boolean {
  return hasChanges || nextUpdate?.getTime() !== lastNextUpdate.getTime()
}

function isOfFuture(thisUpdate: Date, now: Date): boolean {
  return now.getTime() < thisUpdate.getTime() - clockToleranceMs
}
