import { type AuditEvent, buildAuditEvent, systemAct, type ToldAct } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { BlockedKeys } from '../../factory/blocked-keys/blocked-keys.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import { type Clock, type Stopwatch, systemStopwatch } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { Order } from './order.ts'
import type { OrderStore, Revoked } from './order-store.ts'
import type { Selected } from './walk-store.ts'

export interface OrderRunDependencies {
  readonly store: OrderStore
  readonly blockedKeys: Pick<BlockedKeys, 'blockAll'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly jobs: Pick<JobQueue, 'send'>
  readonly stopwatch?: Stopwatch
}

/** In one transaction, which takes some tenths of a second. */
const atOnce = 500
/** Each time that the database refuses means that somebody else has revoked, recorded or scrapped one of them. */
const maximumTries = 8

/** After which another order, which may be more urgent and is perhaps soon done, has its turn. */
const turnMs = 15_000

/**
 * Carries out an order, from where it stands, for a turn: group by group, each with its progress in one transaction, so that
 * each certificate is revoked once, whenever this is cut off. Where the turn is over before the order is, its job is sent
 * again, behind those that wait.
 *
 * @param signal ends it after the group in hand; then it throws, and the job is tried again.
 */
export async function runOrder(
  dependencies: OrderRunDependencies,
  orderId: string,
  signal: AbortSignal
): Promise<void> {
  const { store, jobs, stopwatch = systemStopwatch } = dependencies
  const end = stopwatch() + turnMs
  const isOver = () => signal.aborted || stopwatch() >= end
  let order = await store.find(orderId)
  while (order !== undefined && order.finishedAt === null) {
    if (signal.aborted)
      throw new MintlineError('shutting_down', `The order ${orderId} goes on with the next start.`)
    // A crash before this leaves the order to the sweep of the next minute.
    if (isOver()) return jobs.send('revocation.run', { orderId }, { key: orderId })
    const { selected, position } = await store.next(order, atOnce)
    if (selected.length === 0 && position === undefined) return finish(dependencies, order)
    // A crash after this leaves keys that are blocked and certificates that are not revoked yet: the next run goes on.
    if (order.reason === 'keyCompromise') await blockKeys(dependencies, order, selected)
    // Of another process that goes on with the same order, this one takes up where it stands.
    const group = { selected, position: position ?? selected.at(-1)!.id }
    order = (await revokeGroup({ ...dependencies, isOver }, order, group)) ?? (await store.find(orderId))
  }
}

async function blockKeys(
  { blockedKeys }: OrderRunDependencies,
  { id, note, actor, credential, requestId }: Order,
  selected: readonly Selected[]
): Promise<void> {
  const keys = Map.groupBy(selected, ({ spkiSha256 }) => Buffer.from(spkiSha256).toString('hex'))
  const comment = `${note.slice(0, 440)} (revocation/${id})`
  await blockedKeys.blockAll(
    [...keys.values()].map(uses => ({
      spkiSha256: uses[0]!.spkiSha256,
      reason: 'key_compromised',
      comment,
      revokedNext: uses.map(({ id: intentId }) => intentId)
    })),
    { actor, credential: credential ?? undefined, requestId: requestId ?? undefined }
  )
}

interface Group {
  readonly selected: readonly Selected[]
  /** Id of the last that was looked at for it. */
  readonly position: string
}

async function revokeGroup(
  dependencies: OrderRunDependencies & { readonly isOver: () => boolean },
  order: Order,
  group: Group
): Promise<Order | undefined> {
  for (let tries = 1; tries <= maximumTries; tries++) {
    const answer = await dependencies.store.revoke(stepOf(dependencies, order, group))
    if (answer !== 'refused') return answer
  }
  // One of them is not taken by the database: the others are not held up by it.
  const [first, ...others] = group.selected
  if (first === undefined) return undefined
  if (others.length === 0) return giveUp(dependencies, order, first)
  let current: Order | undefined = order
  for (const each of group.selected) {
    if (current === undefined || dependencies.isOver()) return current
    current = await revokeGroup(dependencies, current, { selected: [each], position: each.id })
  }
  return current
}

async function giveUp(
  { store }: OrderRunDependencies,
  order: Order,
  { id }: Selected
): Promise<Order | undefined> {
  const answer = await store.revoke({ order, position: id, rows: [], eventsOf: () => [], failed: 1 })
  return answer === 'refused' ? undefined : answer
}

function stepOf(
  { clock, randomBytes }: OrderRunDependencies,
  order: Order,
  { selected, position }: Group
): Parameters<OrderStore['revoke']>[0] {
  const createdAt = clock()
  const byId = new Map(selected.map(each => [each.id, each]))
  return {
    order,
    position,
    rows: selected.map(({ id: intentId }) => ({
      id: newId(createdAt, randomBytes),
      intentId,
      createdAt,
      orderId: order.id,
      requestId: order.requestId
    })),
    failed: 0,
    eventsOf: revoked =>
      revoked.map(each =>
        eventOf(order, { ...each, selected: byId.get(each.intentId)! }, { createdAt, randomBytes })
      )
  }
}

function eventOf(
  { id, actor, credential, requestId, reason, note, invalidityDate }: Order,
  { intentId, stateBefore, selected }: Revoked & { readonly selected: Selected },
  { createdAt: time, randomBytes }: { readonly createdAt: Date; readonly randomBytes: RandomBytes }
): AuditEvent {
  const { serialNumber, authority } = selected
  const facts = { serialNumber, authority }
  return buildAuditEvent(
    {
      actor,
      credential: credential ?? undefined,
      requestId: requestId ?? undefined,
      reason: note,
      act: 'issuance.revoke',
      subject: `issuance/${intentId}`,
      before: { ...facts, state: stateBefore },
      after: {
        ...facts,
        state: 'revoked',
        revocationReason: reason,
        ...(invalidityDate !== null && { invalidityDate: invalidityDate.toISOString() }),
        revocation: id
      }
    },
    { time, randomBytes }
  )
}

async function finish({ store, clock, randomBytes }: OrderRunDependencies, order: Order): Promise<void> {
  const time = clock()
  const { id, done, skipped, failed } = order
  const what: ToldAct = {
    ...systemAct,
    act: 'revocation.finish',
    subject: `revocation/${id}`,
    after: { done, skipped, failed }
  }
  await store.finish(order, time, buildAuditEvent(what, { time, randomBytes }))
}
