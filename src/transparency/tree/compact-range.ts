import { emptyRoot, hashNode } from './tree-hash.ts'

/** Of a node: its level above the leaves, which are 0, and the root of what is below it. */
export type OnNode = (level: number, hash: Uint8Array) => void

/** A tree that grows, by so much of it as its root needs. */
export interface CompactRange {
  /** Number of entries, below 2^53. */
  readonly size: number
  /** The roots of the full subtrees that the tree is made of, the largest first: one for each 1 in the binary size. */
  readonly hashes: readonly Uint8Array[]
  /** @param onNode told of the leaf and of each node that is complete with it, from below. */
  append(leafHash: Uint8Array, onNode?: OnNode): void
  /** MTH: RFC 6962 §2.1. */
  root(): Uint8Array
}

/** @throws RangeError for hashes that no tree of that size is made of. */
export function createCompactRange(size = 0, hashes: readonly Uint8Array[] = []): CompactRange {
  if (!Number.isSafeInteger(size) || size < 0 || hashes.length !== countOnes(size))
    throw new RangeError(`a tree of ${size} entries is not made of ${hashes.length} full subtrees`)
  return new GrowingRange(size, hashes)
}

class GrowingRange implements CompactRange {
  #size: number
  readonly #hashes: Uint8Array[]

  constructor(size: number, hashes: readonly Uint8Array[]) {
    this.#size = size
    this.#hashes = [...hashes]
  }

  get size(): number {
    return this.#size
  }

  get hashes(): readonly Uint8Array[] {
    return [...this.#hashes]
  }

  append(leafHash: Uint8Array, onNode?: OnNode): void {
    let node = leafHash
    let level = 0
    onNode?.(level, node)
    // Each full subtree as large as what is here already makes one that is twice as large.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      node = hashNode(this.#hashes.pop() as Uint8Array, node)
      onNode?.(++level, node)
    }
    this.#hashes.push(node)
    this.#size++
  }

  root(): Uint8Array {
    return joinSubtrees(this.#hashes) ?? emptyRoot()
  }
}

/**
 * The root of subtrees side by side, each larger than the next one. Undefined for none.
 */
export function joinSubtrees(hashes: readonly Uint8Array[]): Uint8Array | undefined {
  return hashes.reduceRight<Uint8Array | undefined>(
    (right, left) => (right === undefined ? left : hashNode(left, right)),
    undefined
  )
}

function countOnes(size: number): number {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}
