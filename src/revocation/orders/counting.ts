import { MintlineError } from '../../errors/mintline-error.ts'
import { type Stopwatch, systemStopwatch } from '../../sources/clock.ts'
import { timeOfIdentifier } from '../../sources/identifier.ts'
import type { Counted, Order } from './order.ts'
import type { OrderStore } from './order-store.ts'
import type { Selection } from './selection.ts'

/** For an answer: a client and what stands in front of the service wait for it. */
const limitMs = 8_000
/** Of the limit, what the part takes that is advised: the next time may be slower. */
const advisedShare = 0.6

interface CountDependencies {
  readonly store: Pick<OrderStore, 'count'>
  readonly stopwatch?: Stopwatch | undefined
}

/**
 * Counts what an order of that id would change, a bounded part of the selection at a time.
 *
 * @throws MintlineError `revocation_too_broad`, with the time until which it can be counted.
 */
export async function countSelected(
  { store, stopwatch = systemStopwatch }: CountDependencies,
  walk: { readonly selection: Selection; readonly orderId: string },
  grounds: Pick<Order, 'reason' | 'invalidityDate'>
): Promise<Counted> {
  const begin = stopwatch()
  let [count, leftOut] = [0, 0]
  let advised: string | undefined
  for (let position: string | null = null; ;) {
    const look: Awaited<ReturnType<OrderStore['count']>> = await store.count({ ...walk, position }, grounds)
    count += look.count
    leftOut += look.leftOut
    if (look.position === undefined) return { count, leftOut }
    position = look.position
    const tookMs = stopwatch() - begin
    if (advised === undefined || tookMs <= limitMs * advisedShare) advised = position
    if (tookMs > limitMs) throw tooBroad(timeOfIdentifier(advised))
  }
}

function tooBroad(until: Date): MintlineError {
  const time = until.toISOString()
  return new MintlineError(
    'revocation_too_broad',
    `More is selected than is counted within ${limitMs / 1_000} s. Nothing was revoked. Send it in parts, by when the certificates were asked for: first with "to": "${time}", then with "from": "${time}" and whatever "to" this answers with next.`,
    { members: { to: time } }
  )
}
