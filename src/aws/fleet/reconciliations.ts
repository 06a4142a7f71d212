import { type Act, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import { readPage } from '../../sources/page.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type {
  Reconciliation,
  ReconciliationRequest,
  Reconciliations,
  ToldReconciliation
} from './reconciliation.ts'
import type { ReconciliationStore } from './reconciliation-store.ts'

export interface ReconciliationDependencies {
  readonly store: ReconciliationStore
  readonly jobs: Pick<JobQueue, 'send'>
  /** Of a look that does not say. */
  readonly neverSeenDays: number
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createReconciliations(dependencies: ReconciliationDependencies): Reconciliations {
  const { store, jobs } = dependencies
  async function find(id: string) {
    const found = await store.find(id)
    if (found !== undefined) return found
    throw new MintlineError(
      'fleet_reconciliation_not_found',
      `There is no reconciliation ${id}. GET /v1/fleet/reconciliations lists those that are kept.`
    )
  }
  return {
    async begin(request, act) {
      const id = await insertReconciliation(dependencies, request, act)
      if (id === undefined) return sameRunning(dependencies, request)
      // A crash before this leaves it to the sweep of the next minute.
      await jobs.send('fleet.sweep', {})
      return find(id)
    },
    find,
    list: query => readPage(query, wanted => store.list(wanted))
  }
}

/** Undefined where one goes on already. */
export async function insertReconciliation(
  { store, neverSeenDays, clock, randomBytes }: Omit<ReconciliationDependencies, 'jobs'>,
  request: ReconciliationRequest,
  act: Act
): Promise<string | undefined> {
  const createdAt = clock()
  const reconciliation: Reconciliation = {
    id: newId(createdAt, randomBytes),
    createdAt,
    actor: act.actor,
    note: act.reason ?? null,
    neverSeenDays: request.neverSeenDays ?? neverSeenDays,
    things: request.things ?? 'new',
    finishedAt: null
  }
  const { id, things } = reconciliation
  const what: ToldAct = {
    ...act,
    act: 'fleet.reconcile',
    subject: `fleet/${id}`,
    after: { neverSeenDays: reconciliation.neverSeenDays, things }
  }
  const sources = { time: createdAt, randomBytes }
  const isInserted = await store.insert(reconciliation, {
    event: buildAuditEvent(what, sources),
    newWalkId: () => newId(createdAt, randomBytes)
  })
  return isInserted ? id : undefined
}

/** The same again is that one. */
async function sameRunning(
  { store, neverSeenDays }: Pick<ReconciliationDependencies, 'store' | 'neverSeenDays'>,
  request: ReconciliationRequest
): Promise<ToldReconciliation> {
  const id = await store.findRunning()
  const running = id === undefined ? undefined : await store.find(id)
  const isSame =
    running?.neverSeenDays === (request.neverSeenDays ?? neverSeenDays) &&
    running.things === (request.things ?? 'new')
  if (running !== undefined && isSame) return running
  throw new MintlineError(
    'fleet_reconciliation_running',
    'Another look at the fleet goes on: wait for its end, or look at what it has found so far.',
    { members: id === undefined ? {} : { reconciliation: id } }
  )
}
