import { isMintlineError } from '../../errors/mintline-error.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextConstructed, tags } from '../der/tag.ts'
import { certificateAdvice, keyAdvice, publicKeyAdvice } from './mistakes.ts'

const cmpAdvice = 'it is a CMP message (RFC 9810). Send the PKCS#10 CSR alone'
const crmfAdvice = 'it is a CRMF request (RFC 4211). Send a PKCS#10 CSR'
const cardAdvice = 'it is a request for a card-verifiable certificate (EAC, BSI TR-03110). Send a PKCS#10 CSR'

/**
 * True for a card-verifiable request: [APPLICATION 33], its body [APPLICATION 78] alone, or both inside the
 * [APPLICATION 7] of an authenticated one.
 */
export function isCardRequest(input: Uint8Array): boolean {
  // The length of the outermost element takes one to three octets.
  const start = input[0] === 0x67 ? [2, 3, 4].find(at => input[at] === 0x7f) : 0
  return start !== undefined && input[start] === 0x7f && [0x21, 0x4e].includes(input[start + 1] ?? 0)
}

/** True for what was DER before line ends and NUL bytes were dropped: a CSR has a zero octet at least in its version. */
export function lacksBytesThatCurlDrops(input: Uint8Array): boolean {
  return input[0] === 0x30 && !input.some(octet => octet === 0x00 || octet === 0x0a || octet === 0x0d)
}

const refuse = createDerRefusal('csr_malformed', 'CSR')

/**
 * Recognises DER of other kinds by its first elements, so that the message can say what was sent, and bytes behind
 * the CSR. `undefined` when it may be a CSR; a fault of the DER itself is left to the parser.
 */
export function describeOtherDer(der: Uint8Array): string | undefined {
  if (isCardRequest(der)) return cardAdvice
  try {
    const outer = new DerReader(der, refuse)
    const element = outer.readTagged(tags.sequence, 'the CSR')
    if (!outer.isAtEnd) return describeTrailingBytes(outer)
    return describeShape(outer.enter(element))
  } catch (error) {
    if (isMintlineError(error)) return undefined
    throw error
  }
}

function describeTrailingBytes(outer: DerReader): string {
  const { length } = outer.rest
  const what = outer.rest.every(octet => octet === 0) ? 'NUL bytes' : 'bytes'
  return `${length} ${what} follow the CSR, from byte ${outer.offset} on. Send the CSR alone`
}

function describeShape(contents: DerReader): string | undefined {
  if (contents.peekTag() === tags.integer) return describeVersioned(contents)
  if (contents.peekTag() === tags.objectIdentifier) return 'it is a CMS (PKCS#7) message'
  const first = contents.readSequence('the contents')
  const tag = first.peekTag()
  if (tag === contextConstructed(0)) return certificateAdvice
  if (tag === tags.integer) return describeNumbered(first)
  if (tag === tags.sequence) return describeNested(first)
  if (tag !== tags.objectIdentifier) return undefined
  if (contents.peekTag() === tags.bitString) return publicKeyAdvice
  return contents.peekTag() === tags.octetString ? keyAdvice : undefined
}

/**
 * A CSR starts with its version and subject, a version 1 certificate with its serial number and algorithm, the header of
 * a CMP message with its version and a GeneralName, a CRMF CertReqMsg with a number and a template of tagged members.
 */
function describeNumbered(first: DerReader): string | undefined {
  first.readInteger('the version')
  if (isContextTag(first.peekTag())) return cmpAdvice
  const second = first.readSequence('the subject').peekTag()
  if (isContextTag(second)) return crmfAdvice
  return second === tags.objectIdentifier ? certificateAdvice : undefined
}

/** CRMF CertReqMessages: a list of CertReqMsg. SPKAC: a SubjectPublicKeyInfo and a challenge. */
function describeNested(first: DerReader): string | undefined {
  const element = first.readSequence('the contents')
  if (element.peekTag() === tags.integer) return crmfAdvice
  return first.peekTag() === tags.ia5String ? 'it is a SPKAC request. Send a PKCS#10 CSR' : undefined
}

/**
 * PKCS#8, PKCS#1, SEC 1 and PKCS#12 start with a version, an RSAPublicKey with its modulus, a CRMF CertRequest with its
 * number.
 */
function describeVersioned(contents: DerReader): string | undefined {
  const version = contents.readUnsignedInteger('the version')
  if (version.length > 1) return publicKeyAdvice
  if (contents.peekTag() !== tags.sequence) return keyAdvice
  if (version[0] === 3) return 'it is a PKCS#12 file'
  const second = contents.readSequence('the algorithm').peekTag()
  if (isContextTag(second)) return crmfAdvice
  return second === tags.objectIdentifier ? keyAdvice : undefined
}

function isContextTag(tag: number | undefined): boolean {
  return tag !== undefined && (tag & 0xc0) === 0x80
}
