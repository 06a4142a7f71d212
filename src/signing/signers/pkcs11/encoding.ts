import { hash } from 'node:crypto'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { createDerRefusal, DerReader } from '../../../pki/der/reader.ts'
import {
  encodeBitString,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsignedInteger
} from '../../../pki/der/writer.ts'
import { hashes, type SignatureAlgorithm, signatureScheme } from '../../../pki/key/signature-algorithm.ts'

const ecPublicKey = encodeObjectIdentifier('1.2.840.10045.2.1')
const rsaEncryption = encodeSequence(encodeObjectIdentifier('1.2.840.113549.1.1.1'), encodeNull())
const refuse = createDerRefusal('key_unusable', 'public key on the token')

/** Octets of an uncompressed point on P-256, P-384 and P-521; wrapped in an OCTET STRING it is longer than these. */
const rawPointOctets: readonly number[] = [65, 97, 133]

/**
 * A SubjectPublicKeyInfo from CKA_EC_PARAMS and CKA_EC_POINT. PKCS#11 wants the point in an OCTET STRING (v2.40
 * Current Mechanisms §2.3.3); some tokens leave the wrapping out.
 *
 * @throws MintlineError `key_unusable` when the point is neither.
 */
export function buildEcPublicKey(ecParametersDer: Uint8Array, ecPoint: Uint8Array): Uint8Array {
  const point = rawPointOctets.includes(ecPoint.length) ? ecPoint : unwrapPoint(ecPoint)
  return encodeSequence(encodeSequence(ecPublicKey, ecParametersDer), encodeBitString(point))
}

function unwrapPoint(ecPoint: Uint8Array): Uint8Array {
  const reader = new DerReader(ecPoint, refuse)
  const point = reader.readOctetString('CKA_EC_POINT')
  reader.assertEnd('CKA_EC_POINT')
  return point
}

/** A SubjectPublicKeyInfo from CKA_MODULUS and CKA_PUBLIC_EXPONENT, both big-endian. */
export function buildRsaPublicKey(modulus: Uint8Array, publicExponent: Uint8Array): Uint8Array {
  const key = encodeSequence(encodeUnsignedInteger(modulus), encodeUnsignedInteger(publicExponent))
  return encodeSequence(rsaEncryption, encodeBitString(key))
}

/**
 * What the token is given: for CKM_ECDSA the digest, for CKM_RSA_PKCS the DigestInfo (RFC 8017 §9.2), which that
 * mechanism pads and signs.
 */
export function buildTokenInput(algorithm: SignatureAlgorithm, toBeSignedDer: Uint8Array): Uint8Array {
  const { keyType, hash: hashName } = signatureScheme(algorithm)
  const digest = hash(hashName, toBeSignedDer, 'buffer')
  if (keyType === 'ec') return digest
  const digestAlgorithm = encodeSequence(encodeObjectIdentifier(hashes[hashName].oid), encodeNull())
  return encodeSequence(digestAlgorithm, encodeOctetString(digest))
}

/**
 * The octets for the BIT STRING of a certificate. A token gives an ECDSA signature as r and s, each padded to half
 * the length (v2.40 Current Mechanisms §2.3.1); RSA is as it should be.
 *
 * @throws MintlineError `signer_unavailable` when the token gave no such pair.
 */
export function encodeTokenSignature(algorithm: SignatureAlgorithm, signature: Uint8Array): Uint8Array {
  if (signatureScheme(algorithm).keyType === 'rsa') return signature
  if (signature.length === 0 || signature.length % 2 !== 0) {
    throw new MintlineError(
      'signer_unavailable',
      'The HSM answered with something that is no ECDSA signature.',
      { retryAfterSeconds: 5 }
    )
  }
  const half = signature.length / 2
  return encodeSequence(
    encodeUnsignedInteger(signature.subarray(0, half)),
    encodeUnsignedInteger(signature.subarray(half))
  )
}
