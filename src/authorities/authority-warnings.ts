import type { Authority } from './authority.ts'
import type { ProfileNeed } from './rotation-plan.ts'

export const authorityWarningKinds = ['expires_within_validity', 'starter_in_use'] as const

export interface AuthorityWarning {
  readonly kind: (typeof authorityWarningKinds)[number]
  readonly authority: string
  readonly message: string
}

const starterLine = 'starter'
const millisecondsPerDay = 86_400_000

/** What is amiss with the active generations although they can sign. */
export function findWarnings(
  authorities: readonly Authority[],
  needs: readonly ProfileNeed[],
  now: Date
): readonly AuthorityWarning[] {
  return authorities
    .filter(({ state }) => state === 'active')
    .flatMap(authority => [...expiryWarnings(authority, needs, now), ...starterWarnings(authority)])
}

function expiryWarnings(
  { name, line, certificate }: Authority,
  needs: readonly ProfileNeed[],
  now: Date
): readonly AuthorityWarning[] {
  const longest = Math.max(0, ...needs.filter(need => need.line === line).map(need => need.validityDays))
  const daysLeft = Math.floor((certificate.notAfter.getTime() - now.getTime()) / millisecondsPerDay)
  if (daysLeft >= longest) return []
  const lifetime = Number.isFinite(longest) ? `${longest} days` : 'no expiry'
  const message = `${name} has ${daysLeft} days left, and a profile asks for ${lifetime}: rotate it`
  return [{ kind: 'expires_within_validity', authority: name, message }]
}

function starterWarnings({ name, line }: Authority): readonly AuthorityWarning[] {
  if (line !== starterLine) return []
  const message = `${name} is the starter authority, made to try Mintline out: not for production`
  return [{ kind: 'starter_in_use', authority: name, message }]
}
