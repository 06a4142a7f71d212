import type { Authorities } from '../../authorities/authority.ts'
import type { CrlStore } from './crl-store.ts'
import { ofWatched, secondsBetween } from './watched.ts'

/** What there is to know of the deltas of a generation's complete CRL, or of those of its shards all together. */
export interface DeltaStand {
  readonly authority: string
  /** 0: of the CRL of all its certificates. */
  readonly shards: number
  /** So many complete CRLs name deltas and have none yet. */
  readonly missing: number
  /** Of all together. */
  readonly entries: number
  /** Of the oldest; undefined where there is none. */
  readonly ageSeconds: number | undefined
  /** Of the one that ends first. */
  readonly secondsToNextUpdate: number | undefined
  /** Since the oldest change that neither one of them nor its complete one says. */
  readonly lagSeconds: number
}

interface WatchDependencies {
  readonly store: Pick<CrlStore, 'listDeltaFacts' | 'listShardFacts' | 'listLags'>
  readonly authorities: Pick<Authorities, 'list'>
  readonly overlapMs: number
}

/** The first one follows its complete one within seconds; those of shards come one after another. */
const overdueSeconds = 120

export function createDeltaWatch({ store, authorities, overlapMs }: WatchDependencies) {
  async function describeAll(now: Date) {
    const [ofAll, ofShards] = await Promise.all([store.listDeltaFacts(), store.listShardFacts()])
    const facts = [...ofAll.map(each => ({ ...each, shards: 0, lagSeconds: undefined })), ...ofShards]
    return ofWatched(
      authorities,
      facts.filter(({ deltaBases }) => deltaBases > 0),
      now
    )
  }

  return {
    async measure(now: Date): Promise<readonly DeltaStand[]> {
      const [all, lags] = await Promise.all([describeAll(now), store.listLags(now)])
      const lagOf = (id: string) => lags.find(({ authorityId }) => authorityId === id)?.seconds ?? 0
      return all.map(({ authority, shards, lagSeconds, ...facts }) => ({
        authority,
        shards,
        missing: facts.deltasMissing,
        entries: facts.deltaEntries,
        ageSeconds: secondsBetween(facts.deltaThisUpdate, now),
        secondsToNextUpdate: secondsBetween(now, facts.deltaNextUpdate),
        lagSeconds: lagSeconds ?? lagOf(facts.authorityId)
      }))
    },
    /** In words. What a delta does not say yet is told of its complete one. */
    async faults(now: Date): Promise<readonly string[]> {
      return (await describeAll(now)).flatMap(({ authority, shards, ...facts }) => {
        const of = shards === 0 ? `of ${authority}` : `of ${authority}, which has ${shards} shards,`
        const waitedSeconds = secondsBetween(facts.deltaMissingSince, now) ?? 0
        if (waitedSeconds >= overdueSeconds)
          return [`${facts.deltasMissing} of the CRLs ${of} name a delta that is not there`]
        const leftSeconds = secondsBetween(now, facts.deltaNextUpdate)
        if (leftSeconds === undefined || leftSeconds * 1000 >= overlapMs / 2) return []
        return [`a delta CRL ${of} ends ${facts.deltaNextUpdate!.toISOString()}`]
      })
    }
  }
}
