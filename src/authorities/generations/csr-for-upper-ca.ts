import { keyIdentifierOfAuthority } from '../../pki/certificate/authority/tbs-certificate.ts'
import {
  encodeAuthorityConstraints,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier
} from '../../pki/certificate/extension.ts'
import { parseCertificationRequest } from '../../pki/csr/certification-request.ts'
import { verifyProofOfPossession } from '../../pki/csr/proof-of-possession.ts'
import { assembleCertificationRequest, buildCertificationRequestInfo } from '../../pki/csr/writer.ts'
import type { Subject } from '../../pki/name/subject-field.ts'
import { signCertificationRequestInfo } from '../../signing/sign-without-intent.ts'
import type { Signer } from '../../signing/signers/signer.ts'

/**
 * The request for a CA certificate (PKCS#10, RFC 2986) over the signer's key. It asks for the extensions that make a
 * certificate one of a CA of devices: CA:TRUE with path length 0, keyCertSign and cRLSign, the key identifier. Some CAs
 * give only what is asked for. The signature is verified.
 *
 * @throws MintlineError `subject_refused`, and what the signer throws.
 */
export async function signCsrForUpperCa(signer: Signer, subject: Subject): Promise<Uint8Array> {
  const { publicKeySpkiDer, signatureAlgorithm } = signer
  const infoDer = buildCertificationRequestInfo(subject, publicKeySpkiDer, [
    encodeAuthorityConstraints(0),
    encodeKeyUsage(['keyCertSign', 'cRLSign']),
    encodeSubjectKeyIdentifier(keyIdentifierOfAuthority(publicKeySpkiDer))
  ])
  const csrDer = assembleCertificationRequest(
    infoDer,
    signatureAlgorithm,
    await signCertificationRequestInfo(signer, infoDer)
  )
  await verifyProofOfPossession(parseCertificationRequest(csrDer))
  return csrDer
}
