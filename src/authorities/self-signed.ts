import type { Subject } from '../pki/subject-field.ts'
import { issueAuthority } from './issue-authority.ts'
import type { Signer } from './signers/signer.ts'

export interface SelfSignedRequest {
  readonly subject: Subject
  readonly notBefore: Date
  readonly notAfter: Date
  /** How many CAs may stand below; without it, any number. */
  readonly pathLength?: number | undefined
  readonly randomBytes: (size: number) => Uint8Array
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
