import type { ErrorCode } from '../../../errors/mintline-error.ts'
import type { StoredRegistration } from '../registration-store.ts'
import { stateOf } from '../view.ts'

/**
 * A newer version of a profile goes to one account and region after the other: first where a registration is marked as
 * canary, then in the order in which they were asked for.
 *
 * - `now`: every place before this one holds the version.
 * - `waits`: one before it is still to get it.
 * - `held`: one before it did not get it.
 */
export type Turn =
  { readonly kind: 'now' } | { readonly kind: 'waits' | 'held'; readonly before: StoredRegistration }

/** Whether the newest version of the profile is still to be brought to AWS. Pure. */
export function isBehind({ state, desired }: StoredRegistration, newestVersion: number): boolean {
  return desired.provisioning !== null && (state?.profileVersion ?? 0) < newestVersion
}

/** Pure. @param all in the order in which they were asked for. */
export function turnOf(
  registration: StoredRegistration,
  all: readonly StoredRegistration[],
  newestVersion: number
): Turn {
  const own = placeOf(registration)
  for (const each of inOrder(all, registration.desired.provisioning?.profile)) {
    if (placeOf(each) === own) break
    if (isBehind(each, newestVersion) || stateOf(each) !== 'registered')
      return { kind: isStuck(each, newestVersion) ? 'held' : 'waits', before: each }
  }
  return { kind: 'now' }
}

/**
 * Those that something can be done about at once, now that one of them is done: the next get the version, or are told
 * that they do not. Pure. @param all in the order in which they were asked for.
 */
export function nextInTurn(
  all: readonly StoredRegistration[],
  profile: string,
  newestVersion: number
): readonly StoredRegistration[] {
  return inOrder(all, profile).filter(each => {
    const { kind } = turnOf(each, all, newestVersion)
    if (!isBehind(each, newestVersion) || kind === 'waits') return false
    return !wasTried(each, newestVersion) || (kind === 'now' && isHeldByOrder(each))
  })
}

function isStuck(registration: StoredRegistration, newestVersion: number): boolean {
  if (stateOf(registration) === 'pending') return false
  return !isBehind(registration, newestVersion) || wasTried(registration, newestVersion)
}

function isHeldByOrder({ state }: StoredRegistration): boolean {
  return state?.lastError?.code === ('aws_registration_held' satisfies ErrorCode)
}

function wasTried({ state }: StoredRegistration, version: number): boolean {
  return (state?.triedProfileVersion ?? 0) >= version
}

/** Those that take devices: what is switched off holds nobody up. */
function inOrder(all: readonly StoredRegistration[], profile: string | undefined) {
  const taking = all.filter(
    ({ desired: { provisioning, setAsActive, allowAutoRegistration } }) =>
      provisioning?.profile === profile && (setAsActive || allowAutoRegistration)
  )
  const isCanary = (place: string) =>
    taking.some(each => placeOf(each) === place && each.desired.provisioning?.canary === true)
  const places = [...new Set(taking.map(placeOf))]
  const ordered = [...places.filter(isCanary), ...places.filter(place => !isCanary(place))]
  return ordered.flatMap(place => taking.filter(each => placeOf(each) === place))
}

function placeOf({ region, accountAlias }: StoredRegistration): string {
  return `${region} ${accountAlias}`
}
