import type { JobHandlers } from '../../../jobs/queue.ts'
import type { RegistrationDependencies } from '../dependencies.ts'
import { createRegistrationRuns } from './run.ts'
import { sweepRegistrations } from './sweep.ts'

/** The handlers of the jobs about registrations. */
export function createRegistrationJobs(dependencies: RegistrationDependencies) {
  const runs = createRegistrationRuns(dependencies)
  return {
    'aws-registration.reconcile': ({ registrationId, ...options }) => runs.reconcile(registrationId, options),
    'aws-registration.check': ({ registrationId }) => runs.check(registrationId),
    'aws-registration.sweep': () => sweepRegistrations(dependencies)
  } satisfies JobHandlers
}
