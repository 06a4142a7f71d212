import { isEqual } from '../../pki/der/octets.ts'
import { isRight, type Path, up, upToRight } from './path.ts'
import { emptyRoot, hashNode } from './tree-hash.ts'

/** A tree by what a checkpoint says of it. */
export interface TreeHead {
  /** Number of entries, below 2^53. */
  readonly size: number
  readonly root: Uint8Array
}

/**
 * Whether the proof shows that `later` begins with all entries of `earlier`, in their order: RFC 9162 §2.1.4.2, the same
 * trees as RFC 6962 §2.1.2. Of two of one size, whether they are the same and the proof is empty. Every tree begins with the
 * empty one, so nothing can be shown of it: false, unless both are empty, with the root that the empty tree has.
 */
export function isConsistent(earlier: TreeHead, later: TreeHead, proof: readonly Uint8Array[]): boolean {
  if (earlier.size === later.size) return proof.length === 0 && isSame(earlier, later)
  if (earlier.size === 0 || earlier.size > later.size || proof.length === 0) return false
  // A whole subtree is known already, and left out of the proof.
  const [first, ...rest] = isPowerOfTwo(earlier.size) ? [earlier.root, ...proof] : proof
  let path: Path = { node: earlier.size - 1, last: later.size - 1 }
  while (isRight(path.node)) path = up(path)
  let roots = { earlier: first as Uint8Array, later: first as Uint8Array }
  for (const sibling of rest) {
    if (path.last === 0) return false
    if (isRight(path.node) || path.node === path.last) {
      roots = { earlier: hashNode(sibling, roots.earlier), later: hashNode(sibling, roots.later) }
      path = upToRight(path)
    } else {
      roots = { ...roots, later: hashNode(roots.later, sibling) }
    }
    path = up(path)
  }
  return path.last === 0 && isEqual(roots.earlier, earlier.root) && isEqual(roots.later, later.root)
}

function isSame(a: TreeHead, b: TreeHead): boolean {
  return isEqual(a.root, b.root) && (a.size !== 0 || isEqual(a.root, emptyRoot()))
}

function isPowerOfTwo(size: number): boolean {
  let rest = size
  while (rest % 2 === 0) rest /= 2
  return rest === 1
}
