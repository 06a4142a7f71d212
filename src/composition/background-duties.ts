import { createAwsAccesses } from '../aws/iot/access.ts'
import { createRegistrationJobs } from '../aws/registrations/runs/jobs.ts'
import type { Config } from '../config/config.ts'
import { programVersion } from '../config/version.ts'
import { ensurePartitions } from '../database/partitions.ts'
import { createNudge, createWebhook } from '../events/webhook.ts'
import { createJobQueue, type JobService } from '../jobs/job-queue.ts'
import type { Reactions } from './change-following.ts'
import type { Core } from './core.ts'
import { createRegistrationParts } from './registration-parts.ts'

export interface BackgroundDuties {
  /** The queue that they work on; others send to it. */
  readonly jobs: JobService
  /** For `followChanges`. */
  readonly reactions: Reactions
}

/** Cron. */
const eachMinute = '* * * * *'
const daily = '17 3 * * *'

/**
 * What is done in the background, and when it is done without being asked for. Any number of processes may do it:
 * they share the jobs.
 */
export async function startBackgroundDuties(
  core: Core,
  stops: AsyncDisposableStack
): Promise<BackgroundDuties> {
  const { config, database, connectionString, log, clock, randomBytes } = core
  const settings = webhookSettingsOf(config)
  const webhook = await createWebhook({ database, settings, version: programVersion, clock, randomBytes })
  const accesses = createAwsAccesses()
  const registrationParts = createRegistrationParts(core)
  const jobs = await createJobQueue({
    connectionString,
    work: {
      handlers: queue => ({
        ...webhook.handlers,
        ...createRegistrationJobs({ ...registrationParts, accesses, jobs: queue }),
        'database.partitions': () => ensurePartitions(database, clock())
      }),
      schedules: {
        'aws-registration.sweep': eachMinute,
        'database.partitions': daily,
        'webhook.deliver': eachMinute
      }
    },
    log,
    stopTimeoutMs: config.shutdownTimeoutMs
  })
  stops.defer(() => jobs.close())
  // Before the jobs are waited for: a call that AWS does not answer would outlast them. The next run completes it.
  stops.defer(() => accesses.close())
  const tellError = (error: unknown) => log.warn({ err: error }, 'the webhook waits for the next minute')
  const nudge = webhook.isEnabled ? createNudge(jobs, tellError) : undefined
  stops.defer(() => nudge?.close())
  const reactions: Reactions = {
    // The registrations that carry a profile follow its newest version.
    profile_version: () => jobs.send('aws-registration.sweep', {}),
    outgoing_event: async () => nudge?.give()
  }
  return { jobs, reactions }
}

function webhookSettingsOf({ webhookUrl, webhookSecretFile, webhookEvents }: Config) {
  if (webhookUrl === undefined || webhookSecretFile === undefined) return undefined
  return { url: webhookUrl, secretFile: webhookSecretFile, eventTypes: webhookEvents }
}
