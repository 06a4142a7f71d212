import { createHash } from 'node:crypto'

/** The tree of RFC 6962 §2.1, as its definitions say it, with nothing of ours: slow, and easy to believe. */

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** The largest power of two below `size`. */
function split(size: number): number {
  let k = 1
  while (k * 2 < size) k *= 2
  return k
}

/** MTH */
export function naiveRoot(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0) return sha256()
  if (entries.length === 1) return sha256(Uint8Array.of(0), entries[0]!)
  const k = split(entries.length)
  return sha256(Uint8Array.of(1), naiveRoot(entries.slice(0, k)), naiveRoot(entries.slice(k)))
}

/** PATH */
export function naiveInclusion(index: number, entries: readonly Uint8Array[]): readonly Uint8Array[] {
  if (entries.length <= 1) return []
  const k = split(entries.length)
  const [left, right] = [entries.slice(0, k), entries.slice(k)]
  return index < k
    ? [...naiveInclusion(index, left), naiveRoot(right)]
    : [...naiveInclusion(index - k, right), naiveRoot(left)]
}

/** PROOF */
export function naiveConsistency(size: number, entries: readonly Uint8Array[]): readonly Uint8Array[] {
  return subproof(size, entries, true)
}

function subproof(size: number, entries: readonly Uint8Array[], isWhole: boolean): readonly Uint8Array[] {
  if (size === entries.length) return isWhole ? [] : [naiveRoot(entries)]
  const k = split(entries.length)
  const [left, right] = [entries.slice(0, k), entries.slice(k)]
  return size <= k
    ? [...subproof(size, left, isWhole), naiveRoot(right)]
    : [...subproof(size - k, right, false), naiveRoot(left)]
}

/** So many, each of its own. */
export function entriesOf(count: number, name = 'entry'): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) => new TextEncoder().encode(`${name} ${index}`))
}
