import { isMintlineError } from '../../errors/mintline-error.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { hashes, type SignatureAlgorithm, signatureScheme } from './signature-algorithm.ts'

import { type VerificationKey, verify } from '#crypto'

export interface SignedBytes {
  readonly algorithm: SignatureAlgorithm
  /** RSASSA-PSS: octets of salt; without it, as many as the hash has. */
  readonly saltLength?: number | undefined
  readonly key: VerificationKey
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

/**
 * True when the signature holds. An ECDSA signature must also be strict DER, so that
 * nobody can make a second encoding of it. The key must be of the algorithm's type.
 */
export async function isSignatureValid(signedBytes: SignedBytes): Promise<boolean> {
  const { algorithm, key, signed, signature } = signedBytes
  const scheme = signatureScheme(algorithm)
  if (scheme.keyType === 'ec' && !isEcdsaSignature(signature)) return false
  const saltLength = signedBytes.saltLength ?? hashes[scheme.hash].octets
  return verify({ scheme, saltLength, key, signed, signature })
}

const refuseEcdsa = createDerRefusal('csr_signature_invalid', 'ECDSA signature')

/** True for an Ecdsa-Sig-Value (RFC 3279 §2.2.3) in DER with two positive numbers. */
export function isEcdsaSignature(signature: Uint8Array): boolean {
  try {
    const reader = new DerReader(signature, refuseEcdsa)
    const value = reader.readSequence('Ecdsa-Sig-Value')
    reader.assertEnd('Ecdsa-Sig-Value')
    const r = value.readUnsignedInteger('r')
    const s = value.readUnsignedInteger('s')
    value.assertEnd('Ecdsa-Sig-Value')
    return r[0] !== 0 && s[0] !== 0
  } catch (error) {
    if (isMintlineError(error)) return false
    throw error
  }
}
