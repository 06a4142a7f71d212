import { systemAct } from '../../../audit/audit-event.ts'
import type { FleetDependencies, Period } from '../dependencies.ts'
import { insertReconciliation } from '../reconciliations.ts'
import { keyOf } from './run.ts'

const dayMs = 24 * 60 * 60_000
const pauses: Readonly<Record<Exclude<Period, 'off'>, number>> = { daily: dayMs, weekly: 7 * dayMs }

/** Begins a look that is due, and sends the jobs of the one that goes on, so that nothing is lost between a row and its job. */
export async function sweepFleet(dependencies: FleetDependencies): Promise<void> {
  const { walks, store, jobs } = dependencies
  if ((await store.findRunning()) === undefined && (await isDue(dependencies)))
    await insertReconciliation(dependencies, {}, systemAct)
  for (const place of await walks.listOpenPlaces()) await jobs.send('fleet.run', place, { key: keyOf(place) })
  // It ends the look where nothing is left, as where no CA is registered at all.
  if ((await store.findRunning()) !== undefined) await jobs.send('fleet.judge', {})
}

/** By a clock that is behind the last one, it is due as well. */
async function isDue({
  store,
  period,
  clock
}: Pick<FleetDependencies, 'store' | 'period' | 'clock'>): Promise<boolean> {
  if (period === 'off') return false
  const last = await store.lastBegun()
  if (last === undefined) return true
  const sinceMs = clock().getTime() - last.getTime()
  return sinceMs < 0 || sinceMs >= pauses[period]
}
