import { createPublicKey } from 'node:crypto'
import { buildAuthorityTbsCertificate, lintAuthorityCertificate } from '../pki/authority-certificate.ts'
import { assembleCertificate, verifyIssuedCertificate } from '../pki/certificate.ts'
import { createSerialNumber } from '../pki/serial-number.ts'
import type { Signer } from './signers/signer.ts'

export interface SelfSignedRequest {
  readonly commonName: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly randomBytes: (size: number) => Uint8Array
}

/**
 * A self-signed CA certificate for the signer's key: CA:TRUE, keyCertSign and cRLSign, both critical; linted, and
 * its signature verified.
 *
 * @returns the certificate's DER.
 */
export async function issueSelfSignedAuthority(
  signer: Signer,
  request: SelfSignedRequest
): Promise<Uint8Array> {
  const { commonName, notBefore, notAfter, randomBytes } = request
  const { signatureAlgorithm, publicKeySpkiDer } = signer
  const tbsDer = buildAuthorityTbsCertificate({
    serialNumber: createSerialNumber(randomBytes(16)),
    signatureAlgorithm,
    subject: { CommonName: commonName },
    notBefore,
    notAfter,
    spkiDer: publicKeySpkiDer
  })
  const certificateDer = assembleCertificate(tbsDer, signatureAlgorithm, await signer.sign(tbsDer))
  const issuerPublicKey = createPublicKey({ key: Buffer.from(publicKeySpkiDer), format: 'der', type: 'spki' })
  await verifyIssuedCertificate({ certificateDer, tbsDer, issuerPublicKey, signatureAlgorithm })
  lintAuthorityCertificate(certificateDer)
  return certificateDer
}
