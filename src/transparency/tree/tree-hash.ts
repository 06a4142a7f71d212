import { digest } from '#crypto'

/** Of a SHA-256. */
export const hashOctets = 32

const leafPrefix = 0x00
const nodePrefix = 0x01

/** MTH of no entries: RFC 6962 §2.1. */
export function emptyRoot(): Uint8Array {
  return digest('sha256', new Uint8Array())
}

/** Of two subtrees side by side: RFC 6962 §2.1. */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  const octets = new Uint8Array(1 + left.length + right.length)
  octets[0] = nodePrefix
  octets.set(left, 1)
  octets.set(right, 1 + left.length)
  return digest('sha256', octets)
}

/** Of an entry: RFC 6962 §2.1. */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  const octets = new Uint8Array(1 + entry.length)
  octets[0] = leafPrefix
  octets.set(entry, 1)
  return digest('sha256', octets)
}
