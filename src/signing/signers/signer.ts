import type { SignatureAlgorithm } from '../../pki/key/signature-algorithm.ts'

/**
 * A CA key, wherever it is kept.
 *
 * Duties of an implementation:
 * - `publicKeySpkiDer` and `signatureAlgorithm` never change during its life.
 * - `sign` hashes `toBeSignedDer` with the hash of `signatureAlgorithm` and signs the digest once. It returns
 *   what goes into the BIT STRING of the certificate: DER `ECDSA-Sig-Value` for ECDSA (RFC 3279 §2.2.3), the
 *   octets of the signature for RSA (RFC 4055).
 * - Calls may overlap; each is answered by its own signature.
 * - A key that cannot be used now throws `signer_unavailable` (trying again may help).
 * - After `close` no call succeeds.
 *
 * Duty of the caller: the bytes handed to `sign` belong to an intent that is already durable; see `signDurable`, and
 * `sign-without-intent.ts` for the two exceptions.
 */
export interface Signer {
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly publicKeySpkiDer: Uint8Array
  sign(toBeSignedDer: Uint8Array): Promise<Uint8Array>
  /** Throws `signer_unavailable` when a signature could not be had at this moment. */
  assertUsable(): Promise<void>
  close(): Promise<void>
}
