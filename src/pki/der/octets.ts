/** The same octets. Not for secrets: it takes longer the more of them agree. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
