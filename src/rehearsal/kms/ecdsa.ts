import { createECDH, type KeyObject } from 'node:crypto'
import { encodeSequence, encodeUnsignedInteger } from '../../pki/der/writer.ts'
import { unsignedBigInt } from '../../pki/key/elliptic-curve.ts'

export interface EcdsaCurve {
  /** As node:crypto names it. */
  readonly name: 'prime256v1' | 'secp384r1' | 'secp521r1' | 'secp256k1'
  /** The order of its base point (SEC 2). */
  readonly order: bigint
}

/**
 * ECDSA over a digest that was made elsewhere (FIPS 186-5 §6.4.1), as DER `ECDSA-Sig-Value`. It is written out here
 * because node:crypto signs messages alone and would hash the digest again. Neither constant-time nor hardened: for
 * rehearsal keys only.
 *
 * @param digest no longer than the order of the curve.
 */
export function signEcdsaDigest(curve: EcdsaCurve, privateKey: KeyObject, digest: Uint8Array): Uint8Array {
  const { order } = curve
  const secret = unsignedBigInt(Buffer.from(privateKey.export({ format: 'jwk' }).d as string, 'base64url'))
  const ephemeral = createECDH(curve.name)
  const point = ephemeral.generateKeys()
  const x = unsignedBigInt(point.subarray(1, 1 + (point.length - 1) / 2))
  const r = x % order
  const inverse = invert(unsignedBigInt(ephemeral.getPrivateKey()), order)
  const s = (inverse * ((unsignedBigInt(digest) + r * secret) % order)) % order
  return encodeSequence(encodeUnsignedInteger(octetsOf(r)), encodeUnsignedInteger(octetsOf(s)))
}

/** By the extended Euclidean algorithm; the modulus is prime. */
function invert(value: bigint, modulus: bigint): bigint {
  let [previous, current] = [modulus, value % modulus]
  let [previousFactor, factor] = [0n, 1n]
  while (current !== 0n) {
    const quotient = previous / current
    ;[previous, current] = [current, previous - quotient * current]
    ;[previousFactor, factor] = [factor, previousFactor - quotient * factor]
  }
  return previousFactor < 0n ? previousFactor + modulus : previousFactor
}

function octetsOf(value: bigint): Uint8Array {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}
