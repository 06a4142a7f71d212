import { contextConstructed } from '../der/tag.ts'
import { encodeBitString, encodeElement, encodeSequence, encodeUnsignedInteger } from '../der/writer.ts'
import { type SignatureAlgorithm, signatureAlgorithmDer } from '../key/signature-algorithm.ts'
import { buildName } from '../name/name.ts'
import type { Subject } from '../name/subject-field.ts'

const version1 = encodeUnsignedInteger(Uint8Array.of(0))
const noAttributes = encodeElement(contextConstructed(0))

/**
 * The CertificationRequestInfo (RFC 2986 §4.1) of a request that asks for nothing but the subject: what is to be
 * signed with the key of `spkiDer`.
 *
 * @throws MintlineError `subject_refused`.
 */
export function buildCertificationRequestInfo(subject: Subject, spkiDer: Uint8Array): Uint8Array {
  return encodeSequence(version1, buildName(subject), spkiDer, noAttributes)
}

/** The CertificationRequest (RFC 2986 §4.2) around an info and its signature. */
export function assembleCertificationRequest(
  infoDer: Uint8Array,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array
): Uint8Array {
  return encodeSequence(infoDer, signatureAlgorithmDer(algorithm), encodeBitString(signature))
}
