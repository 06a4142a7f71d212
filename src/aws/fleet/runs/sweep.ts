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

/** By the clock of the database: one of a process that was ahead would have looks begin back to back until then. */
async function isDue({ store, period }: Pick<FleetDependencies, 'store' | 'period'>): Promise<boolean> {
  return period !== 'off' && !(await store.hasBegunWithin(pauses[period]))
}
