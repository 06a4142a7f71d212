import type { Static } from 'typebox'
import type { IssuanceQuery } from '../../../records/record.ts'
import { assertOrder, parseInstantIn, parseRange } from '../../listing/times.ts'
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
  const { serialNumber, certificateId, zone, from, to, limit = defaultLimit, cursor, ...others } = asked
  const { station, profile, authority, outcome, ...searched } = others
  const parse = parseInstantIn(zone)
  const search = searchOf(searched, parse)
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
    ...parseRange({ from, to }, parse)
  }
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
