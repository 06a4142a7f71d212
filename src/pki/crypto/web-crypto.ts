import { sha1 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { toHex } from '../der/octet-text.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { type Curve, fieldOctetsOf } from '../key/elliptic-curve.ts'
import type { SignatureScheme } from '../key/signature-algorithm.ts'
import type { DigestName, ImportablePublicKey, SignedMessage, VerifiableBytes } from './crypto-port.ts'
import { encodeMessageKey } from './message-key.ts'

/** WebCrypto binds an RSA key to one hash and padding when it is imported, so the key is kept as it came. */
export type VerificationKey = ImportablePublicKey

/** WebCrypto's own digests are asynchronous. */
const digests = { sha1, sha256 }
const hashNames = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' } as const
const paddingNames = { 'pkcs1-v1_5': 'RSASSA-PKCS1-v1_5', pss: 'RSA-PSS' } as const

export function digest(name: DigestName, octets: Uint8Array): Uint8Array {
  return digests[name](octets)
}

export function digestHex(name: DigestName, octets: Uint8Array): string {
  return toHex(digest(name, octets))
}

export async function importPublicKey(publicKey: ImportablePublicKey): Promise<VerificationKey> {
  const { curve } = publicKey
  const anyPadding = curve === undefined ? 'pkcs1-v1_5' : 'none'
  await importFor(publicKey, { padding: anyPadding, hash: 'sha256' })
  return publicKey
}

export async function verify(bytes: VerifiableBytes<VerificationKey>): Promise<boolean> {
  const { scheme, saltLength, key, signed } = bytes
  const keyType = key.curve === undefined ? 'rsa' : 'ec'
  if (keyType !== scheme.keyType) return false
  const signature = key.curve === undefined ? bytes.signature : numbersSideBySide(bytes.signature, key.curve)
  if (signature === undefined) return false
  const cryptoKey = await importFor(key, scheme)
  const { name, modulusLength } = cryptoKey.algorithm as { name: string; modulusLength?: number }
  // RFC 8017 §8.1.2, step 1. OpenSSL, which is behind some, takes a signature whose leading zeros were dropped.
  if (modulusLength !== undefined && signature.length !== Math.ceil(modulusLength / 8)) return false
  const algorithm = { name, hash: hashNames[scheme.hash], saltLength }
  return crypto.subtle.verify(algorithm, cryptoKey, Uint8Array.from(signature), Uint8Array.from(signed))
}

/** ML-DSA is not known everywhere yet. */
export async function verifyMessage(signed: SignedMessage): Promise<boolean> {
  const { algorithm: name, publicKey, message, signature } = signed
  const key = await crypto.subtle.importKey('spki', encodeMessageKey(name, publicKey), { name }, false, [
    'verify'
  ])
  return crypto.subtle.verify({ name }, key, Uint8Array.from(signature), Uint8Array.from(message))
}

async function importFor(
  { spkiDer, curve }: ImportablePublicKey,
  { padding, hash }: Pick<SignatureScheme, 'padding' | 'hash'>
) {
  const algorithm =
    padding === 'none'
      ? { name: 'ECDSA', namedCurve: curve as Curve }
      : { name: paddingNames[padding], hash: hashNames[hash] }
  return crypto.subtle.importKey('spki', Uint8Array.from(spkiDer), algorithm, false, ['verify'])
}

const refuseSignature = createDerRefusal('csr_signature_invalid', 'ECDSA signature')

/** The two numbers of an Ecdsa-Sig-Value in as many octets as the curve has: what WebCrypto takes for a signature. */
function numbersSideBySide(signature: Uint8Array, curve: Curve): Uint8Array | undefined {
  const octets = fieldOctetsOf(curve)
  const value = new DerReader(signature, refuseSignature).readSequence('Ecdsa-Sig-Value')
  const numbers = [value.readUnsignedInteger('r'), value.readUnsignedInteger('s')]
  const sideBySide = new Uint8Array(2 * octets)
  for (const [index, number] of numbers.entries()) {
    if (number.length > octets) return undefined
    sideBySide.set(number, (index + 1) * octets - number.length)
  }
  return sideBySide
}
