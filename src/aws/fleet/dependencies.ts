import type { AuthorityStore } from '../../authorities/authority-store.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import type { Clock, Stopwatch } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { CertificateAccesses } from '../push/control/certificate-accesses.ts'
import type { JudgingStore } from './judging/judging-store.ts'
import type { KeyStore } from './keys/key-store.ts'
import type { ReconciliationStore } from './reconciliation-store.ts'
import type { ListingStore } from './runs/listing-store.ts'
import type { UnseenStore } from './runs/unseen-store.ts'
import type { OrphanStore } from './things/orphan-store.ts'
import type { ThingStore } from './things/thing-store.ts'
import type { WalkStore } from './walk/walk-store.ts'

export type Period = 'off' | 'daily' | 'weekly'

export interface FleetDependencies {
  readonly store: ReconciliationStore
  readonly walks: WalkStore
  readonly listing: ListingStore
  readonly judging: JudgingStore
  readonly things: ThingStore
  readonly orphans: OrphanStore
  readonly unseen: UnseenStore
  readonly keys: KeyStore
  readonly authorities: Pick<AuthorityStore, 'generations'>
  /** The same that tell of revocations, so that both keep one pace. */
  readonly accesses: Pick<CertificateAccesses, 'open'>
  readonly jobs: Pick<JobQueue, 'send'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly stopwatch?: Stopwatch | undefined
  /** How often it is begun without being asked for. */
  readonly period: Period
  readonly neverSeenDays: number
}
