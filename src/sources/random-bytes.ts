import { randomFillSync } from 'node:crypto'

const poolBytes = 4_096

/** `size` fresh octets from a cryptographic generator, which nobody else gets. */
export type RandomBytes = (size: number) => Uint8Array

/**
 * Fresh random octets from the cryptographic generator. They are drawn from it some thousand at a time, since each
 * call costs more than the octets; every octet is given out once and wiped from the pool.
 */
export function createRandomSource(): RandomBytes {
  const pool = new Uint8Array(poolBytes)
  let used = poolBytes
  return size => {
    if (size > poolBytes) return randomFillSync(new Uint8Array(size))
    if (used + size > poolBytes) {
      randomFillSync(pool)
      used = 0
    }
    const given = pool.slice(used, used + size)
    pool.fill(0, used, used + size)
    used += size
    return given
  }
}
