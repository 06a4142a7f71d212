import type { AuthorityStore } from '../../authorities/authority-store.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import type { Clock, Stopwatch } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { RegistrationStore } from '../registrations/registration-store.ts'
import type { CertificateAccesses } from './control/certificate-accesses.ts'
import type { ProgressStore } from './progress-store.ts'
import type { PushStore } from './push-store.ts'

export interface PushDependencies {
  readonly store: PushStore
  readonly progress: ProgressStore
  readonly registrations: Pick<RegistrationStore, 'list'>
  readonly authorities: Pick<AuthorityStore, 'generations'>
  readonly accesses: Pick<CertificateAccesses, 'open'>
  readonly jobs: Pick<JobQueue, 'send'>
  /** @throws MintlineError `clock_untrusted`: by a clock that is ahead, all certificates would have expired. */
  readonly assertClock: () => Promise<void>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly stopwatch?: Stopwatch | undefined
}
