import type { Static } from 'typebox'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { IssuanceQuery } from '../../../records/record.ts'
import { defaultLimit, type IssuanceListQuerystring } from './schemas.ts'
import { searchOf } from './search-parameters.ts'

/**
 * What is searched for, however a tool printed it.
 *
 * @throws MintlineError `request_invalid` for a time that a Date cannot hold, and a beginning that is too short.
 */
export function buildQuery(asked: Omit<Static<typeof IssuanceListQuerystring>, 'fields'>): IssuanceQuery {
  const { serialNumber, certificateId, from, to, limit = defaultLimit, cursor, ...others } = asked
  const { station, profile, authority, outcome, ...searched } = others
  return {
    ...(station !== undefined && { station }),
    ...(profile !== undefined && { profile }),
    ...(authority !== undefined && { authority }),
    ...(outcome !== undefined && { outcome }),
    ...(cursor !== undefined && { cursor }),
    limit,
    ...searchOf(searched, parseInstant),
    ...(serialNumber !== undefined && { serialNumber: normaliseSerialNumber(serialNumber) }),
    ...(certificateId !== undefined && { certificateId: normaliseHex(certificateId) }),
    ...parseRange({ from, to })
  }
}

interface AskedRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** What of a list is asked for by time, as far as it is. @throws MintlineError `request_invalid`. */
export function parseRange({ from, to }: AskedRange): { readonly from?: Date; readonly to?: Date } {
  return {
    ...(from !== undefined && { from: parseInstant(from, '/query/from') }),
    ...(to !== undefined && { to: parseInstant(to, '/query/to') })
  }
}

/**
 * A date alone is its beginning in UTC, as ECMA-262 reads it. RFC 3339 has a leap second, which a Date cannot hold.
 *
 * @throws MintlineError `request_invalid`.
 */
export function parseInstant(text: string, pointer: string): Date {
  const instant = new Date(text)
  if (!Number.isNaN(instant.getTime())) return instant
  const expected = 'a time that is no leap second'
  const violation = {
    pointer,
    expected,
    found: text,
    message: 'Take the second before or after.'
  }
  throw new MintlineError('request_invalid', `The time ${pointer.replace(/^.*\//, '')} cannot be used.`, {
    violations: [violation]
  })
}

/** To the hex of the INTEGER's content octets (X.690, section 8.3). */
function normaliseSerialNumber(text: string): string {
  const digits = normaliseHex(text).replace(/^0+(?=.)/, '')
  const octets = digits.length % 2 === 0 ? digits : `0${digits}`
  return /^[89a-f]/.test(octets) ? `00${octets}` : octets
}

function normaliseHex(text: string): string {
  return text.replaceAll(':', '').toLowerCase()
}
