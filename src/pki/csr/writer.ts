import { contextConstructed } from '../der/tag.ts'
import {
  encodeBitString,
  encodeElement,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeUnsignedInteger
} from '../der/writer.ts'
import { type SignatureAlgorithm, signatureAlgorithmDer } from '../key/signature-algorithm.ts'
import { buildName } from '../name/name.ts'
import type { Subject } from '../name/subject-field.ts'

const version1 = encodeUnsignedInteger(Uint8Array.of(0))
/** extensionRequest of PKCS #9 (RFC 2985 §5.4.2). */
const extensionRequestOid = encodeObjectIdentifier('1.2.840.113549.1.9.14')

/**
 * The CertificationRequestInfo (RFC 2986 §4.1) of a request for the subject, and for extensions where some are given,
 * each in DER: what is to be signed with the key of `spkiDer`.
 *
 * @throws MintlineError `subject_refused`.
 */
export function buildCertificationRequestInfo(
  subject: Subject,
  spkiDer: Uint8Array,
  extensionsDer: readonly Uint8Array[] = []
): Uint8Array {
  const attributes = extensionsDer.length === 0 ? [] : [requestExtensions(extensionsDer)]
  return encodeSequence(
    version1,
    buildName(subject),
    spkiDer,
    encodeElement(contextConstructed(0), ...attributes)
  )
}

function requestExtensions(extensionsDer: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(extensionRequestOid, encodeSetOf(encodeSequence(...extensionsDer)))
}

/** The CertificationRequest (RFC 2986 §4.2) around an info and its signature. */
export function assembleCertificationRequest(
  infoDer: Uint8Array,
  algorithm: SignatureAlgorithm,
  signature: Uint8Array
): Uint8Array {
  return encodeSequence(infoDer, signatureAlgorithmDer(algorithm), encodeBitString(signature))
}
