import { createPublicKey } from 'node:crypto'
import { buildAuthorityTbsCertificate, type AuthorityContent } from '../pki/authority-certificate.ts'
import { lintAuthorityCertificate } from '../pki/authority-lint.ts'
import { assembleCertificate, verifyIssuedCertificate } from '../pki/certificate.ts'
import { createSerialNumber } from '../pki/serial-number.ts'
import type { Signer } from './signers/signer.ts'

/**
 * A CA certificate signed by the issuer's signer, linted before it is signed and verified after.
 *
 * @returns the certificate's DER.
 * @throws MintlineError `subject_refused`, `lint_failed`, `certificate_mismatch`, and what the signer throws.
 */
export async function issueAuthority(
  issuer: Signer,
  content: Omit<AuthorityContent, 'serialNumber' | 'signatureAlgorithm'>,
  randomBytes: (size: number) => Uint8Array
): Promise<Uint8Array> {
  const { signatureAlgorithm, publicKeySpkiDer } = issuer
  const serialNumber = createSerialNumber(randomBytes(16))
  const tbsDer = buildAuthorityTbsCertificate({ ...content, serialNumber, signatureAlgorithm })
  // The lint reads no signature, so that an empty one serves to look at the bytes before the key is used.
  lintAuthorityCertificate(assembleCertificate(tbsDer, signatureAlgorithm, new Uint8Array()))
  const certificateDer = assembleCertificate(tbsDer, signatureAlgorithm, await issuer.sign(tbsDer))
  const issuerPublicKey = createPublicKey({ key: Buffer.from(publicKeySpkiDer), format: 'der', type: 'spki' })
  await verifyIssuedCertificate({ certificateDer, tbsDer, issuerPublicKey, signatureAlgorithm })
  return certificateDer
}
