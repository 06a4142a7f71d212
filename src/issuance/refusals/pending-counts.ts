import type { CountedRefusal, Tally } from '../../records/refusal-counts/refusal-count.ts'

/** What was counted and is not written yet, in bounded memory. */
export interface PendingCounts {
  add(counted: CountedRefusal, at: Date): void
  /** Gives all of it out, and is empty after that. */
  drain(): readonly Tally[]
  readonly size: number
  /** There is no room for one more kind of refusal without putting counts together. */
  readonly isFull: boolean
}

export interface PendingCountsOptions {
  readonly maximum?: number
  /** Names of profiles are the requester's own: a station that makes them up has few of them counted apart. */
  readonly maximumOfStation?: number
}

/**
 * Where there is no room, the oldest count loses what tells it apart from others of the same reason, station and code:
 * the numbers stay right. There are as many of those as there are stations and codes, however often they ask.
 */
export function createPendingCounts(options: PendingCountsOptions = {}): PendingCounts {
  const { maximum = 10_000, maximumOfStation = 100 } = options
  const precise = new Map<string, Tally>()
  const merged = new Map<string, Tally>()
  const kindsOfStation = new Map<string, number>()

  function addPrecise(tally: Tally): void {
    const key = keyOf(tally)
    if (!precise.has(key) && tally.refusalId === null) {
      const kinds = kindsOfStation.get(tally.station) ?? 0
      if (kinds >= maximumOfStation) return addTo(merged, imprecise(tally))
      kindsOfStation.set(tally.station, kinds + 1)
    }
    addTo(precise, tally)
    mergeOldest()
  }

  function mergeOldest(): void {
    for (const [key, oldest] of precise) {
      if (precise.size + merged.size <= maximum) return
      precise.delete(key)
      addTo(merged, imprecise(oldest))
    }
  }

  return {
    add: (counted, at) => addPrecise({ ...counted, windowStart: at, lastAt: at, count: 1 }),
    drain() {
      const all = [...merged.values(), ...precise.values()]
      for (const each of [merged, precise, kindsOfStation]) each.clear()
      return all
    },
    get size() {
      return precise.size + merged.size
    },
    get isFull() {
      return precise.size + merged.size >= maximum
    }
  }
}

function addTo(tallies: Map<string, Tally>, tally: Tally): void {
  const key = keyOf(tally)
  const before = tallies.get(key)
  tallies.set(key, before === undefined ? tally : sumOf(before, tally))
}

function sumOf(one: Tally, other: Tally): Tally {
  return {
    ...one,
    // The clock may have been set back in between.
    windowStart: one.windowStart < other.windowStart ? one.windowStart : other.windowStart,
    lastAt: one.lastAt > other.lastAt ? one.lastAt : other.lastAt,
    count: one.count + other.count
  }
}

function imprecise(tally: Tally): Tally {
  return { ...tally, tokenId: null, profileName: null, refusalId: null }
}

function keyOf({ reason, station, tokenId, code, profileName, refusalId }: Tally): string {
  return JSON.stringify([reason, station, tokenId, code, profileName, refusalId])
}
