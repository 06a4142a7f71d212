import { parseCertificationRequest } from '../pki/certification-request.ts'
import { encodeBitString, encodeElement, encodeSequence, encodeUnsignedInteger } from '../pki/der-writer.ts'
import { contextConstructed } from '../pki/der-tag.ts'
import { buildName } from '../pki/name.ts'
import { verifyProofOfPossession } from '../pki/proof-of-possession.ts'
import { signatureAlgorithmDer } from '../pki/signature-algorithm.ts'
import type { Subject } from '../pki/subject-field.ts'
import type { Signer } from './signers/signer.ts'

const version1 = encodeUnsignedInteger(Uint8Array.of(0))
const noAttributes = encodeElement(contextConstructed(0))

/**
 * The request for a CA certificate (PKCS#10, RFC 2986) over the signer's key. It asks for nothing but the subject:
 * what a CA certificate says is for the CA above to know. The signature is verified.
 *
 * @throws MintlineError `subject_refused`, and what the signer throws.
 */
export async function requestAuthority(signer: Signer, subject: Subject): Promise<Uint8Array> {
  const { publicKeySpkiDer, signatureAlgorithm } = signer
  const infoDer = encodeSequence(version1, buildName(subject), publicKeySpkiDer, noAttributes)
  const signature = encodeBitString(await signer.sign(infoDer))
  const csrDer = encodeSequence(infoDer, signatureAlgorithmDer(signatureAlgorithm), signature)
  await verifyProofOfPossession(parseCertificationRequest(csrDer))
  return csrDer
}
