import { isEqual } from '../../pki/der/octets.ts'
import type { TreeHead } from './consistency.ts'
import { isRight, type Path, up, upToRight } from './path.ts'
import { hashNode, hashOctets } from './tree-hash.ts'

/** A leaf, and where it is said to be. */
export interface Leaf {
  /** From 0, below 2^53. */
  readonly index: number
  readonly hash: Uint8Array
}

/** Whether the proof shows that the tree has the leaf there: RFC 9162 §2.1.3.2, the same trees as RFC 6962 §2.1.1. */
export function isIncluded(leaf: Leaf, tree: TreeHead, proof: readonly Uint8Array[]): boolean {
  if (leaf.index >= tree.size || leaf.hash.length !== hashOctets) return false
  let path: Path = { node: leaf.index, last: tree.size - 1 }
  let root = leaf.hash
  for (const sibling of proof) {
    if (path.last === 0) return false
    if (isRight(path.node) || path.node === path.last) {
      root = hashNode(sibling, root)
      path = upToRight(path)
    } else {
      root = hashNode(root, sibling)
    }
    path = up(path)
  }
  return path.last === 0 && isEqual(root, tree.root)
}
