import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isIncluded } from '../../../src/transparency/tree/inclusion.ts'
import { hashLeaf, hashNode } from '../../../src/transparency/tree/tree-hash.ts'
import vectors from '../../fixtures/transparency/inclusion.json' with { type: 'json' }
import { entriesOf, naiveInclusion, naiveRoot } from '../naive-tree.ts'

const octets = (base64: string | null) => Uint8Array.fromBase64(base64 ?? '')
const head = (entries: readonly Uint8Array[]) => ({ size: entries.length, root: naiveRoot(entries) })

describe('an inclusion proof', () => {
  it.each(vectors.map(vector => [vector.name, vector] as const))('of the vectors, %s', (_, vector) => {
    const { leafIdx: index, treeSize: size, leafHash, root, proof, wantErr } = vector
    const isTaken = isIncluded(
      { index, hash: octets(leafHash) },
      { size, root: octets(root) },
      (proof ?? []).map(octets)
    )
    expect(isTaken).toBe(!wantErr)
  })

  it('is taken of every entry of every tree, and nowhere else', () => {
    const all = entriesOf(33)
    for (let size = 1; size <= all.length; size++) {
      const entries = all.slice(0, size)
      const tree = head(entries)
      for (let index = 0; index < size; index++) {
        const proof = naiveInclusion(index, entries)
        const hash = hashLeaf(entries[index]!)
        for (let other = 0; other <= size; other++)
          expect(isIncluded({ index: other, hash }, tree, proof), `${index} as ${other} of ${size}`).toBe(
            other === index
          )
      }
    }
  })

  it('is not taken where anything of it is another', () => {
    const place = fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 255 }))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), place, (size, [at, of, bit]) => {
        const entries = entriesOf(size)
        const index = at % size
        const [leaf, tree] = [{ index, hash: hashLeaf(entries[index]!) }, head(entries)]
        const proof = naiveInclusion(index, entries)
        expect(isIncluded(leaf, tree, proof)).toBe(true)
        expect(isIncluded({ ...leaf, hash: hashLeaf(new Uint8Array()) }, tree, proof)).toBe(false)
        expect(isIncluded(leaf, tree, [...proof, new Uint8Array(32)])).toBe(false)
        if (proof.length === 0) return
        expect(isIncluded(leaf, tree, proof.slice(1))).toBe(false)
        const altered = proof[of % proof.length]!.slice()
        altered[bit >> 3]! ^= 1 << (bit & 7)
        expect(isIncluded(leaf, tree, proof.with(of % proof.length, altered))).toBe(false)
      }),
      { numRuns: 60 }
    )
  })

  it('tells an entry from a node', () => {
    const [left, right] = [hashLeaf(Uint8Array.of(1)), hashLeaf(Uint8Array.of(2))]
    const root = hashNode(left, right)
    const forged = hashLeaf(Uint8Array.of(...left, ...right))
    expect(isIncluded({ index: 0, hash: forged }, { size: 1, root }, [])).toBe(false)
  })

  it('is reckoned beyond 2^32 entries', () => {
    const [left, leaf] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const tree = { size: 2 ** 40 + 1, root: hashNode(left, leaf) }
    expect(isIncluded({ index: 2 ** 40, hash: leaf }, tree, [left])).toBe(true)
    expect(isIncluded({ index: 2 ** 40 - 1, hash: leaf }, tree, [left])).toBe(false)
  })
})
