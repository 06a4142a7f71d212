import { createPublicKey } from 'node:crypto'
import {
  type AuthorityContent,
  buildAuthorityTbsCertificate
} from '../../pki/certificate/authority-certificate.ts'
import { lintAuthorityCertificate } from '../../pki/certificate/authority-lint.ts'
import { assembleCertificate, verifyIssuedCertificate } from '../../pki/certificate/certificate.ts'
import { createSerialNumber } from '../../pki/certificate/serial-number.ts'
import type { Signer } from '../../signing/signers/signer.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'

/** What a CA certificate is to say; the serial number and the algorithm come with the signer that signs it. */
export type IntendedContent = Omit<AuthorityContent, 'serialNumber' | 'signatureAlgorithm'>

export interface AuthorityDraft {
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly tbsDer: Uint8Array
}

/**
 * A CA certificate before it is signed, linted. No key is used.
 *
 * @throws MintlineError `subject_refused`, `lint_failed`.
 */
export function draftAuthority(
  { signatureAlgorithm }: Pick<Signer, 'signatureAlgorithm'>,
  content: IntendedContent,
  randomBytes: RandomBytes
): AuthorityDraft {
  const serialNumber = createSerialNumber(randomBytes(16))
  const tbsDer = buildAuthorityTbsCertificate({ ...content, serialNumber, signatureAlgorithm })
  // The lint reads no signature, so that an empty one serves to look at the bytes before the key is used.
  lintAuthorityCertificate(assembleCertificate(tbsDer, signatureAlgorithm, new Uint8Array()))
  return { serialNumber, tbsDer }
}

/**
 * Signs exactly the bytes of a draft, and verifies the outcome.
 *
 * @returns the certificate's DER.
 * @throws MintlineError `certificate_mismatch`, and what the signer throws.
 */
export async function signAuthority(
  issuer: Signer,
  { tbsDer }: Pick<AuthorityDraft, 'tbsDer'>
): Promise<Uint8Array> {
  const { signatureAlgorithm, publicKeySpkiDer } = issuer
  const certificateDer = assembleCertificate(tbsDer, signatureAlgorithm, await issuer.sign(tbsDer))
  const issuerPublicKey = createPublicKey({ key: Buffer.from(publicKeySpkiDer), format: 'der', type: 'spki' })
  await verifyIssuedCertificate({ certificateDer, tbsDer, issuerPublicKey, signatureAlgorithm })
  return certificateDer
}

/**
 * A CA certificate signed at once: for the ceremony of an offline root, which has no database to keep an intent in.
 * After a crash the certificate is in no file, and the people present know that the ceremony did not end; its
 * transcript is durable before the certificate can leave. A key that the service holds goes through
 * `issueIntendedAuthority`.
 *
 * @returns the certificate's DER.
 * @throws MintlineError as `draftAuthority` and `signAuthority`.
 */
export async function issueAuthority(
  issuer: Signer,
  content: IntendedContent,
  randomBytes: RandomBytes
): Promise<Uint8Array> {
  return signAuthority(issuer, draftAuthority(issuer, content, randomBytes))
}
