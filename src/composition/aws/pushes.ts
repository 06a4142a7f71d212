import {
  type CertificateAccesses,
  createCertificateAccesses
} from '../../aws/push/control/certificate-accesses.ts'
import type { PushDependencies } from '../../aws/push/dependencies.ts'
import { createProgressStore } from '../../aws/push/progress-store.ts'
import { createPushStore } from '../../aws/push/push-store.ts'
import { runPushes } from '../../aws/push/run.ts'
import { sweepPushes } from '../../aws/push/sweep.ts'
import { createRegistrationStore } from '../../aws/registrations/registration-store.ts'
import type { JobHandlers } from '../../jobs/job.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import type { Core } from '../core.ts'

type PushCore = Pick<Core, 'config' | 'database' | 'authorityStore' | 'clock' | 'clockTrust' | 'randomBytes'>

/** What tells AWS IoT of revoked certificates in the background. */
export function createPushing(core: PushCore): Omit<PushDependencies, 'accesses' | 'jobs'> & {
  readonly accesses: CertificateAccesses
  close(): void
} {
  const { config, database, authorityStore, clock, clockTrust, randomBytes } = core
  const accesses = createCertificateAccesses(config.awsPushPerSecond)
  return {
    store: createPushStore(database),
    progress: createProgressStore(database),
    registrations: createRegistrationStore(database),
    authorities: authorityStore,
    accesses,
    assertClock: () => clockTrust.assertTrusted(),
    clock,
    randomBytes,
    close: () => accesses.close()
  }
}

export function createPushJobs(pushing: Omit<PushDependencies, 'jobs'>, jobs: Pick<JobQueue, 'send'>) {
  return {
    'aws-push.run': (place, signal) => runPushes({ ...pushing, jobs }, place, signal),
    'aws-push.sweep': () => sweepPushes({ ...pushing, jobs })
  } satisfies JobHandlers
}
