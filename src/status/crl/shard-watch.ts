import type { Authorities } from '../../authorities/authority.ts'
import type { CrlStore } from './crl-store.ts'
import { ofWatched, secondsBetween } from './watched.ts'

/** What there is to know of the CRLs of a generation's shards, all together. */
export interface ShardStand {
  readonly authority: string
  readonly shards: number
  /** So many have no CRL yet. */
  readonly missing: number
  readonly entries: number
  /** To the first end of one of them; undefined where there is none at all. */
  readonly secondsToNextUpdate: number | undefined
  /** Since the oldest change that one of them does not say. */
  readonly lagSeconds: number
}

interface WatchDependencies {
  readonly store: Pick<CrlStore, 'listShardFacts'>
  readonly authorities: Pick<Authorities, 'list'>
  readonly overlapMs: number
}

/** A way to share out certificates is new now and then: its CRLs are made within that. */
const overdueSeconds = 120

export function createShardWatch({ store, authorities, overlapMs }: WatchDependencies) {
  async function measure(now: Date): Promise<readonly ShardStand[]> {
    return ofWatched(authorities, await store.listShardFacts(), now).map(
      ({ authority, shards, missing, entries, nextUpdate, lagSeconds }) => ({
        authority,
        shards,
        missing,
        entries,
        secondsToNextUpdate: secondsBetween(now, nextUpdate),
        lagSeconds
      })
    )
  }
  return {
    measure,
    /** In words. */
    async faults(now: Date): Promise<readonly string[]> {
      return (await measure(now)).flatMap(stand => {
        const of = `of ${stand.authority}, which has ${stand.shards} shards`
        const seconds = Math.floor(stand.lagSeconds)
        if (seconds >= overdueSeconds)
          return stand.missing > 0
            ? [`${stand.missing} CRLs ${of}, are missing`]
            : [`a CRL ${of}, is ${seconds} s behind`]
        const left = stand.secondsToNextUpdate
        return left !== undefined && left * 1000 < overlapMs / 2
          ? [`a CRL ${of}, ends in ${Math.floor(left)} s`]
          : []
      })
    }
  }
}
