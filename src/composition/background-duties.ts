import { createAwsAccesses } from '../aws/iot/access.ts'
import { createRegistrationJobs } from '../aws/registrations/runs/jobs.ts'
import type { Config } from '../config/config.ts'
import { programVersion } from '../config/version.ts'
import { ensurePartitions } from '../database/partitions.ts'
import { deliverNow } from '../events/events.ts'
import { createSetAsideStore } from '../events/set-aside-store.ts'
import { createNudge, createWebhook } from '../events/webhook.ts'
import { createArrivingStore } from '../factory/lots/devices/arriving-store.ts'
import { sweepDeviceLists } from '../factory/lots/devices/sweep.ts'
import { seekLeadership } from '../jobs/leadership.ts'
import { createJobQueue, jobNotice } from '../jobs/queue.ts'
import { startFilling } from '../records/search/filling/fill-duty.ts'
import { createFillStore } from '../records/search/filling/fill-store.ts'
import { createFilling } from '../records/search/filling/filling.ts'
import { createFleetJobs } from './aws/fleet.ts'
import { createPushing, createPushJobs } from './aws/pushes.ts'
import type { Reactions } from './change-following.ts'
import type { Core } from './core.ts'
import { createExportJobs } from './exports/exporting.ts'
import { blockedKeysOf } from './issuance-path.ts'
import { createRegistrationParts } from './registration-parts.ts'
import { createRevocationJobs } from './revocation/revocation.ts'
import { startMakingCrls } from './status/crl.ts'
import { startPublishing } from './status/publishing.ts'

/** Cron. */
const eachMinute = '* * * * *'
const daily = '17 3 * * *'

/** What the duties act on. */
type DutyReactions = Readonly<
  Record<'profile_version' | 'outgoing_event' | 'aws_push' | typeof jobNotice, () => Promise<void>>
>

/**
 * What is done in the background, and when it is done without being asked for. One process of the database does it at
 * a time; the others stand by.
 *
 * @returns for `followChanges`: where another process does the duties, they do nothing.
 */
export async function standByForDuties(core: Core, stops: AsyncDisposableStack): Promise<Reactions> {
  const { connectionString, log } = core
  let inCharge: DutyReactions | undefined
  const leadership = await seekLeadership({
    connectionString,
    name: 'duty',
    async lead(work) {
      inCharge = await startBackgroundDuties(core, work)
      work.defer(() => {
        inCharge = undefined
      })
      // What came while nobody was in charge.
      for (const react of Object.values(inCharge)) await react()
    },
    log
  })
  stops.defer(() => leadership.close())
  return {
    profile_version: async () => inCharge?.profile_version(),
    outgoing_event: async () => inCharge?.outgoing_event(),
    aws_push: async () => inCharge?.aws_push(),
    [jobNotice]: async () => inCharge?.[jobNotice]()
  }
}

async function startBackgroundDuties(core: Core, stops: AsyncDisposableStack): Promise<DutyReactions> {
  const { config, database, connectionString, log, clock, randomBytes } = core
  const settings = webhookSettingsOf(config)
  const webhook = await createWebhook({ database, settings, version: programVersion, clock, randomBytes })
  const accesses = createAwsAccesses()
  const registrationParts = createRegistrationParts(core)
  const pushing = createPushing(core)
  const exportJobs = createExportJobs(core, stops)
  const jobs = await createJobQueue({
    connectionString,
    work: {
      handlers: queue => ({
        ...webhook.handlers,
        ...createRegistrationJobs({ ...registrationParts, accesses, jobs: queue }),
        ...createPushJobs(pushing, queue),
        ...createFleetJobs(core, { accesses: pushing.accesses, jobs: queue }),
        ...exportJobs,
        ...createRevocationJobs(core, { blockedKeys: blockedKeysOf(core), jobs: queue }),
        'database.partitions': () => ensurePartitions(database, clock()),
        'device-list.sweep': (_data, signal) =>
          sweepDeviceLists({ store: createArrivingStore(database), clock }, signal)
      }),
      schedules: {
        'aws-push.sweep': eachMinute,
        'aws-registration.sweep': eachMinute,
        'database.partitions': daily,
        'device-list.sweep': eachMinute,
        'export.run': eachMinute,
        'fleet.sweep': eachMinute,
        'revocation.sweep': eachMinute,
        'webhook.deliver': eachMinute
      },
      isAlone: true
    },
    log,
    stopTimeoutMs: config.shutdownTimeoutMs
  })
  stops.defer(() => jobs.close())
  // Before the jobs are waited for: a call that AWS does not answer would outlast them. The next run completes it.
  stops.defer(() => accesses.close())
  stops.defer(() => pushing.close())
  const tellError = (error: unknown) => log.warn({ err: error }, 'the webhook waits for the next minute')
  const nudge = webhook.isEnabled ? createNudge(jobs, tellError) : undefined
  stops.defer(() => nudge?.close())
  const search = startFilling({ filling: createFilling({ store: createFillStore(database), clock }), log })
  stops.defer(() => search.close())
  const crls = startMakingCrls(core)
  stops.defer(() => crls.close())
  const publishing = await startPublishing(core)
  stops.defer(() => publishing.close())
  // Who was away while this was off need not be waited for: a start is a try.
  if (webhook.isEnabled) await deliverNow({ setAside: createSetAsideStore(database), jobs })
  return {
    // The registrations that carry a profile follow its newest version.
    profile_version: () => jobs.send('aws-registration.sweep', {}),
    outgoing_event: async () => nudge?.give(),
    aws_push: () => jobs.send('aws-push.sweep', {}),
    [jobNotice]: async () => jobs.wake()
  }
}

function webhookSettingsOf(config: Config) {
  const { webhookUrl: url, webhookSecretFile: secretFile, webhookEvents: eventTypes } = config
  if (url === undefined || secretFile === undefined) return undefined
  return { url, secretFile, eventTypes, allowsPrivate: config.webhookPrivateAddresses }
}
