import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isConsistent } from '../../../src/transparency/tree/consistency.ts'
import { emptyRoot, hashNode } from '../../../src/transparency/tree/tree-hash.ts'
import vectors from '../../fixtures/transparency/consistency.json' with { type: 'json' }
import { entriesOf, naiveConsistency, naiveRoot } from '../naive-tree.ts'

const octets = (base64: string | null) => Uint8Array.fromBase64(base64 ?? '')
const head = (entries: readonly Uint8Array[]) => ({ size: entries.length, root: naiveRoot(entries) })

describe('a consistency proof', () => {
  it.each(vectors.map(vector => [vector.name, vector] as const))('of the vectors, %s', (_, vector) => {
    const { size1, size2, root1, root2, proof, wantErr } = vector
    const heads = [
      { size: size1, root: octets(root1) },
      { size: size2, root: octets(root2) }
    ] as const
    expect(isConsistent(...heads, (proof ?? []).map(octets))).toBe(!wantErr)
  })

  it('is taken of every two sizes of a tree, and of no others', () => {
    const entries = entriesOf(40)
    for (let later = 1; later <= entries.length; later++) {
      const tree = entries.slice(0, later)
      for (let earlier = 1; earlier <= later; earlier++) {
        const proof = naiveConsistency(earlier, tree)
        const [a, b] = [head(tree.slice(0, earlier)), head(tree)]
        expect(isConsistent(a, b, proof), `${earlier} to ${later}`).toBe(true)
        if (earlier === later) continue
        expect(isConsistent({ ...a, size: earlier - 1 }, b, proof)).toBe(false)
      }
    }
  })

  it('is not taken where anything of it is another', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }))
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat({ max: 255 }), ([a, b], place, bit) => {
        const entries = entriesOf(Math.max(a, b))
        const earlier = Math.min(a, b)
        const proof = naiveConsistency(earlier, entries)
        const heads = [head(entries.slice(0, earlier)), head(entries)] as const
        expect(isConsistent(...heads, proof)).toBe(true)
        expect(isConsistent(...heads, [...proof, new Uint8Array(32)])).toBe(false)
        const fork = head([...entries.slice(0, -1), new Uint8Array(1)])
        expect(isConsistent(heads[0], fork, proof)).toBe(false)
        if (proof.length === 0) return
        expect(isConsistent(...heads, proof.slice(1))).toBe(false)
        expect(isConsistent(...heads, proof.slice(0, -1))).toBe(false)
        const at = place % proof.length
        const altered = proof[at]!.slice()
        altered[bit >> 3]! ^= 1 << (bit & 7)
        expect(isConsistent(...heads, proof.with(at, altered))).toBe(false)
      }),
      { numRuns: 60 }
    )
  })

  it('is reckoned beyond 2^32 entries', () => {
    // A whole subtree of 2^40 entries, and one more behind it.
    const [left, leaf] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const earlier = { size: 2 ** 40, root: left }
    const later = { size: 2 ** 40 + 1, root: hashNode(left, leaf) }
    expect(isConsistent(earlier, later, [leaf])).toBe(true)
    expect(isConsistent(earlier, { ...later, size: 2 ** 41 + 1 }, [leaf])).toBe(false)
  })

  it('of the empty tree shows nothing', () => {
    const empty = { size: 0, root: emptyRoot() }
    expect(isConsistent(empty, empty, [])).toBe(true)
    expect(isConsistent(empty, head(entriesOf(3)), [])).toBe(false)
  })
})
