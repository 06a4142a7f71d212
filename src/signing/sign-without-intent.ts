import type { KeyObject } from 'node:crypto'
import { parseCertificationRequest } from '../pki/csr/certification-request.ts'
import { assembleCertificationRequest } from '../pki/csr/writer.ts'
import { isEqual } from '../pki/der/octets.ts'
import { isJudged } from './judgement.ts'
import { verified } from './sign-durable.ts'
import type { Signer } from './signers/signer.ts'

/**
 * The two exceptions to the rule that a CA key signs durable intents alone.
 *
 * A certification request is no certificate: it has no serial number to explain, and makes nobody trust anything. A CA makes
 * one for the CA above it, and a station, whose key is no CA's, for itself.
 *
 * @param infoDer a CertificationRequestInfo (RFC 2986 §4.1) over the signer's own key.
 * @returns the signature, as it goes into the request's BIT STRING.
 * @throws TypeError for any other bytes: a signature over them could be that of a certificate or a CRL. What the signer throws.
 */
export async function signCertificationRequestInfo(signer: Signer, infoDer: Uint8Array): Promise<Uint8Array> {
  assertRequestOver(signer, infoDer)
  return signer.sign(infoDer)
}

function assertRequestOver(
  { signatureAlgorithm, publicKeySpkiDer }: Pick<Signer, 'signatureAlgorithm' | 'publicKeySpkiDer'>,
  infoDer: Uint8Array
): void {
  const unsigned = assembleCertificationRequest(infoDer, signatureAlgorithm, Uint8Array.of(0))
  const { spkiDer } = parsedAsRequest(unsigned)
  if (!isEqual(spkiDer, publicKeySpkiDer)) throw new TypeError('A request is signed by its own key alone')
}

function parsedAsRequest(der: Uint8Array) {
  try {
    return parseCertificationRequest(der)
  } catch (cause) {
    throw new TypeError('Only a certification request is signed without an intent', { cause })
  }
}

/**
 * The ceremony of an offline root has no database to keep an intent in. After a crash the certificate is in no file, and
 * the people present know that the ceremony did not end; its transcript is durable before the certificate can leave.
 *
 * @param tbsDer judged.
 * @returns the certificate's DER.
 * @throws TypeError for bytes that were not judged; `certificate_mismatch`, and what the signer throws.
 */
export async function signAtCeremony(
  signer: Signer,
  issuerPublicKey: KeyObject,
  tbsDer: Uint8Array
): Promise<Uint8Array> {
  if (!isJudged(tbsDer)) throw new TypeError('Only what was held against its rules is signed')
  return verified({ tbsDer, signature: await signer.sign(tbsDer), signer, issuerPublicKey })
}
