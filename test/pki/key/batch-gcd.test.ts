import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  greatestCommonDivisor,
  productModulo,
  productOf,
  sharedFactors
} from '../../../src/pki/key/batch-gcd.ts'

const randomOdd = (bits: number) => BigInt(`0x${randomBytes(bits / 8).toString('hex')}`) | 1n

function euclid(one: bigint, other: bigint): bigint {
  let [a, b] = [one, other]
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}

/** By its definition. */
function shared(moduli: readonly bigint[], outside: bigint): readonly bigint[] {
  return moduli.map((modulus, i) =>
    euclid(
      modulus,
      moduli.toSpliced(i, 1).reduce((a, b) => a * b, outside)
    )
  )
}

describe('the greatest common divisor', () => {
  it('is that of Euclid, whatever the lengths', () => {
    for (let round = 0; round < 400; round++) {
      const factor = randomOdd(8 * (1 + (round % 130)))
      const one = factor * randomOdd(8 * (1 + (round % 201)))
      const other = factor * randomOdd(8 * (1 + (round % 97)))
      expect(greatestCommonDivisor(one, other)).toBe(euclid(one, other))
    }
  })

  it.each([
    [0n, 0n, 0n],
    [0n, 7n, 7n],
    [2n ** 2048n, 2n ** 1024n, 2n ** 1024n],
    [2n ** 2048n - 1n, 2n ** 2047n - 1n, 1n]
  ])('of odd ones is right (%#)', (one, other, expected) => {
    expect(greatestCommonDivisor(one, other)).toBe(expected)
    expect(greatestCommonDivisor(other, one)).toBe(expected)
  })
})

describe('shared factors', () => {
  it.each([1, 2, 3, 5, 8, 33, 100])('of %i moduli are those by definition', count => {
    const primes = Array.from({ length: count + 4 }, () => randomOdd(256))
    const pick = (i: number) => primes[(i * i + 3) % primes.length]!
    const moduli = [...new Set(Array.from({ length: count }, (_, i) => pick(i) * pick(i + 1)))]
    expect(sharedFactors(moduli, 1n)).toEqual(shared(moduli, 1n))
    const outside = primes[0]! * randomOdd(512)
    expect(sharedFactors(moduli, productModulo([outside], productOf(moduli)))).toEqual(
      shared(moduli, outside)
    )
  })

  it('of different lengths, and where both primes are shared, are right', () => {
    const [p, q, r, s] = [64, 512, 1024, 2048].map(randomOdd) as [bigint, bigint, bigint, bigint]
    const moduli = [p * q, q * r, r * p, s, s * p, 3n]
    expect(sharedFactors(moduli, 1n)).toEqual(shared(moduli, 1n))
  })

  it('of none are none', () => {
    expect(sharedFactors([], 1n)).toEqual([])
    expect(sharedFactors([15n], 0n)).toEqual([15n])
  })
})
