import type { MessageAlgorithm } from './crypto-port.ts'

/** What comes before the key in a SubjectPublicKeyInfo: RFC 8410 §4, RFC 9881 §4. Every platform imports that form. */
const beginnings: Readonly<Record<MessageAlgorithm, readonly number[]>> = {
  Ed25519: [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
  'ML-DSA-44': [
    0x30, 0x82, 0x05, 0x32, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11,
    0x03, 0x82, 0x05, 0x21, 0x00
  ]
}

/** @param publicKey of the length that the algorithm has. */
export function encodeMessageKey(
  algorithm: MessageAlgorithm,
  publicKey: Uint8Array
): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...beginnings[algorithm], ...publicKey)
}
