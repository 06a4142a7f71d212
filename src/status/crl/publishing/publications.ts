import type { Authorities } from '../../../authorities/authority.ts'
import type { Clock } from '../../../sources/clock.ts'
import type { CrlStore } from '../crl-store.ts'
import { crlFilePath } from './paths.ts'
import type { Publication, PublicationStore } from './publication-store.ts'

/** How a generation's CRL stands at a place. */
interface PublicationFacts {
  readonly target: string
  readonly authority: string
  /** Since the newest CRL was begun, where another one is there, or none; else 0. */
  readonly unpublishedSeconds: number
}

export interface Publications {
  /** Of each place and generation. @throws MintlineError `database_unavailable`. */
  measure(): Promise<readonly PublicationFacts[]>
  /** What is amiss, in words. @throws as above. */
  faults(): Promise<readonly string[]>
}

export interface PublicationsDependencies {
  /** Names of the places that are set. */
  readonly targets: readonly string[]
  readonly store: Pick<PublicationStore, 'list'>
  readonly crls: Pick<CrlStore, 'listNewest' | 'listNewestShards'>
  readonly authorities: Pick<Authorities, 'list'>
  readonly clock: Clock
}

/** A list of a million entries takes a while to be made, and to be sent. */
const overdueSeconds = 120

interface Stand extends PublicationFacts {
  readonly publication: Publication | undefined
}

export function createPublications(dependencies: PublicationsDependencies): Publications {
  const { targets, store, crls, authorities, clock } = dependencies

  async function describeAll(): Promise<readonly Stand[]> {
    if (targets.length === 0) return []
    const [whole, shards, publications] = await Promise.all([
      crls.listNewest(),
      crls.listNewestShards(),
      store.list()
    ])
    const found = new Map(publications.map(each => [`${each.target}\n${each.path}`, each]))
    const names = new Map(authorities.list().map(({ id, name }) => [id, name]))
    const now = clock().getTime()
    return targets.flatMap(target =>
      [...whole, ...shards].flatMap(({ authorityId, intentId, thisUpdate, ...part }) => {
        const authority = names.get(authorityId)
        if (authority === undefined) return []
        const publication = found.get(`${target}\n${crlFilePath(authority, part)}`)
        const isThere = publication?.intentId === intentId
        const unpublishedSeconds = isThere ? 0 : Math.max(0, (now - thisUpdate.getTime()) / 1000)
        return [{ target, authority, unpublishedSeconds, publication }]
      })
    )
  }

  return {
    async measure() {
      // Of a generation the one that has waited longest, be it a shard.
      const worst = new Map<string, PublicationFacts>()
      for (const { target, authority, unpublishedSeconds } of await describeAll()) {
        const key = `${target}\n${authority}`
        if (unpublishedSeconds >= (worst.get(key)?.unpublishedSeconds ?? 0))
          worst.set(key, { target, authority, unpublishedSeconds })
      }
      return [...worst.values()]
    },
    async faults() {
      const now = clock().getTime()
      const faults = new Map<string, string>()
      for (const { target, authority, unpublishedSeconds, publication } of await describeAll()) {
        const since = publication?.failingSince
        // One that is there and cannot be looked at any more is told as well. Of many shards one is enough.
        if (since && now - since.getTime() > overdueSeconds * 1000)
          faults.set(
            `${target}\n${authority}`,
            `the CRL of ${authority} cannot be put to ${target} since ${since.toISOString()}: ${publication?.failure}`
          )
        else if (unpublishedSeconds >= overdueSeconds && !faults.has(`${target}\n${authority}`))
          faults.set(`${target}\n${authority}`, `the CRL of ${authority} is not at ${target} yet`)
      }
      return [...faults.values()]
    }
  }
}
