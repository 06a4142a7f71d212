import { type Leaves, readRoots, type TileReader } from './reading.ts'

/**
 * PATH: RFC 6962 §2.1.1, from the leaf up. What `isIncluded` takes.
 *
 * @param index from 0.
 * @param size of the tree, up to which the reader has tiles.
 * @throws RangeError for a leaf that such a tree does not have; what `readRoots` throws.
 */
export async function proveInclusion(
  reader: TileReader,
  index: number,
  size: number
): Promise<readonly Uint8Array[]> {
  if (!isWhole(index, size) || index >= size)
    throw new RangeError(`a tree of ${size} entries has none at ${index}`)
  const siblings: Leaves[] = []
  let part: Leaves = { from: 0, to: size }
  while (part.to - part.from > 1) {
    const [left, right] = split(part)
    const isLeft = index < left.to
    siblings.unshift(isLeft ? right : left)
    part = isLeft ? left : right
  }
  return readRoots(reader, size, siblings)
}

/**
 * PROOF: RFC 6962 §2.1.2. What `isConsistent` takes; empty where both sizes are the same.
 *
 * @param from from 1: every tree begins with the empty one, so nothing can be shown of it.
 * @param to up to which the reader has tiles.
 * @throws RangeError for sizes of which one cannot grow to the other; what `readRoots` throws.
 */
export async function proveConsistency(
  reader: TileReader,
  from: number,
  to: number
): Promise<readonly Uint8Array[]> {
  if (!isWhole(from, to) || from === 0 || from > to)
    throw new RangeError(`no tree of ${from} entries grows to ${to}, which could be proven`)
  const parts: Leaves[] = []
  let part: Leaves = { from: 0, to }
  while (part.to !== from) {
    const [left, right] = split(part)
    const isLeft = from <= left.to
    parts.unshift(isLeft ? right : left)
    part = isLeft ? left : right
  }
  // From the left edge on it is the earlier tree itself, whose root who verifies it has.
  if (part.from > 0) parts.unshift(part)
  return readRoots(reader, to, parts)
}

const isWhole = (...numbers: readonly number[]) => numbers.every(n => Number.isSafeInteger(n) && n >= 0)

/** As RFC 6962 §2.1 has it: the left part has the largest power of two of leaves that is not all. */
function split({ from, to }: Leaves): readonly [left: Leaves, right: Leaves] {
  let leaves = 1
  while (leaves * 2 < to - from) leaves *= 2
  return [
    { from, to: from + leaves },
    { from: from + leaves, to }
  ]
}
