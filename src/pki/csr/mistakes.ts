import { isMintlineError } from '../../errors/mintline-error.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextConstructed, tags } from '../der/tag.ts'

const keyAdvice =
  'it is a private key. Private keys never leave the device: take this one out of use and send only the CSR'
const certificateAdvice = 'it is a certificate. Send the CSR that the device made'
const publicKeyAdvice =
  'it is a bare public key. Send a CSR, which also proves that the device holds the private key'

/** What a PEM block with a label other than a CSR's holds. The label itself is shown only when it is harmless. */
export function describeLabel(label: string): string {
  if (label.includes('PRIVATE KEY')) return keyAdvice
  if (label === 'PUBLIC KEY' || label === 'RSA PUBLIC KEY') return publicKeyAdvice
  if (['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'].includes(label)) return certificateAdvice
  const shown = /^[A-Z0-9 ]{1,40}$/.test(label) ? ` "${label}"` : ''
  return `the PEM label${shown} is not "CERTIFICATE REQUEST"`
}

/** Byte order mark, or ASCII with every other byte zero. */
export function isUtf16(input: Uint8Array): boolean {
  const [a, b, c, d] = input
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return true
  const isAscii = (octet: number | undefined): boolean => octet !== undefined && octet >= 0x09 && octet < 0x7f
  return (isAscii(a) && b === 0 && isAscii(c) && d === 0) || (a === 0 && isAscii(b) && c === 0 && isAscii(d))
}

/** Why a text without armour is no CSR, or `undefined` when it may be base64. */
export function describeOtherText(text: string): string | undefined {
  const trimmed = text.trimStart()
  if (trimmed === '') return 'it is empty'
  if (trimmed.startsWith('<')) return 'it is HTML or XML; perhaps an error page was saved instead of the CSR'
  if (/^[{["]/.test(trimmed)) {
    return 'it is JSON. Send the CSR itself, or JSON with Content-Type application/json'
  }
  return undefined
}

const refuse = createDerRefusal('csr_malformed', 'CSR')

/**
 * Recognises DER of other kinds by its first elements, so that the message can say what was sent, and bytes behind
 * the CSR. `undefined` when it may be a CSR; a fault of the DER itself is left to the parser.
 */
export function describeOtherDer(der: Uint8Array): string | undefined {
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
  const first = contents.enter(contents.readTagged(tags.sequence, 'the contents'))
  if (first.peekTag() === contextConstructed(0)) return certificateAdvice
  if (first.peekTag() === tags.objectIdentifier) {
    if (contents.peekTag() === tags.bitString) return publicKeyAdvice
    return contents.peekTag() === tags.octetString ? keyAdvice : undefined
  }
  // A version 1 certificate starts with its serial number and algorithm, a CSR with its version and subject.
  first.readInteger('the version')
  const second = first.enter(first.readTagged(tags.sequence, 'the subject'))
  return second.peekTag() === tags.objectIdentifier ? certificateAdvice : undefined
}

/** PKCS#8, PKCS#1, SEC 1 and PKCS#12 start with a version, an RSAPublicKey with its modulus. */
function describeVersioned(contents: DerReader): string | undefined {
  const version = contents.readUnsignedInteger('the version')
  if (version.length > 1) return publicKeyAdvice
  return version[0] === 3 && contents.peekTag() === tags.sequence ? 'it is a PKCS#12 file' : keyAdvice
}
