import { Gauge, type Registry } from 'prom-client'
import type { CrlFacts } from '../status/crl/crls.ts'
import type { DeltaStand } from '../status/crl/delta-watch.ts'
import type { Publications } from '../status/crl/publishing/publications.ts'
import type { ShardStand } from '../status/crl/shard-watch.ts'
import { measuredOnce } from './measured-once.ts'

type Told = Exclude<keyof CrlFacts, 'authority'>

const gauges: Readonly<Record<Told, readonly [name: string, help: string]>> = {
  number: ['mintline_crl_number', 'cRLNumber of the newest CRL of each generation.'],
  entries: ['mintline_crl_entries', 'Certificates that it says are revoked or on hold.'],
  ageSeconds: ['mintline_crl_age_seconds', 'Since its thisUpdate.'],
  secondsToNextUpdate: [
    'mintline_crl_next_update_seconds',
    'Until its nextUpdate; below 0 it counts for nobody.'
  ],
  lagSeconds: [
    'mintline_crl_publication_lag_seconds',
    'Since the oldest revocation that it does not say: below 10 where all is well.'
  ]
}

/** Read when they are asked for. While the database is away there are none: nobody knows. */
export function addCrlMetrics(
  registry: Registry,
  crls: { readonly measure: () => Promise<readonly CrlFacts[]> }
): void {
  const measureOnce = measuredOnce(() => crls.measure())
  for (const [member, [name, help]] of Object.entries(gauges) as [Told, readonly [string, string]][]) {
    new Gauge({
      name,
      help,
      labelNames: ['authority'],
      registers: [registry],
      async collect() {
        const facts = await measureOnce()
        this.reset()
        for (const each of facts) this.set({ authority: each.authority }, each[member])
      }
    })
  }
}

const shardGauges: Readonly<
  Record<'missing' | 'entries' | 'secondsToNextUpdate' | 'lagSeconds', readonly [name: string, help: string]>
> = {
  missing: ['mintline_crl_shards_missing', 'Shards of a generation that have no CRL yet.'],
  entries: ['mintline_crl_shards_entries', 'Entries of the CRLs of all shards together.'],
  secondsToNextUpdate: ['mintline_crl_shards_next_update_seconds', 'Until the first of them ends.'],
  lagSeconds: [
    'mintline_crl_shards_publication_lag_seconds',
    'Since the oldest revocation that one of them does not say.'
  ]
}

/** All shards of a generation together: one by one, they would be too many. */
export function addShardMetrics(
  registry: Registry,
  crls: { readonly measureShards: () => Promise<readonly ShardStand[]> }
): void {
  addPartGauges(registry, shardGauges, () => crls.measureShards())
}

const deltaGauges: Readonly<
  Record<Exclude<keyof DeltaStand, 'authority' | 'shards'>, readonly [name: string, help: string]>
> = {
  missing: ['mintline_crl_delta_missing', 'Complete CRLs that name delta CRLs and have none yet.'],
  entries: [
    'mintline_crl_delta_entries',
    'Entries of the newest delta CRL, or of those of all shards together.'
  ],
  ageSeconds: ['mintline_crl_delta_age_seconds', 'Since the thisUpdate of the oldest of them.'],
  secondsToNextUpdate: ['mintline_crl_delta_next_update_seconds', 'Until the first of them ends.'],
  lagSeconds: [
    'mintline_crl_delta_publication_lag_seconds',
    'Since the oldest revocation that one of them does not say, nor its complete CRL: below 10 where all is well.'
  ]
}

/** Where delta CRLs are made. `shards` is 0 for that of all certificates. */
export function addDeltaMetrics(
  registry: Registry,
  crls: { readonly measureDeltas: () => Promise<readonly DeltaStand[]> }
): void {
  addPartGauges(registry, deltaGauges, () => crls.measureDeltas())
}

/** Of each way in which certificates are shared out. What is not known of it is left out. */
function addPartGauges<Member extends string>(
  registry: Registry,
  told: Readonly<Record<Member, readonly [name: string, help: string]>>,
  measure: () => Promise<
    readonly (Readonly<Record<Member, number | undefined>> & {
      readonly authority: string
      readonly shards: number
    })[]
  >
): void {
  const measureOnce = measuredOnce(measure)
  for (const [member, [name, help]] of Object.entries(told) as [Member, readonly [string, string]][]) {
    new Gauge({
      name,
      help,
      labelNames: ['authority', 'shards'],
      registers: [registry],
      async collect() {
        const stands = await measureOnce()
        this.reset()
        for (const { authority, shards, [member]: value } of stands)
          if (value !== undefined) this.set({ authority, shards }, value)
      }
    })
  }
}

/** Of the places where CRLs are put besides; where there are none, nothing. */
export function addPublicationMetrics(registry: Registry, publications: Pick<Publications, 'measure'>): void {
  new Gauge({
    name: 'mintline_crl_unpublished_seconds',
    help: 'Since the newest CRL was begun, while another one or none is at the place where it is to be put; else 0.',
    labelNames: ['authority', 'target'],
    registers: [registry],
    async collect() {
      const facts = await publications.measure().catch(() => [])
      this.reset()
      for (const { authority, target, unpublishedSeconds } of facts)
        this.set({ authority, target }, unpublishedSeconds)
    }
  })
}
