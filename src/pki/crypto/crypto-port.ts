import type { Curve } from '../key/elliptic-curve.ts'
import type { SignatureScheme } from '../key/signature-algorithm.ts'

/** SHA-1 names things that AWS names by it; it proves nothing. */
export type DigestName = 'sha1' | 'sha256'

export interface ImportablePublicKey {
  readonly spkiDer: Uint8Array
  /** Undefined for an RSA key. */
  readonly curve: Curve | undefined
}

export interface VerifiableBytes<VerificationKey> {
  readonly scheme: SignatureScheme
  /** In octets; for RSASSA-PSS alone. */
  readonly saltLength: number
  readonly key: VerificationKey
  readonly signed: Uint8Array
  /** ECDSA: an Ecdsa-Sig-Value in DER. */
  readonly signature: Uint8Array
}

/** Algorithms that hash nothing before they sign: RFC 8032, FIPS 204. */
export type MessageAlgorithm = 'Ed25519' | 'ML-DSA-44'

export interface SignedMessage {
  readonly algorithm: MessageAlgorithm
  /** As the algorithm's standard encodes it, without SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/**
 * All the cryptography that the pure folders need, and all that differs between Node and a browser. `#crypto` is the
 * one of the platform: `imports` in src/package.json binds it, so that neither an argument nor a registry carries what
 * is the same for a whole process. Digests are synchronous, since they sit in the middle of synchronous code that
 * runs for every certificate.
 *
 * @internal The bindings are modules, which cannot say that they are one: the contract of test/pki/crypto does.
 */
export interface CryptoPort<VerificationKey> {
  digest(name: DigestName, octets: Uint8Array): Uint8Array
  /** In lower case. */
  digestHex(name: DigestName, octets: Uint8Array): string
  /** Throws whatever the platform throws for a key that it cannot use, one off its curve among them. */
  importPublicKey(publicKey: ImportablePublicKey): Promise<VerificationKey>
  /** False, too, when the key is of another type than the scheme's. */
  verify(bytes: VerifiableBytes<VerificationKey>): Promise<boolean>
  /** Throws whatever the platform throws where it does not know the algorithm. */
  verifyMessage(signed: SignedMessage): Promise<boolean>
}
