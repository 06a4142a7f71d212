import type { AuthorityStore } from '../../authorities/authority-store.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import type { Profiles } from '../../profiles/profile.ts'
import type { OpenSigner } from '../../signing/signers/open-signer.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { AwsAccesses } from '../iot/access.ts'
import type { RegistrationStore } from './registration-store.ts'
import type { VerificationStore } from './verification/verification-store.ts'

export interface RegistrationDependencies {
  readonly store: RegistrationStore
  readonly verifications: VerificationStore
  readonly authorities: Pick<AuthorityStore, 'generations'>
  readonly profiles: Pick<Profiles, 'find' | 'list'>
  readonly openSigner: OpenSigner
  readonly accesses: Pick<AwsAccesses, 'open'>
  readonly jobs: Pick<JobQueue, 'send'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}
