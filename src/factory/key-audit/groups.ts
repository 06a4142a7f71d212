import { greatestCommonDivisor } from '../../pki/key/batch-gcd.ts'

/** A modulus that shares a factor with another. */
export interface Sharing {
  readonly modulus: bigint
  /** What it shares with all others together: one prime, or both. */
  readonly factor: bigint
}

/** Beyond so many divisions it is not told which of them share a prime; that they do, is. */
const mostTrials = 5_000_000
/** A greatest common divisor takes as long as so many divisions. */
const trialsOfDivisor = 50

/**
 * Which moduli share a prime with each other. One that shares each of its primes with others is in several groups.
 *
 * @returns positions; those that belong to no group, since there were too many to try, are in one of their own.
 */
export function groupBySharedPrime(sharings: readonly Sharing[]): readonly (readonly number[])[] {
  const groups = new Map<bigint, Set<number>>()
  const put = (prime: bigint, position: number) => {
    const group = groups.get(prime) ?? new Set()
    groups.set(prime, group.add(position))
  }
  for (const [position, { modulus, factor }] of sharings.entries()) {
    if (factor !== modulus) put(factor, position)
  }
  let trials = 0
  const whole = [...sharings.entries()].filter(([, { modulus, factor }]) => factor === modulus)
  const putKnown = (position: number) => {
    const { modulus } = sharings[position]!
    for (const prime of groups.keys()) {
      if (++trials > mostTrials) return
      if (modulus % prime === 0n) put(prime, position)
    }
  }
  for (const [position] of whole) putKnown(position)
  for (const [i, [position, { modulus }]] of whole.entries()) {
    for (const [other, { modulus: otherModulus }] of whole.slice(i + 1)) {
      if ((trials += trialsOfDivisor) > mostTrials) break
      const prime = greatestCommonDivisor(modulus, otherModulus)
      if (prime === 1n) continue
      put(prime, position)
      put(prime, other)
    }
  }
  const found = [...groups.values()]
    .filter(({ size }) => size > 1)
    .map(group => [...group].sort((a, b) => a - b))
  const grouped = new Set(found.flat())
  const alone = [...sharings.keys()].filter(position => !grouped.has(position))
  return alone.length > 0 ? [...found, alone] : found
}
