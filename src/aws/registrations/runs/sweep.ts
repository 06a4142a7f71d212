import type { ProfileVersion } from '../../../profiles/version.ts'
import type { RegistrationDependencies } from '../dependencies.ts'
import { clocksApartMs, type StoredRegistration } from '../registration-store.ts'
import { stateOf } from '../view.ts'
import { retryAfterMs } from './outcome.ts'
import { isBehind, turnOf } from './rollout.ts'

const checkAfterMs = 3_600_000
/**
 * Whoever asks for a registration sends its job as well. Another one at the same time would run after it, and repair
 * what nobody asked to be repaired.
 */
export const ownJobMs = 60_000

/**
 * What a registration is due for at this moment. Pure. What was done in the future, or put off further than anything is,
 * was so by a clock that was wrong: it does not count.
 */
export function dueFor(
  registration: StoredRegistration,
  newestProfileVersion: number | undefined,
  now: Date
): 'reconcile' | 'check' | undefined {
  const { state, changedAt } = registration
  if (state === undefined || stateOf(registration) === 'pending')
    return isOver(changedAt, ownJobMs, now) ? 'reconcile' : undefined
  if (state.state === 'failed' || state.state === 'blocked') {
    const { triedProfileVersion: tried } = state
    if (tried !== null && (newestProfileVersion ?? 0) > tried) return 'reconcile'
    const failedAt = state.retryAt && new Date(state.retryAt.getTime() - retryAfterMs)
    return failedAt !== null && isOver(failedAt, retryAfterMs, now) ? 'reconcile' : undefined
  }
  if (isBehind(registration, newestProfileVersion ?? 0)) return 'reconcile'
  return isOver(state.checkedAt, checkAfterMs, now) ? 'check' : undefined
}

function isOver(since: Date, pauseMs: number, now: Date): boolean {
  const agoMs = now.getTime() - since.getTime()
  return agoMs >= pauseMs || agoMs < -clocksApartMs
}

/**
 * Sends a job for every registration that is due, so that nothing is lost between a row and its job. A job that waits
 * already is not doubled.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function sweepRegistrations({
  store,
  profiles,
  jobs,
  clock
}: Pick<RegistrationDependencies, 'store' | 'profiles' | 'jobs' | 'clock'>): Promise<void> {
  const newest = new Map((await profiles.list()).map(({ name, version }: ProfileVersion) => [name, version]))
  const all = await store.list()
  for (const registration of all) {
    const { id: registrationId, desired } = registration
    const version = newest.get(desired.provisioning?.profile ?? '')
    const due = dueFor(registration, version, clock())
    // Whoever is before it in the order sends its job.
    const waits =
      isBehind(registration, version ?? 0) && turnOf(registration, all, version ?? 0).kind === 'waits'
    if (due === 'check' || (due === 'reconcile' && (!waits || stateOf(registration) === 'pending')))
      await jobs.send(`aws-registration.${due}`, { registrationId }, { key: registrationId })
  }
}
