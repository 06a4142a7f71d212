import type { JobQueue } from '../jobs/queue.ts'
import type { OrderStore } from './orders/order-store.ts'

/** Of certificates that end by themselves. */
export interface EndStore {
  /** Writes the acts of some that were superseded and whose time is over. @returns how many. */
  settle(limit: number): Promise<number>
}

export interface SweepDependencies {
  readonly ends: EndStore
  readonly orders: Pick<OrderStore, 'listUnfinished'>
  readonly jobs: Pick<JobQueue, 'send'>
}

const atOnce = 500
/** The next run goes on. */
const longestRunMs = 30_000

/**
 * Writes what has ended by itself, which is revoked for who reads already, and sends the orders that nobody carries out, since
 * a process ended between the order and its job.
 */
export async function sweepRevocations(
  { ends, orders, jobs }: SweepDependencies,
  signal: AbortSignal
): Promise<void> {
  for (const orderId of await orders.listUnfinished(atOnce))
    await jobs.send('revocation.run', { orderId }, { key: orderId })
  const end = performance.now() + longestRunMs
  while (!signal.aborted && performance.now() < end) {
    if ((await ends.settle(atOnce)) === 0) return
  }
}
