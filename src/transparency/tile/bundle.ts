import { concatenate } from '../../pki/der/octets.ts'

const lengthOctets = 2
const maximumEntryOctets = 0xffff

/**
 * Entries one after the other, each behind its length: c2sp.org/tlog-tiles.
 *
 * @throws RangeError for an entry of more than 65,535 octets.
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  return concatenate(
    entries.flatMap(entry => {
      if (entry.length > maximumEntryOctets) throw new RangeError(`an entry has ${entry.length} octets`)
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]
    })
  )
}

/** What `encodeBundle` makes, as views of it. Undefined for octets that end within an entry. */
export function decodeBundle(octets: Uint8Array): readonly Uint8Array[] | undefined {
  const entries: Uint8Array[] = []
  for (let at = 0; at < octets.length;) {
    const from = at + lengthOctets
    if (from > octets.length) return undefined
    at = from + ((octets[at] as number) << 8) + (octets[at + 1] as number)
    if (at > octets.length) return undefined
    entries.push(octets.subarray(from, at))
  }
  return entries
}
