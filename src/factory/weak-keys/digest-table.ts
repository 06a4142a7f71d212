/** How many octets of a digest tell keys apart: what a line of Debian's lists has. */
export const digestLength = 10

/** A set of digests, packed: each takes some 30 octets at most, and a look-up takes no longer for many. */
export interface DigestTable {
  /** @param digest of `digestLength` octets. @throws RangeError beyond the number that it was made for. */
  add(digest: Uint8Array): void
  has(digest: Uint8Array): boolean
  readonly size: number
}

/** FNV-1a and a last stir: digests are even by themselves, but what stands in a file need not be a digest. */
function startOf(digest: Uint8Array): number {
  let mixed = 0x811c9dc5
  for (let i = 0; i < digestLength; i++) mixed = Math.imul(mixed ^ digest[i]!, 0x01000193)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

/** Open addressing over one buffer, which never grows: adding is as quick at the end as at the beginning. */
export function createDigestTable(maximum: number): DigestTable {
  const slots = 2 ** Math.ceil(Math.log2(Math.max(2, maximum * 1.5)))
  const slotLength = digestLength + 1
  // The first octet of a slot tells whether it is taken.
  const table = Buffer.alloc(slots * slotLength)
  let size = 0

  /** Where it is, or would be. */
  function placeOf(digest: Uint8Array): number {
    for (let slot = startOf(digest) % slots; ; slot = (slot + 1) % slots) {
      const place = slot * slotLength
      if (table[place] === 0 || isAt(place, digest)) return place
    }
  }

  function isAt(place: number, digest: Uint8Array): boolean {
    for (let i = 0; i < digestLength; i++) if (table[place + 1 + i] !== digest[i]) return false
    return true
  }

  return {
    add(digest) {
      const place = placeOf(digest)
      if (table[place] === 1) return
      if (size >= maximum) throw new RangeError(`No room for more than ${maximum} digests`)
      size++
      table[place] = 1
      table.set(digest.subarray(0, digestLength), place + 1)
    },
    has: digest => table[placeOf(digest)] === 1,
    get size() {
      return size
    }
  }
}
