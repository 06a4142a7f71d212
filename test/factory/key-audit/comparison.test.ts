import { describe, expect, it } from 'vitest'
import { compareModuli } from '../../../src/factory/key-audit/comparison.ts'
import { groupBySharedPrime } from '../../../src/factory/key-audit/groups.ts'
import { primeOf } from '../../support/weak-keys/weak-key.ts'

const primes = Array.from({ length: 12 }, () => primeOf(256))
const of = (...indexes: number[]) => indexes.reduce((product, i) => product * primes[i]!, 1n)

/** Which of the moduli share a prime, by threads and blocks of three. */
async function groupsOf(moduli: readonly bigint[]) {
  const told: number[] = []
  const factors = await compareModuli(moduli, {
    blockSize: 3,
    threads: 2,
    onProgress: done => told.push(done)
  })
  expect(told.at(-1)).toBeCloseTo(1)
  const flagged = [...moduli.entries()].filter(([i]) => factors[i] !== 1n)
  const groups = groupBySharedPrime(flagged.map(([i, modulus]) => ({ modulus, factor: factors[i]! })))
  return groups.map(group => group.map(position => flagged[position]![0])).sort()
}

describe('moduli in blocks', () => {
  it('that share nothing are found sound', async () => {
    expect(await groupsOf([of(0, 1), of(2, 3), of(4, 5), of(6, 7)])).toEqual([])
  })

  it('that share a prime are found, in one block and across blocks', async () => {
    expect(await groupsOf([of(0, 1), of(0, 2), of(3, 4), of(5, 6), of(7, 8), of(9, 3), of(3, 10)])).toEqual([
      [0, 1],
      [2, 5, 6]
    ])
  })

  it('that share both primes are told by each', async () => {
    expect(await groupsOf([of(0, 1), of(0, 2), of(1, 3), of(4, 5)])).toEqual([
      [0, 1],
      [0, 2]
    ])
  })

  it('that share both all around are told by pairs', async () => {
    expect(await groupsOf([of(0, 1), of(1, 2), of(2, 0), of(4, 5)])).toEqual([
      [0, 1],
      [0, 2],
      [1, 2]
    ])
  })
})
