import type { ListState } from '../list-state-store.ts'
import { type CrlPart, lastNextUpdate } from '../scope.ts'

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
  /** Where the deltas of a generation are, or of a shard of it. */
  readonly urlOf: (generation: string, part: CrlPart) => string
}

export type CrlKind = 'complete' | 'delta'

/** Up to here it costs nobody much to read a delta that is longer than what it is of. */
const shortEntries = 1_000
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
  state: ListState & { readonly hasEnded?: boolean },
  now: Date,
  { overlapMs, deltaBaseMs, freshestCrl }: DueRules
): CrlKind | undefined {
  const { thisUpdate, nextUpdate } = state
  const hasNews = state.hasChanges || state.hasEnded === true
  if (thisUpdate === null || nextUpdate === null) return 'complete'
  if (now.getTime() >= nextUpdate.getTime() - overlapMs || isOfFuture(thisUpdate, now)) return 'complete'
  // After a change of the setting nobody is to look for deltas where there are none, or not to look where they are.
  if ((state.freshestCrl ?? undefined) !== freshestCrl) return 'complete'
  if (deltaBaseMs === undefined) return hasNews ? 'complete' : undefined
  const { delta } = state
  // Who reads deltas is not to read more than who reads none.
  const isLong = delta !== null && delta.entries > Math.max(shortEntries, state.entries ?? 0)
  if (isLong && hasNews) return 'complete'
  const isOld = now.getTime() >= thisUpdate.getTime() + deltaBaseMs
  return kindOfNews(delta, { hasNews, isOld, now })
}

interface News {
  readonly hasNews: boolean
  /** Of the complete one: what its delta says is to go into another. */
  readonly isOld: boolean
  readonly now: Date
}

function kindOfNews(delta: ListState['delta'], { hasNews, isOld, now }: News): CrlKind | undefined {
  if (isOld && (hasNews || (delta?.entries ?? 0) > 0)) return 'complete'
  // The first one says that nothing has changed.
  return delta === null || hasNews || isOfFuture(delta.thisUpdate, now) ? 'delta' : undefined
}

/** What is revoked of it after the last one, since its month was away, has another last one follow. */
export function isLastDue({ nextUpdate, hasChanges }: ListState): boolean {
  return hasChanges || nextUpdate?.getTime() !== lastNextUpdate.getTime()
}

function isOfFuture(thisUpdate: Date, now: Date): boolean {
  return now.getTime() < thisUpdate.getTime() - clockToleranceMs
}
