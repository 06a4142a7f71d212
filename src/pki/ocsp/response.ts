import { createDerRefusal, DerReader } from '../der/reader.ts'
import { tags } from '../der/tag.ts'
import {
  encodeBitString,
  encodeElement,
  encodeExplicit,
  encodeImplicitOctets,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeString
} from '../der/writer.ts'
import { parseSubjectPublicKeyInfo } from '../key/public-key.ts'
import { type SignatureAlgorithm, signatureAlgorithmDer } from '../key/signature-algorithm.ts'
import { encodeInvalidityDate } from '../revocation/list/entries.ts'
import { reasonCodes, type RevocationReason } from '../revocation/reason.ts'
import { ocspOids } from './request.ts'

import { digest } from '#crypto'

/** What is said of one certificate (RFC 6960 §2.2). */
export type OcspStatus =
  | { readonly state: 'good' }
  | {
      readonly state: 'revoked'
      readonly at: Date
      readonly reason: RevocationReason
      /** Since when its key may have been in other hands. */
      readonly invalidityDate?: Date | undefined
    }
  /** Nothing with this serial number was issued. */
  | { readonly state: 'unknown' }

interface OcspAnswer {
  /** The CertID of the request, as it came. */
  readonly certificateIdDer: Uint8Array
  readonly status: OcspStatus
}

export interface OcspResponseContent {
  /** `hashOfResponderKey` of who signs. */
  readonly responderKeyHash: Uint8Array
  readonly answers: readonly OcspAnswer[]
  /** When this was true. Whole seconds, as are all times here: a fraction is dropped. */
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly producedAt: Date
  readonly nonce: Uint8Array | undefined
}

/** The DER of a ResponseData (RFC 6960 §4.2.1), which is what the responder signs. */
export function buildResponseData(content: OcspResponseContent): Uint8Array {
  const { responderKeyHash, answers, thisUpdate, nextUpdate, producedAt, nonce } = content
  const times = [encodeGeneralizedTime(thisUpdate), encodeExplicit(0, encodeGeneralizedTime(nextUpdate))]
  const responses = answers.map(({ certificateIdDer, status }) =>
    encodeSequence(certificateIdDer, encodeStatus(status), ...times, ...encodeExtensions(status))
  )
  return encodeSequence(
    encodeExplicit(2, encodeOctetString(responderKeyHash)),
    encodeGeneralizedTime(producedAt),
    encodeSequence(...responses),
    ...(nonce === undefined ? [] : [encodeExplicit(1, encodeSequence(encodeNonce(nonce)))])
  )
}

export interface SignedResponse {
  readonly responseDataDer: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithm
  /** As its algorithm makes it (ECDSA: DER). */
  readonly signature: Uint8Array
  /** Of who signed. */
  readonly certificateDer: Uint8Array
}

/** The DER of an OCSPResponse that is successful. */
export function assembleOcspResponse(signed: SignedResponse): Uint8Array {
  const { responseDataDer, signatureAlgorithm, signature, certificateDer } = signed
  const basic = encodeSequence(
    responseDataDer,
    signatureAlgorithmDer(signatureAlgorithm),
    encodeBitString(signature),
    encodeExplicit(0, encodeSequence(certificateDer))
  )
  return encodeSequence(
    successful,
    encodeExplicit(0, encodeSequence(basicResponse, encodeOctetString(basic)))
  )
}

/** OCSPResponseStatus of what is no answer (RFC 6960 §4.2.1). */
const errorStatuses = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const

export type OcspErrorStatus = keyof typeof errorStatuses

/** The DER of an OCSPResponse without an answer. Nobody signs it. */
export function ocspErrorResponse(status: OcspErrorStatus): Uint8Array {
  return encodeSequence(encodeEnumerated(errorStatuses[status]))
}

/** The KeyHash that names a responder: SHA-1 of its subjectPublicKey (RFC 6960 §4.2.1, RFC 5019 §2.2.1). */
export function hashOfResponderKey(spkiDer: Uint8Array): Uint8Array {
  const reader = new DerReader(spkiDer, createDerRefusal('internal_error', 'key of the OCSP responder'))
  return digest('sha1', parseSubjectPublicKeyInfo(reader).subjectPublicKey)
}

const enumerated = 0x0a
const encodeEnumerated = (value: number) => encodeElement(enumerated, Uint8Array.of(value))
const successful = encodeEnumerated(0)
const basicResponse = encodeObjectIdentifier(ocspOids.basicResponse)
const nonceType = encodeObjectIdentifier(ocspOids.nonce)
const none = new Uint8Array()

function encodeNonce(nonce: Uint8Array): Uint8Array {
  return encodeSequence(nonceType, encodeOctetString(encodeOctetString(nonce)))
}

function encodeStatus(status: OcspStatus): Uint8Array {
  if (status.state === 'good') return encodeImplicitOctets(0, none)
  if (status.state === 'unknown') return encodeImplicitOctets(2, none)
  const at = encodeGeneralizedTime(status.at)
  // As in a CRL, a reason that says nothing is left out (RFC 5280 §5.3.1).
  if (status.reason === 'unspecified') return encodeExplicit(1, at)
  const reason = encodeExplicit(0, encodeEnumerated(reasonCodes[status.reason]))
  return encodeElement(0xa1, at, reason)
}

/** As an entry of a CRL has it (RFC 6960 §4.4.5). */
function encodeExtensions(status: OcspStatus): readonly Uint8Array[] {
  if (status.state !== 'revoked' || status.invalidityDate === undefined) return []
  return [encodeExplicit(1, encodeSequence(encodeInvalidityDate(status.invalidityDate)))]
}

/** OCSP knows this type alone, for every year (RFC 6960 §4.2.2.1). */
function encodeGeneralizedTime(date: Date): Uint8Array {
  const text = date.toISOString().replace(/\.\d+Z$/, 'Z')
  return encodeString(tags.generalizedTime, text.replaceAll(/[-:T]/g, ''))
}
