import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createAwsAccesses } from '../aws/iot/access.ts'
import type { RegistrationDependencies } from '../aws/registrations/dependencies.ts'
import { createRegistrations } from '../aws/registrations/registration.ts'
import { createRegistrationStore } from '../aws/registrations/registration-store.ts'
import { createRegistrationJobs } from '../aws/registrations/runs/jobs.ts'
import { createVerificationStore } from '../aws/registrations/verification/verification-store.ts'
import type { Config } from '../config/config.ts'
import { programVersion } from '../config/version.ts'
import { createNudge, createWebhook } from '../events/webhook.ts'
import { createJobQueue } from '../jobs/job-queue.ts'
import { addJobMetrics } from './job-metrics.ts'
import type { OpenedDatabase, StopPart } from './open-database.ts'

export interface JobDependencies extends Pick<
  RegistrationDependencies,
  'authorities' | 'profiles' | 'openSigner' | 'clock' | 'randomBytes'
> {
  readonly log: Logger
  readonly registry: Registry
}

/** Cron. */
const eachMinute = '* * * * *'

/** What is done in the background, and when it is done without being asked for. */
export async function startJobs(
  config: Config,
  { database, connectionString }: OpenedDatabase,
  { log, registry, ...dependencies }: JobDependencies,
  started: StopPart[]
) {
  const { clock, randomBytes } = dependencies
  const webhook = await createWebhook({
    database,
    settings: webhookSettingsOf(config),
    version: programVersion,
    clock,
    randomBytes
  })
  const accesses = createAwsAccesses()
  const registrationParts: Omit<RegistrationDependencies, 'jobs'> = {
    ...dependencies,
    store: createRegistrationStore(database),
    verifications: createVerificationStore(database),
    accesses
  }
  const jobs = await createJobQueue({
    connectionString,
    handlers: queue => ({
      ...webhook.handlers,
      ...createRegistrationJobs({ ...registrationParts, jobs: queue })
    }),
    schedules: { 'aws-registration.sweep': eachMinute, 'webhook.deliver': eachMinute },
    log,
    stopTimeoutMs: config.shutdownTimeoutMs
  })
  started.push(() => jobs.close())
  // Before the jobs are waited for: a call that AWS does not answer would outlast them. The next run completes it.
  started.push(async () => accesses.close())
  addJobMetrics({ registry, jobs, webhook, clock })
  const tellError = (error: unknown) => log.warn({ err: error }, 'the webhook waits for the next minute')
  const nudge = webhook.isEnabled ? createNudge(jobs, tellError) : undefined
  if (nudge !== undefined) started.push(async () => nudge.close())
  return { jobs, nudge, awsRegistrations: createRegistrations({ ...registrationParts, jobs }) }
}

function webhookSettingsOf({ webhookUrl, webhookSecretFile, webhookEvents }: Config) {
  if (webhookUrl === undefined || webhookSecretFile === undefined) return undefined
  return { url: webhookUrl, secretFile: webhookSecretFile, eventTypes: webhookEvents }
}
