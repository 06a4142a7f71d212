import type { Subject } from '../../pki/name/subject-field.ts'
import type { Signer } from '../../signing/signers/signer.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { issueAuthority } from './issue-authority.ts'

export interface SelfSignedRequest {
  readonly subject: Subject
  readonly notBefore: Date
  readonly notAfter: Date
  /** How many CAs may stand below; without it, any number. */
  readonly pathLength?: number | undefined
  readonly randomBytes: RandomBytes
}

/**
 * A self-signed CA certificate for the signer's key: CA:TRUE, keyCertSign and cRLSign, both critical; linted, and
 * its signature verified.
 *
 * @returns the certificate's DER.
 * @throws MintlineError as `issueAuthority`.
 */
export function issueSelfSignedAuthority(
  signer: Signer,
  { randomBytes, ...content }: SelfSignedRequest
): Promise<Uint8Array> {
  return issueAuthority(signer, { ...content, spkiDer: signer.publicKeySpkiDer }, randomBytes)
}
