import type { Clock } from '../../../sources/clock.ts'
import type { ArrivingStore } from './arriving-store.ts'

export interface SweepDependencies {
  readonly store: Pick<ArrivingStore, 'sweep'>
  readonly clock: Clock
}

/** Who was cut off comes back within a day, or begins anew. */
const keptMs = 24 * 60 * 60_000
const rowsAtOnce = 5_000
/** The next run goes on. */
const longestRunMs = 30_000

/** Takes away lists that are past, and what was left on its way, block by block, so that no one waits for it. */
export async function sweepDeviceLists(
  { store, clock }: SweepDependencies,
  signal: AbortSignal
): Promise<void> {
  const end = performance.now() + longestRunMs
  while (!signal.aborted && performance.now() < end) {
    const leftBefore = new Date(clock().getTime() - keptMs)
    if (!(await store.sweep(leftBefore, rowsAtOnce))) return
  }
}
