import type { BlockedKeys } from '../../factory/blocked-keys/blocked-keys.ts'
import type { JobHandlers } from '../../jobs/job.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import type { Records } from '../../records/records.ts'
import { createActStore } from '../../revocation/act-store.ts'
import { createCompromises } from '../../revocation/compromise/compromise.ts'
import { createCompromiseStore } from '../../revocation/compromise/compromise-store.ts'
import { createEndStore } from '../../revocation/end-store.ts'
import { tellExpiring } from '../../revocation/expiring/expiring.ts'
import { createExpiryStore } from '../../revocation/expiring/expiry-store.ts'
import { createNamedStore } from '../../revocation/orders/named-store.ts'
import { runOrder } from '../../revocation/orders/order-run.ts'
import { createOrderStore } from '../../revocation/orders/order-store.ts'
import { createRevocationOrders } from '../../revocation/orders/orders.ts'
import { createRevocation } from '../../revocation/revocation.ts'
import { sweepRevocations } from '../../revocation/sweep.ts'
import type { Core } from '../core.ts'

interface RevocationParts {
  readonly records: Records
  readonly blockedKeys: BlockedKeys
  readonly jobs: JobQueue
}

/** What administrators ask for. */
export function createRevocationServices(
  { database, search, clock, randomBytes }: Core,
  { records, blockedKeys, jobs }: RevocationParts
) {
  const sources = { clock, randomBytes }
  return {
    revocation: createRevocation({ ...sources, store: createActStore(database), records, blockedKeys }),
    compromises: createCompromises({ store: createCompromiseStore(search), records, clock }),
    revocationOrders: createRevocationOrders({
      ...sources,
      store: createOrderStore(database, search),
      named: createNamedStore(search),
      listDetached: records.listDetached,
      jobs
    })
  }
}

/** What is done of it in the background. */
export function createRevocationJobs(
  { config, database, search, clock, randomBytes }: Core,
  { blockedKeys, jobs }: Pick<RevocationParts, 'blockedKeys' | 'jobs'>
): Pick<JobHandlers, 'revocation.run' | 'revocation.sweep'> {
  const store = createOrderStore(database, search)
  const expiry = createExpiryStore(database, search)
  const { expiryNoticeDays: aheadDays, webhookUrl, webhookEvents } = config
  const isTold = webhookUrl !== undefined && webhookEvents.includes('mintline.certificate.expiring')
  return {
    'revocation.run': ({ orderId }, signal) =>
      runOrder({ store, blockedKeys, jobs, clock, randomBytes }, orderId, signal),
    async 'revocation.sweep'(_data, signal) {
      await sweepRevocations({ ends: createEndStore(database), orders: store, jobs }, signal)
      if (aheadDays === 0) return
      await tellExpiring({ store: expiry, aheadDays, isTold, clock, randomBytes }, signal)
    }
  }
}
