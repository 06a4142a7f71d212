import type { Principal } from '../principal.ts'
import { type PersonRole, personRoles, type ProviderSettings } from './provider/settings.ts'
import { jwtRefused, roleUnmapped } from './refusals.ts'
import type { Claims } from './verification.ts'

/** Stands before names of people: a token's name has no colon, so that neither passes for the other on record. */
const origin = 'oidc:'
/** Stands for all lines. */
const allLines = '*'
/** As OpenID Connect Core 1.0 §2 bounds `sub`. */
const namelike = /^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u
const linelike = /^[^\p{C}]{1,64}$/u
const maximumLines = 100

/**
 * Who a token is of that was verified.
 *
 * @throws MintlineError `jwt_role_unknown` where no role, or no lines, follow from its claims; `jwt_refused` where it has no
 * name that can stand on record.
 */
export function personOf(claims: Claims, settings: ProviderSettings): Principal {
  const subject = nameIn(claims, 'sub')
  const name = nameIn(claims, settings.nameClaim)
  const role = roleIn(claims, settings)
  const lines = linesIn(claims, role, settings)
  return { name: `${origin}${name}`, role, subject: `${origin}${subject}`, ...(lines && { lines }) }
}

function nameIn(claims: Claims, claim: string): string {
  const name = claimOf(claims, claim)
  if (typeof name === 'string' && namelike.test(name)) return name
  throw jwtRefused({
    pointer: `/claims/${claim.replace(/^\//, '')}`,
    expected: 'a name of 1 to 255 characters',
    found: typeof name === 'string' ? `${name.length} characters` : typeof name,
    message: 'Ask the administrator of the identity provider to have the claim in access tokens.'
  })
}

/** Of several, the one that may most. */
function roleIn(claims: Claims, { roleClaim, roles }: ProviderSettings): PersonRole {
  const values = textsOf(claimOf(claims, roleClaim))
  const given = new Set(values.map(value => (Object.hasOwn(roles, value) ? roles[value] : undefined)))
  const role = personRoles.findLast(each => given.has(each))
  if (role !== undefined) return role
  const found =
    values.length === 0 ? 'is not there or empty' : `has ${values.length} values, none of them listed`
  throw roleUnmapped(
    `The token gives no role here: MINTLINE_OIDC_ROLES lists which values of the claim ${roleClaim} give one, and in this token it ${found}. Ask the administrator to be given one.`
  )
}

/** Undefined for all lines. What does not say is not taken for all. */
function linesIn(
  claims: Claims,
  role: PersonRole,
  { linesClaim }: ProviderSettings
): readonly string[] | undefined {
  const lines = linesClaim === undefined ? undefined : [...new Set(textsOf(claimOf(claims, linesClaim)))]
  if (role === 'admin' && (lines === undefined || lines.length === 0)) return undefined
  const isAll = lines === undefined || lines.includes(allLines)
  if (isAll && role !== 'display') return undefined
  const claim = linesClaim ?? 'that MINTLINE_OIDC_LINES_CLAIM names (it is not set)'
  const isUsable = lines !== undefined && lines.length > 0 && lines.length <= maximumLines
  if (role === 'admin' || isAll || !isUsable || !lines.every(line => linelike.test(line))) {
    throw roleUnmapped(
      role === 'admin'
        ? `The token is of the role admin, who sees all lines, and the claim ${claim} holds it to some. Have one of the two changed at the identity provider.`
        : `The token is of the role ${role} and does not say for which lines: the claim ${claim} holds 1 to ${maximumLines} names of lines${role === 'display' ? '' : `, or ${allLines} for all`}. Ask the administrator of the identity provider.`
    )
  }
  return lines
}

/** A text or a list of texts; what else is in it counts for nothing. */
function textsOf(value: unknown): readonly string[] {
  return [value].flat().filter(each => typeof each === 'string')
}

/** By a member's name, or a JSON pointer (RFC 6901). */
function claimOf(claims: Claims, claim: string): unknown {
  const path = claim.startsWith('/')
    ? claim
        .slice(1)
        .split('/')
        .map(each => each.replaceAll('~1', '/').replaceAll('~0', '~'))
    : [claim]
  return path.reduce<unknown>(
    (value, member) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, member)
        ? (value as Readonly<Record<string, unknown>>)[member]
        : undefined,
    claims
  )
}
