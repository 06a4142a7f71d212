import type { Violation } from '../../errors/mintline-error.ts'
import { examineAuthorityCertificate } from '../../pki/certificate/authority/lint.ts'
import { daysUntil } from '../../pki/der/time.ts'
import { holderOfEnd } from '../../pki/path/issuing-path.ts'
import type { Authority } from '../authority.ts'
import type { ProfileNeed } from './plan.ts'

export interface AuthorityWarning {
  readonly kind:
    | 'none_active'
    | 'expires_within_validity'
    | 'certificate_irregular'
    | 'starter_in_use'
    | 'public_url_missing'
    | 'compromise_incomplete'
    | 'registration_missing'
  /** Name of the generation; of the line for `none_active` and `public_url_missing`. */
  readonly authority: string
  readonly message: string
}

const starterLine = 'starter'

/** What is amiss with the authorities although every active key can sign. */
export function findWarnings(
  authorities: readonly Authority[],
  needs: readonly ProfileNeed[],
  now: Date
): readonly AuthorityWarning[] {
  const active = authorities.filter(({ state }) => state === 'active')
  return [
    ...vacancyWarnings(active, needs),
    ...active.flatMap(authority => [
      ...expiryWarnings(authority, needs, now),
      ...irregularityWarnings(authority),
      ...starterWarnings(authority)
    ])
  ]
}

function vacancyWarnings(
  active: readonly Authority[],
  needs: readonly ProfileNeed[]
): readonly AuthorityWarning[] {
  const lines = new Set(needs.map(({ line }) => line))
  for (const { line } of active) lines.delete(line)
  return [...lines].map(line => {
    const message = `no generation of ${line} is active, and a profile names it: its stations get nothing`
    return { kind: 'none_active', authority: line, message }
  })
}

/** Where no active generation of the line lives as long as the certificates of a profile are to. */
export function lifetimeWarnings(
  authorities: readonly Authority[],
  { line, validityDays }: Pick<ProfileNeed, 'line' | 'validityDays'>,
  now: Date
): readonly Violation[] {
  const ofLine = authorities.filter(authority => authority.line === line)
  const active = ofLine.filter(({ state }) => state === 'active')
  if (active.length === 0) {
    const expected = `an active generation of ${line}`
    const staged = ofLine.findLast(({ state }) => state === 'staged')?.name ?? '<name>'
    const message = `Stations get nothing until POST /v1/authorities/${staged}/activate has made one active.`
    return [{ pointer: '/authority', expected, found: 'none', message }]
  }
  const daysLeft = Math.floor(Math.max(...active.map(each => daysUntil(each.path.notAfter, now))))
  if (daysLeft >= validityDays) return []
  const names = active.map(({ name, path }) => holderOfEnd(name, path)).join(', ')
  const ask = Number.isFinite(validityDays) ? `${validityDays} days` : 'no expiry'
  return [
    {
      pointer: '/validity',
      expected: `at most the ${daysLeft} days that ${names} has left`,
      found: ask,
      message: 'Certificates will be shortened or refused. Ask for less, or rotate to a CA that lives longer.'
    }
  ]
}

function expiryWarnings(
  { name, line, path }: Authority,
  needs: readonly ProfileNeed[],
  now: Date
): readonly AuthorityWarning[] {
  const longest = Math.max(0, ...needs.filter(need => need.line === line).map(need => need.validityDays))
  const daysLeft = Math.floor(daysUntil(path.notAfter, now))
  if (daysLeft >= longest) return []
  const lifetime = Number.isFinite(longest) ? `${longest} days` : 'no expiry'
  const message = `${holderOfEnd(name, path)} has ${daysLeft} days left, and a profile asks for ${lifetime}: rotate it`
  return [{ kind: 'expires_within_validity', authority: name, message }]
}

function irregularityWarnings({ name, certificateDer }: Authority): readonly AuthorityWarning[] {
  const { irregularities } = examineAuthorityCertificate(certificateDer)
  if (irregularities.length === 0) return []
  const lacking = irregularities.map(({ expected }) => expected).join(', ')
  const message = `the certificate of ${name} lacks ${lacking}; strict verifiers may refuse its chain`
  return [{ kind: 'certificate_irregular', authority: name, message }]
}

function starterWarnings({ name, line }: Authority): readonly AuthorityWarning[] {
  if (line !== starterLine) return []
  const message = `${name} is the starter authority, made to try Mintline out: not for production`
  return [{ kind: 'starter_in_use', authority: name, message }]
}
