import { describe, expect, it } from 'vitest'
import { createCompactRange } from '../../../src/transparency/tree/compact-range.ts'
import { hashLeaf } from '../../../src/transparency/tree/tree-hash.ts'
import { entriesOf, naiveRoot } from '../naive-tree.ts'

describe('a compact range', () => {
  it('has the root of the tree at every size, and goes on from what it is made of', () => {
    const entries = entriesOf(300)
    let range = createCompactRange()
    expect(range.root()).toEqual(naiveRoot([]))
    for (const [at, entry] of entries.entries()) {
      range.append(hashLeaf(entry))
      expect(range.root(), `at ${at + 1}`).toEqual(naiveRoot(entries.slice(0, at + 1)))
      range = createCompactRange(range.size, range.hashes)
    }
    expect(range.size).toBe(300)
  })

  it('tells of each node once, when it is complete', () => {
    const entries = entriesOf(11)
    const told: [level: number, hash: Uint8Array][] = []
    const range = createCompactRange()
    for (const entry of entries) range.append(hashLeaf(entry), (level, hash) => told.push([level, hash]))
    const nodesAt = (level: number) => told.filter(([of]) => of === level).map(([, hash]) => hash)
    for (const level of [0, 1, 2, 3]) {
      const width = 2 ** level
      const expected = Array.from({ length: Math.floor(11 / width) }, (_, at) =>
        naiveRoot(entries.slice(at * width, (at + 1) * width))
      )
      expect(nodesAt(level)).toEqual(expected)
    }
    expect(nodesAt(4)).toEqual([])
  })

  it.each([
    ['a hash too few', 3, 1],
    ['a hash too many', 4, 2],
    ['a size below nothing', -1, 0],
    ['a size that is none', 1.5, 1]
  ])('with %s is refused', (_, size, hashes) => {
    expect(() =>
      createCompactRange(
        size,
        Array.from({ length: hashes }, () => new Uint8Array(32))
      )
    ).toThrow(RangeError)
  })
})
