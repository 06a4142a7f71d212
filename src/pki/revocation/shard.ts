/**
 * Into how many CRLs the certificates of a generation may be shared out. Powers of four: serial numbers begin with the bits 01, and
 * random ones behind that, so that each shard gets as many.
 */
export const shardCounts = [4, 16, 64, 256] as const
export type ShardCount = (typeof shardCounts)[number]

/** Bits of a serial number's first two octets that tell its shard: all but 01. */
const shardedBits = 14

/**
 * The shard of a certificate, from 0. It follows from the serial number alone, so that nothing but the certificate need be kept to know it.
 *
 * @param serialNumber as `createSerialNumber` makes it.
 */
export function shardOf(serialNumber: Uint8Array, shards: ShardCount): number {
  const bits = (((serialNumber[0] ?? 0) & 0x3f) << 8) | (serialNumber[1] ?? 0)
  return bits >> (shardedBits - Math.log2(shards))
}

/** Serial numbers, by their first octets. */
export interface SerialRange {
  readonly from: Uint8Array
  /** The first octets of what does not belong to it any more. */
  readonly until: Uint8Array
}

/** Those of a shard. */
export function rangeOf(shards: number, shard: number): SerialRange {
  const octetsOf = (position: number) => {
    const bits = (position * 2 ** shardedBits) / shards
    return Uint8Array.of(0x40 + (bits >> 8), bits & 0xff)
  }
  return { from: octetsOf(shard), until: octetsOf(shard + 1) }
}
