import { digest } from '#crypto'

/**
 * The key identifier of a public key: the leftmost 160 bits of the SHA-256 of the subjectPublicKey octets
 * (RFC 7093 §2 method 1). As long and as unique as the SHA-1 of RFC 5280 §4.2.1.2, which some hardened systems
 * no longer compute; readers take it as an opaque value either way.
 */
export function keyIdentifierOf(subjectPublicKey: Uint8Array): Uint8Array {
  return digest('sha256', subjectPublicKey).subarray(0, 20)
}
