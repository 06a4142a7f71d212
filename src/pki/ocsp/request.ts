import { MintlineError } from '../../errors/mintline-error.ts'
import { assertDerForm } from '../der/form.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextConstructed, tags } from '../der/tag.ts'
import { type CertificateId, parseCertificateId } from './certificate-id.ts'

/** An OCSPRequest (RFC 6960 §4.1). Byte arrays are views. */
export interface OcspRequest {
  readonly certificateIds: readonly [CertificateId, ...CertificateId[]]
  /** 1 to 128 octets (RFC 9654 §2.1), which the answer repeats. */
  readonly nonce: Uint8Array | undefined
}

export const ocspOids = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  acceptableResponses: '1.3.6.1.5.5.7.48.1.4'
} as const

/** Of certificates in one request. RFC 5019 §2.1.1 wants one; a few are asked for by who checks a chain. */
export const maximumAsked = 16
/** What a request with the most certificates, a nonce and a requestorName takes; more is sent by nobody. */
export const maximumRequestOctets = 8_192
const maximumNonceOctets = 128
const maximumExtensions = 16

/**
 * Reads an OCSPRequest strictly. A signature is passed over, since everybody may ask, and so are the name of who asks and
 * the extensions that are not critical.
 *
 * @throws MintlineError `request_invalid`, also for more than `maximumAsked`, for a critical extension that is not
 * known, and for a nonce that RFC 9654 §2.1 refuses.
 */
export function parseOcspRequest(der: Uint8Array): OcspRequest {
  if (der.length > maximumRequestOctets) throw malformed(`it is longer than ${maximumRequestOctets} octets`)
  const outer = new DerReader(der, createDerRefusal('request_invalid', 'OCSP request'))
  const request = outer.readSequence('the OCSPRequest')
  outer.assertEnd('the OCSPRequest')
  const tbs = request.readSequence('tbsRequest')
  if (!request.isAtEnd)
    assertDerForm(request.enter(request.readTagged(contextConstructed(0), 'the signature')))
  request.assertEnd('the OCSPRequest')
  readVersion(tbs)
  if (tbs.peekTag() === contextConstructed(1)) assertDerForm(tbs.enter(tbs.readElement('requestorName')))
  const certificateIds = readRequestList(tbs)
  const extensions = tbs.readOptionalExplicit(2, 'requestExtensions')
  tbs.assertEnd('tbsRequest')
  return { certificateIds, nonce: extensions && readNonce(extensions) }
}

function readVersion(tbs: DerReader): void {
  // OpenSSL and others leave the default out; those that write it are not refused for that.
  const version = tbs.readOptionalExplicit(0, 'the version')
  if (version === undefined) return
  if (version.readSmallInteger('the version') !== 0) throw malformed('its version is not v1')
  version.assertEnd('the version')
}

function readRequestList(tbs: DerReader): OcspRequest['certificateIds'] {
  const list = tbs.readSequence('requestList')
  const ids: CertificateId[] = []
  while (!list.isAtEnd) {
    if (ids.length === maximumAsked) throw malformed(`it asks for more than ${maximumAsked} certificates`)
    const single = list.readSequence('a request')
    ids.push(parseCertificateId(single))
    const extensions = single.readOptionalExplicit(0, 'singleRequestExtensions')
    if (extensions !== undefined) readExtensions(extensions, 'singleRequestExtensions')
    single.assertEnd('a request')
  }
  const [first, ...rest] = ids
  if (first === undefined) throw malformed('it asks for no certificate')
  return [first, ...rest]
}

function readNonce(container: DerReader): Uint8Array | undefined {
  const extensions = readExtensions(container, 'requestExtensions')
  const value = extensions.get(ocspOids.nonce)
  if (value === undefined) return undefined
  const nonce = value.readOctetString('the nonce')
  value.assertEnd('the nonce')
  if (nonce.length < 1 || nonce.length > maximumNonceOctets)
    throw malformed(`its nonce has ${nonce.length} octets instead of 1 to ${maximumNonceOctets}`)
  return nonce
}

/** A reader of each value that is understood here. */
function readExtensions(container: DerReader, what: string): ReadonlyMap<string, DerReader> {
  const list = container.readSequence(what)
  container.assertEnd(what)
  const values = new Map<string, DerReader>()
  while (!list.isAtEnd) {
    const extension = list.readSequence('an extension')
    const oid = extension.readObjectIdentifier('an extension type')
    const isCritical = extension.peekTag() === tags.boolean && extension.readBoolean('critical')
    const value = extension.enterOctetString('an extension value')
    extension.assertEnd('an extension')
    if (values.has(oid) || values.size === maximumExtensions) throw malformed(`it has too many of ${what}`)
    values.set(oid, value)
    if (isCritical && !understood.has(oid))
      throw malformed(`its extension ${oid} is critical and not known here`)
    if (oid === ocspOids.acceptableResponses) assertBasicAccepted(value)
  }
  return values
}

const understood: ReadonlySet<string> = new Set([ocspOids.nonce, ocspOids.acceptableResponses])

/** Every client takes BasicOCSPResponse (RFC 6960 §4.4.3); one that says otherwise gets nothing it could read. */
function assertBasicAccepted(value: DerReader): void {
  const types = value.readSequence('AcceptableResponses')
  value.assertEnd('AcceptableResponses')
  let isAccepted = false
  while (!types.isAtEnd) {
    if (types.readObjectIdentifier('a response type') === ocspOids.basicResponse) isAccepted = true
  }
  if (!isAccepted) throw malformed('it takes no BasicOCSPResponse')
}

function malformed(reason: string): MintlineError {
  return new MintlineError('request_invalid', `The OCSP request is malformed: ${reason}.`)
}
