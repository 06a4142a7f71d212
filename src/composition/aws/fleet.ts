import { createCleanUpStore } from '../../aws/fleet/clean-ups/clean-up-store.ts'
import { createCleanUps } from '../../aws/fleet/clean-ups/clean-ups.ts'
import { createItemStore } from '../../aws/fleet/clean-ups/item-store.ts'
import { type CleanUpDependencies, runCleanUps, sweepCleanUps } from '../../aws/fleet/clean-ups/run.ts'
import type { FleetDependencies } from '../../aws/fleet/dependencies.ts'
import { createJudgingStore } from '../../aws/fleet/judging/judging-store.ts'
import { createKeyStore } from '../../aws/fleet/keys/key-store.ts'
import { createAcknowledgeStore } from '../../aws/fleet/reading/acknowledge-store.ts'
import { createAcknowledging } from '../../aws/fleet/reading/acknowledging.ts'
import { createFleet } from '../../aws/fleet/reading/create-fleet.ts'
import { createFleetStore } from '../../aws/fleet/reading/fleet-store.ts'
import { createReconciliationStore } from '../../aws/fleet/reconciliation-store.ts'
import { createReconciliations } from '../../aws/fleet/reconciliations.ts'
import { judgeAuthorities } from '../../aws/fleet/runs/judge.ts'
import { createListingStore } from '../../aws/fleet/runs/listing-store.ts'
import { runWalks } from '../../aws/fleet/runs/run.ts'
import { sweepFleet } from '../../aws/fleet/runs/sweep.ts'
import { createUnseenStore } from '../../aws/fleet/runs/unseen-store.ts'
import { createOrphanStore } from '../../aws/fleet/things/orphan-store.ts'
import { createThingStore } from '../../aws/fleet/things/thing-store.ts'
import { createWalkStore } from '../../aws/fleet/walk/walk-store.ts'
import type { CertificateAccesses } from '../../aws/push/control/certificate-accesses.ts'
import type { JobHandlers } from '../../jobs/job.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import type { Core } from '../core.ts'

type FleetCore = Pick<
  Core,
  'config' | 'database' | 'search' | 'authorityStore' | 'clock' | 'clockTrust' | 'randomBytes'
>

/** For who asks what AWS IoT holds, and has it looked at or cleaned up. */
export function createFleetServices(core: FleetCore, jobs: Pick<JobQueue, 'send'>) {
  const { config, database, search, clock, randomBytes } = core
  return {
    fleet: {
      ...createFleet({ store: createFleetStore(database, search), clock, randomBytes }),
      ...createAcknowledging({
        store: createAcknowledgeStore(database, search),
        authorities: core.authorityStore,
        clock,
        randomBytes
      })
    },
    reconciliations: createReconciliations({
      store: createReconciliationStore(database),
      jobs,
      neverSeenDays: config.fleetNeverSeenDays,
      clock,
      randomBytes
    }),
    cleanUps: createCleanUps({
      store: createCleanUpStore(database),
      authorities: core.authorityStore,
      jobs,
      clock,
      randomBytes
    })
  }
}

/** What is done of it in the background. */
export function createFleetJobs(
  core: FleetCore,
  { accesses, jobs }: { readonly accesses: CertificateAccesses; readonly jobs: Pick<JobQueue, 'send'> }
) {
  const { config, database, search, authorityStore, clock, clockTrust, randomBytes } = core
  const cleaning: CleanUpDependencies = {
    items: createItemStore(database),
    authorities: authorityStore,
    accesses,
    jobs,
    assertClock: () => clockTrust.assertTrusted(),
    clock,
    randomBytes
  }
  const dependencies: FleetDependencies = {
    store: createReconciliationStore(database),
    walks: createWalkStore(database),
    listing: createListingStore(database),
    judging: createJudgingStore(database),
    things: createThingStore(database),
    orphans: createOrphanStore(database),
    unseen: createUnseenStore(database),
    keys: createKeyStore(database, search),
    authorities: authorityStore,
    accesses,
    jobs,
    clock,
    randomBytes,
    period: config.fleetReconciliation,
    neverSeenDays: config.fleetNeverSeenDays
  }
  return {
    'fleet.run': (place, signal) => runWalks(dependencies, place, signal),
    'fleet.judge': (_data, signal) => judgeAuthorities(dependencies, signal),
    'fleet.clean-up': (place, signal) => runCleanUps(cleaning, place, signal),
    async 'fleet.sweep'() {
      await sweepCleanUps(cleaning)
      await sweepFleet(dependencies)
    }
  } satisfies JobHandlers
}
