import type { Stopwatch } from '../../sources/clock.ts'

/** How much of what it may send a station has left. */
export interface Budget {
  /** False for a request that is one too many. */
  readonly isWithin: boolean
  readonly perMinute: number
  /** Whole requests that may follow at once. */
  readonly remaining: number
  /** Until a minute's worth is there again. */
  readonly resetSeconds: number
  /** Until there is one more, where there is none. */
  readonly retryAfterSeconds: number
}

/** Budgets of requests: for each name a bucket that holds those of one minute and fills at their rate. */
export interface RequestBudgets {
  /** Takes one, if there is one. A change of `perMinute` holds from the next request on. */
  take(name: string, perMinute: number): Budget
}

interface Bucket {
  /** Of a minute's worth: 1 is full. */
  share: number
  filledAt: number
}

const minuteMs = 60_000
/** Of sums of fractions. */
const rounding = 1e-6

/** @param maximumNames beyond it, who has been quiet for longest is forgotten, and begins anew with a full bucket. */
export function createRequestBudgets(stopwatch: Stopwatch, maximumNames = 10_000): RequestBudgets {
  // Who came last stands last.
  const buckets = new Map<string, Bucket>()
  return {
    take(name, perMinute) {
      const now = stopwatch()
      const known = buckets.get(name)
      const share = known === undefined ? 1 : Math.min(1, known.share + (now - known.filledAt) / minuteMs)
      const isWithin = share * perMinute >= 1 - rounding
      const left = Math.max(0, share - (isWithin ? 1 / perMinute : 0))
      buckets.delete(name)
      if (buckets.size >= maximumNames) buckets.delete(buckets.keys().next().value!)
      buckets.set(name, { share: left, filledAt: now })
      return {
        isWithin,
        perMinute,
        remaining: Math.floor(left * perMinute + rounding),
        resetSeconds: Math.ceil((1 - left) * 60 - rounding),
        retryAfterSeconds: Math.max(1, Math.ceil((1 - left * perMinute) * (60 / perMinute) - rounding))
      }
    }
  }
}
