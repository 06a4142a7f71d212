import type { Stopwatch } from '../../sources/clock.ts'

/** `limit-began` once in a minute, for the log. */
type Admission = 'within' | 'limit-began' | 'beyond'

/** How many refusals of each station are recorded: a bucket that holds those of one minute and fills at their rate. */
export interface StationLimits {
  take(station: string): Admission
  /** Nothing was recorded after all. */
  giveBack(station: string): void
}

export interface StationLimitsOptions {
  readonly perMinute: number
  readonly stopwatch: Stopwatch
  /** Beyond it the station that has been quiet for longest is forgotten, and begins anew. */
  readonly maximumStations?: number
}

interface Bucket {
  left: number
  filledAt: number
  toldAt: number
}

const minuteMs = 60_000

export function createStationLimits(options: StationLimitsOptions): StationLimits {
  const { perMinute, stopwatch, maximumStations = 10_000 } = options
  // Who came last stands last.
  const buckets = new Map<string, Bucket>()

  function bucketOf(station: string): Bucket {
    const now = stopwatch()
    const bucket = buckets.get(station) ?? {
      left: perMinute,
      filledAt: now,
      toldAt: Number.NEGATIVE_INFINITY
    }
    bucket.left = Math.min(perMinute, bucket.left + ((now - bucket.filledAt) * perMinute) / minuteMs)
    bucket.filledAt = now
    buckets.delete(station)
    if (buckets.size >= maximumStations) buckets.delete(buckets.keys().next().value!)
    buckets.set(station, bucket)
    return bucket
  }

  return {
    take(station) {
      const bucket = bucketOf(station)
      if (bucket.left >= 1) {
        bucket.left--
        return 'within'
      }
      const now = bucket.filledAt
      if (now - bucket.toldAt < minuteMs) return 'beyond'
      bucket.toldAt = now
      return 'limit-began'
    },
    giveBack(station) {
      const bucket = bucketOf(station)
      bucket.left = Math.min(perMinute, bucket.left + 1)
    }
  }
}
