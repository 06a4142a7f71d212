import { buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import type { JobQueue } from '../../jobs/queue.ts'
import type { Clock, Stopwatch } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import { type Page, type PageQuery, readPage } from '../../sources/page.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { assertPast, type Grounds, type NotedAct } from '../revocation.ts'
import { assertAttached, type AttachedDependencies } from './attached.ts'
import { countSelected } from './counting.ts'
import { findUnnamed, type NamedStore } from './named.ts'
import type { Counted, Order, ToldOrder } from './order.ts'
import type { OrderStore } from './order-store.ts'
import { type ChosenSelection, shortSelection, toldSelection } from './selection.ts'

/** As an administrator names them. */
export type AskedSelection =
  | ChosenSelection
  /** Content octets of each. */
  | { readonly serialNumbers: readonly Uint8Array[] }

interface OrderRequest extends Grounds {
  readonly select: AskedSelection
  /** How many the order is to be about, as `count` said. */
  readonly expectedCount: number
}

/** Revoking many at once: counted first, then done in the background. */
export interface RevocationOrders {
  /**
   * How many certificates an order would revoke now.
   *
   * @throws MintlineError `revocation_invalid`; `record_detached`; `revocation_too_broad` where it cannot be counted at once.
   */
  count(select: AskedSelection, grounds: Grounds): Promise<Counted>
  /**
   * Durable when it resolves; then it is carried out, whatever becomes of this process and of who gave it.
   *
   * @throws MintlineError `revocation_invalid`; `record_detached`; `revocation_count_changed` where another number is selected by
   *   now; `revocation_too_broad`.
   */
  place(request: OrderRequest, act: NotedAct): Promise<ToldOrder>
  /** Has an order that is on record carried out now, which the sweep of the next minute would do. */
  begin(id: string): Promise<void>
  /** @throws MintlineError `revocation_not_found`. */
  find(id: string): Promise<ToldOrder>
  list(query: PageQuery): Promise<Page<ToldOrder>>
}

export interface OrdersDependencies extends Pick<AttachedDependencies, 'listDetached'> {
  readonly store: OrderStore
  readonly named: NamedStore
  readonly jobs: Pick<JobQueue, 'send'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly stopwatch?: Stopwatch
}

export function createRevocationOrders(dependencies: OrdersDependencies): RevocationOrders {
  const { store, jobs, clock, randomBytes } = dependencies
  const begin = (id: string) => jobs.send('revocation.run', { orderId: id }, { key: id })
  return {
    begin,
    async count(select, { reason, invalidityDate }) {
      const createdAt = clock()
      assertPast(invalidityDate, createdAt)
      const selection = await resolveAttached(dependencies, select)
      const walk = { selection, orderId: newId(createdAt, randomBytes) }
      return countNamed(dependencies, walk, { reason, invalidityDate: invalidityDate ?? null })
    },
    async place(request, act) {
      const order = await describe(dependencies, request, act)
      const { id, createdAt, selection, reason, invalidityDate, expected: expectedCount } = order
      const after = {
        select: toldSelection(selection),
        revocationReason: reason,
        ...(invalidityDate !== null && { invalidityDate: invalidityDate.toISOString() }),
        expectedCount
      }
      const what: ToldAct = { ...act, act: 'revocation.place', subject: `revocation/${id}`, after }
      await store.insert(order, buildAuditEvent(what, { time: createdAt, randomBytes }))
      // A crash before this leaves an order that the sweep of the next minute finds.
      await begin(id)
      return told(order)
    },
    async find(id) {
      const order = await store.find(id)
      if (order !== undefined) return told(order)
      throw new MintlineError(
        'revocation_not_found',
        `There is no order ${id}. GET /v1/revocations lists them.`
      )
    },
    list: query => readPage(query, wanted => store.list(wanted))
  }
}

const told = (order: Order): ToldOrder => ({ ...order, selection: shortSelection(order.selection) })

/** @throws MintlineError `revocation_count_changed`, and as `count`. */
async function describe(
  dependencies: OrdersDependencies,
  { select, expectedCount, reason, ...request }: OrderRequest,
  act: NotedAct
): Promise<Order> {
  const { clock, randomBytes } = dependencies
  const createdAt = clock()
  assertPast(request.invalidityDate, createdAt)
  const invalidityDate = request.invalidityDate ?? null
  const id = newId(createdAt, randomBytes)
  const selection = await resolveAttached(dependencies, select)
  const walk = { selection, orderId: id }
  const { count, leftOut } = await countNamed(dependencies, walk, { reason, invalidityDate })
  if (count !== expectedCount)
    throw new MintlineError(
      'revocation_count_changed',
      `${count} certificates are selected now, not ${expectedCount}: nothing was revoked. Send the same with "dryRun": true, look at what has changed, and send the order with the count that it answers.`,
      { members: { count } }
    )
  return {
    id,
    createdAt,
    actor: act.actor,
    credential: act.credential ?? null,
    requestId: act.requestId ?? null,
    selection,
    reason,
    note: act.reason,
    invalidityDate,
    expected: count,
    leftOut,
    position: null,
    done: 0,
    skipped: 0,
    failed: 0,
    finishedAt: null
  }
}

/** @throws MintlineError `revocation_invalid` where nothing is found by a name that there is not; and as `countSelected`. */
async function countNamed(
  dependencies: OrdersDependencies,
  walk: { readonly selection: ChosenSelection; readonly orderId: string },
  grounds: Pick<Order, 'reason' | 'invalidityDate'>
): Promise<Counted> {
  const counted = await countSelected(dependencies, walk, grounds)
  if (counted.count > 0 || counted.leftOut > 0) return counted
  const unnamed = await findUnnamed(dependencies.named, walk.selection)
  if (unnamed !== undefined) throw invalid([unnamed])
  return counted
}

async function resolveAttached(
  { store, listDetached }: Pick<OrdersDependencies, 'store' | 'listDetached'>,
  select: AskedSelection
): Promise<ChosenSelection> {
  const attached = { listDetached, findLotTime: store.findLotTime }
  // Records of such a month would be told as those that there are not.
  if ('ids' in select) await assertAttached(select, attached)
  const selection = await resolve(store, select)
  await assertAttached(selection, attached)
  return selection
}

async function resolve(store: OrderStore, select: AskedSelection): Promise<ChosenSelection> {
  if ('serialNumbers' in select) return resolveSerials(store, select.serialNumbers)
  if ('ids' in select) {
    const found = await store.findIds(select.ids)
    throwMissing(
      'ids',
      select.ids.map(id => (found.has(id.toLowerCase()) ? undefined : id))
    )
    return { ids: select.ids.map(id => id.toLowerCase()) }
  }
  if (select.from !== undefined && select.to !== undefined && select.from >= select.to) {
    throw invalid([
      {
        pointer: '/select/to',
        expected: `a time after ${select.from.toISOString()}`,
        found: select.to.toISOString(),
        message: '`to` is exclusive and comes after `from`.'
      }
    ])
  }
  return select
}

async function resolveSerials(
  store: OrderStore,
  serialNumbers: readonly Uint8Array[]
): Promise<ChosenSelection> {
  const found = await store.findSerials(serialNumbers)
  const ids = serialNumbers.map(serialNumber => found.get(Buffer.from(serialNumber).toString('hex')))
  throwMissing(
    'serialNumbers',
    ids.map((id, index) =>
      id === undefined ? Buffer.from(serialNumbers[index]!).toString('hex') : undefined
    )
  )
  return { ids: ids.filter(id => id !== undefined) }
}

const mostViolations = 20

function throwMissing(member: string, missing: readonly (string | undefined)[]): void {
  const violations = missing.flatMap((found, index) =>
    found === undefined
      ? []
      : [
          {
            pointer: `/select/${member}/${index}`,
            expected: 'one that this service has on record',
            found,
            message: 'Compare it with GET /v1/issuances.'
          }
        ]
  )
  if (violations.length > 0) throw invalid(violations.slice(0, mostViolations))
}

function invalid(violations: readonly Violation[]): MintlineError {
  return new MintlineError(
    'revocation_invalid',
    'The order cannot be carried out as it is. Nothing was revoked.',
    {
      violations
    }
  )
}
