import type { Static } from 'typebox'
import { MintlineError, type Violation } from '../../../errors/mintline-error.ts'
import type { IssuanceQuery } from '../../../records/record.ts'
import { defaultLimit, type IssuanceListQuerystring } from './schemas.ts'
import { searchOf, takeBeginnings } from './search-parameters.ts'

/**
 * What is searched for, however a tool printed it.
 *
 * @throws MintlineError `request_invalid` for a time that cannot be used, for a range without any time, and for a beginning
 * that is too short.
 */
export function buildQuery(given: Omit<Static<typeof IssuanceListQuerystring>, 'fields'>): IssuanceQuery {
  const { asked, beginnings } = takeBeginnings(given)
  const { serialNumber, certificateId, from, to, limit = defaultLimit, cursor, ...others } = asked
  const { station, profile, authority, outcome, ...searched } = others
  const search = searchOf(searched, parseInstant)
  assertOrder(
    ['expiresAfter', search.expiresAfter],
    ['expiresBefore', search.expiresBefore],
    others.expiresBefore
  )
  return {
    ...(station !== undefined && { station }),
    ...(profile !== undefined && { profile }),
    ...(authority !== undefined && { authority }),
    ...(outcome !== undefined && { outcome }),
    ...(cursor !== undefined && { cursor }),
    limit,
    ...search,
    ...(Object.keys(beginnings).length > 0 && { beginnings }),
    ...(serialNumber !== undefined && { serialNumber: normaliseSerialNumber(serialNumber) }),
    ...(certificateId !== undefined && { certificateId: normaliseHex(certificateId) }),
    ...parseRange({ from, to })
  }
}

interface AskedRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/**
 * What of a list is asked for by time, as far as it is.
 *
 * @param parse reads one of them: as `parseInstant`.
 * @throws MintlineError `request_invalid`, also for a range without any time.
 */
export function parseRange(
  { from, to }: AskedRange,
  parse: (text: string, pointer: string) => Date = parseInstant
): { readonly from?: Date; readonly to?: Date } {
  const range = {
    ...(from !== undefined && { from: parse(from, '/query/from') }),
    ...(to !== undefined && { to: parse(to, '/query/to') })
  }
  assertOrder(['from', range.from], ['to', range.to], to)
  return range
}

type RangeEnd = readonly [name: string, time: Date | undefined]

/**
 * An answer that is empty since nothing can be meant would be taken for one about what there is.
 *
 * @param text of the end, as it was asked for.
 */
function assertOrder([first, start]: RangeEnd, [last, end]: RangeEnd, text = ''): void {
  if (start === undefined || end === undefined || start < end) return
  throw unusableTime(`/query/${last}`, {
    expected: `a time after ${first}, which is ${start.toISOString()}`,
    found: text,
    message: `Take a later one, or an earlier ${first}: ${last} itself is not of the range.`
  })
}

/** The years that all have: PostgreSQL knows none that is 0, and ISO 8601 writes what is later in another form. */
const [earliestMs, latestMs] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')]

/**
 * A date alone is its beginning in UTC, as ECMA-262 reads it. RFC 3339 has a leap second, which a Date cannot hold.
 *
 * @throws MintlineError `request_invalid`.
 */
export function parseInstant(text: string, pointer: string): Date {
  return assertUsable(new Date(text), text, pointer)
}

/**
 * @param text as it was asked for.
 * @returns the same time.
 * @throws MintlineError `request_invalid` for one that is not in the years 1 to 9999 of UTC.
 */
export function assertUsable(instant: Date, text: string, pointer: string): Date {
  const time = instant.getTime()
  if (Number.isNaN(time))
    throw unusableTime(pointer, {
      expected: 'a time that is no leap second',
      found: text,
      message: 'Take the second before or after.'
    })
  if (time < earliestMs || time > latestMs)
    throw unusableTime(pointer, {
      expected: 'a time of the years 1 to 9999, in UTC',
      found: text,
      message: 'Take one in between.'
    })
  return instant
}

function unusableTime(pointer: string, violation: Omit<Violation, 'pointer'>): MintlineError {
  return new MintlineError('request_invalid', `The time ${pointer.replace(/^.*\//, '')} cannot be used.`, {
    violations: [{ pointer, ...violation }]
  })
}

/** To the hex of the INTEGER's content octets (X.690, section 8.3). */
export function normaliseSerialNumber(text: string): string {
  const digits = normaliseHex(text).replace(/^0+(?=.)/, '')
  const octets = digits.length % 2 === 0 ? digits : `0${digits}`
  return /^[89a-f]/.test(octets) ? `00${octets}` : octets
}

export function normaliseHex(text: string): string {
  return text.replaceAll(':', '').toLowerCase()
}
