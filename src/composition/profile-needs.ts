import type { ProfileNeed } from '../authorities/rotation/plan.ts'
import type { ProfileVersion } from '../profiles/profile-version.ts'

/** What each profile asks of its authority line. */
export function needsOf(profiles: readonly ProfileVersion[]): readonly ProfileNeed[] {
  return profiles.map(({ name, document: { authority, validity } }) => ({
    profile: name,
    line: authority,
    validityDays: 'days' in validity ? validity.days : Number.POSITIVE_INFINITY
  }))
}
