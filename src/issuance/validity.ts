import type { IssuingAuthority } from '../authorities/authority.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import { millisecondsPerDay } from '../pki/der/time.ts'
import { describeEnd } from '../pki/path/issuing-path.ts'
import type { ProfileDocument } from '../profiles/document.ts'

/** Whole seconds, since a certificate holds no less. */
export interface ValidityPeriod {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** What a certificate's validity comes of. */
export interface ValidityRules {
  readonly document: Pick<ProfileDocument, 'validity' | 'backdateMinutes' | 'name'>
  readonly authority: Pick<IssuingAuthority, 'certificate' | 'path' | 'name'>
  /** When it was or is asked for. */
  readonly now: Date
}

const noExpiry = new Date('9999-12-31T23:59:59Z')

/** A certificate holds whole seconds, so that what it says may differ by less than one from what was reckoned. */
const roundingMs = 1_000

/**
 * Not before the issuer begins, nor after the first CA of its chain ends.
 *
 * @throws MintlineError `authority_expires_first`.
 */
export function validityOf(rules: ValidityRules): ValidityPeriod {
  const { document, authority, now } = rules
  const notBefore = beginningOf(rules)
  const wanted = wantedEnd(rules)
  const { path } = authority
  if (wanted <= path.notAfter) return { notBefore, notAfter: wanted }
  if (path.notAfter > now && mayEndWithChain(rules)) return { notBefore, notAfter: path.notAfter }
  throw new MintlineError(
    'authority_expires_first',
    `Profile ${document.name} asks for a certificate until ${wanted.toISOString()}, but ${describeEnd(authority.name, path)}. ` +
      `The administrator activates a new generation or changes the profile.`
  )
}

const secondOf = (now: Date) => Math.floor(now.getTime() / 1000) * 1000

function beginningOf({ document: { backdateMinutes }, authority, now }: ValidityRules): Date {
  return new Date(
    Math.max(secondOf(now) - backdateMinutes * 60_000, authority.certificate.notBefore.getTime())
  )
}

function wantedEnd({ document: { validity }, now }: ValidityRules): Date {
  return 'days' in validity ? new Date(secondOf(now) + validity.days * millisecondsPerDay) : noExpiry
}

/** Whether the profile would rather have it shorter than not at all. */
function mayEndWithChain({ document: { validity }, authority: { path }, now }: ValidityRules): boolean {
  const leastEnd = secondOf(now) + (validity.minimumDays ?? 0) * millisecondsPerDay
  return validity.whenIssuerExpiresFirst === 'shorten' && path.notAfter.getTime() >= leastEnd
}

/** What of a validity was not reckoned by these rules. */
export interface ValidityDifference {
  readonly pointer: '/notBefore' | '/notAfter'
  readonly expected: string
  readonly found: string
}

/**
 * Holds a validity that was read back against the rules: neither end is further away or nearer than they say. That it does not
 * outlast the chain is `belowViolations`.
 */
export function validityDifferences(
  { notBefore, notAfter }: ValidityPeriod,
  rules: ValidityRules
): readonly ValidityDifference[] {
  const { authority, now } = rules
  const earliest = beginningOf(rules).getTime()
  const latest = Math.max(now.getTime(), authority.certificate.notBefore.getTime())
  const wanted = wantedEnd(rules).getTime()
  const least = mayEndWithChain(rules) ? Math.min(wanted, authority.path.notAfter.getTime()) : wanted
  return [
    ...beyond('/notBefore', notBefore, { least: earliest, most: latest }),
    ...beyond('/notAfter', notAfter, { least, most: wanted })
  ]
}

function beyond(
  pointer: ValidityDifference['pointer'],
  found: Date,
  { least, most }: { readonly least: number; readonly most: number }
): readonly ValidityDifference[] {
  if (found.getTime() >= least - roundingMs && found.getTime() <= most + roundingMs) return []
  const expected = `from ${new Date(least).toISOString()} to ${new Date(most).toISOString()}`
  return [{ pointer, expected, found: found.toISOString() }]
}
