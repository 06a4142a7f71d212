import { toHex } from '../../pki/der/octet-text.ts'

/** One element of DER or BER with a definite length; `end` may lie behind the bytes, where they were cut off. */
interface Element {
  readonly tag: number
  readonly start: number
  readonly contentStart: number
  readonly end: number
}

const integer = 0x02
const bitString = 0x03
const octetString = 0x04
const objectIdentifier = 0x06
const sequence = 0x30

/** Reads leniently: what other tools take for a key is one, however it is written. */
function readElement(bytes: Uint8Array, start: number): Element | undefined {
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (tag === undefined || first === undefined) return undefined
  if (first < 0x80) return { tag, start, contentStart: start + 2, end: start + 2 + first }
  const octets = first & 0x7f
  if (octets === 0 || octets > 4) return undefined
  let length = 0
  for (let at = start + 2; at < start + 2 + octets; at++) length = length * 256 + (bytes[at] ?? 0)
  const contentStart = start + 2 + octets
  return { tag, start, contentStart, end: contentStart + length }
}

/** What is found in DER: a key that can be read, one that is there under encryption, or a PKCS#12 file, which may hold one. */
type DerKind = 'plain' | 'encrypted' | 'pkcs12'

export interface DerFinding {
  readonly kind: DerKind
  readonly der: Uint8Array
}

/** PKCS#5 and PKCS#12 password-based encryption (RFC 8018, RFC 7292), without its last arc. */
const passwordSchemes = ['2a864886f70d0105', '2a864886f70d010c01']
/** The content types of CMS, which a PKCS#12 file begins with. */
const contentTypes = '2a864886f70d0107'

/**
 * Finds private keys at whatever place in binary: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), SEC 1 (RFC 5915), PKCS#8
 * encrypted, and PKCS#12 files. A CSR, a certificate and a public key hold none of these shapes.
 */
export function findKeysInDer(bytes: Uint8Array): readonly DerFinding[] {
  const found: DerFinding[] = []
  for (let start = bytes.indexOf(sequence); start !== -1; start = bytes.indexOf(sequence, start)) {
    const element = readElement(bytes, start)
    const kind = element && judgeShape(bytes, element)
    if (kind === undefined) {
      start++
      continue
    }
    found.push({ kind, der: bytes.subarray(start, element!.end) })
    start = element!.end
  }
  return found
}

function judgeShape(bytes: Uint8Array, outer: Element): DerKind | undefined {
  // Only what begins the bytes may have been cut off at their end.
  if (outer.end > bytes.length && outer.start > 0) return undefined
  const first = readElement(bytes, outer.contentStart)
  const second = first && readElement(bytes, first.end)
  if (first === undefined || second === undefined || first.end > outer.end) return undefined
  if (first.tag === sequence) return isEncryptedKey(bytes, first, second) ? 'encrypted' : undefined
  if (first.tag !== integer || first.end - first.contentStart !== 1) return undefined
  const version = bytes[first.contentStart]
  if (version === 3 && second.tag === sequence) return isPkcs12(bytes, second) ? 'pkcs12' : undefined
  if (version !== 0 && version !== 1) return undefined
  return isPrivateKey(bytes, outer, second) ? 'plain' : undefined
}

function isPrivateKey(bytes: Uint8Array, outer: Element, second: Element): boolean {
  const third = readElement(bytes, second.end)
  const length = second.end - second.contentStart
  if (second.tag === sequence) {
    return oidHex(bytes, second.contentStart) !== undefined && third?.tag === octetString
  }
  // A modulus, then an exponent and what belongs to a private key alone.
  if (second.tag === integer) return length >= 32 && third?.tag === integer && third.end < outer.end
  if (second.tag !== octetString || length < 20 || length > 72) return false
  const hasCurve = third?.tag === 0xa0 || third?.tag === 0xa1
  return hasCurve || (outer.start === 0 && second.end === outer.end)
}

function isEncryptedKey(bytes: Uint8Array, algorithm: Element, data: Element): boolean {
  const oid = oidHex(bytes, algorithm.contentStart)
  return data.tag === octetString && passwordSchemes.some(scheme => oid?.startsWith(scheme) === true)
}

function isPkcs12(bytes: Uint8Array, content: Element): boolean {
  return oidHex(bytes, content.contentStart)?.startsWith(contentTypes) === true
}

function oidHex(bytes: Uint8Array, start: number): string | undefined {
  const element = readElement(bytes, start)
  if (element?.tag !== objectIdentifier || element.end - element.contentStart > 16) return undefined
  return toHex(bytes.subarray(element.contentStart, element.end))
}

/** The parts of a private key from which its public key follows. */
export type KeyParts =
  | { readonly kind: 'rsa'; readonly modulus: Uint8Array; readonly exponent: Uint8Array }
  /** Without a curve where the key does not name it. */
  | { readonly kind: 'ec'; readonly scalar: Uint8Array; readonly curveOid: Uint8Array | undefined }

const ecPublicKey = '2a8648ce3d0201'

/** Reads a key that others give up: cut off, of a later version, or without its curve. */
export function readKeyParts(bytes: Uint8Array): KeyParts | undefined {
  const [version, second, third] = childrenOf(bytes, 0)
  if (version?.tag !== integer || second === undefined || third === undefined) return undefined
  if (second.tag === integer) return { kind: 'rsa', ...rsaParts(bytes, second, third) }
  if (second.tag === octetString) {
    const tagged = third.tag === 0xa0 ? readElement(bytes, third.contentStart) : undefined
    return { kind: 'ec', scalar: contentOf(bytes, second), curveOid: tagged && encodingOf(bytes, tagged) }
  }
  if (second.tag !== sequence || third.tag !== octetString) return undefined
  const inner = readKeyParts(bytes.subarray(third.contentStart, third.end))
  if (inner?.kind !== 'ec' || inner.curveOid !== undefined) return inner
  const [algorithm, parameters] = childrenOf(bytes, second.start)
  const isEc = algorithm !== undefined && oidHex(bytes, algorithm.start) === ecPublicKey
  return isEc && parameters !== undefined ? { ...inner, curveOid: encodingOf(bytes, parameters) } : inner
}

function childrenOf(bytes: Uint8Array, start: number): readonly Element[] {
  const outer = readElement(bytes, start)
  const children: Element[] = []
  if (outer?.tag !== sequence) return children
  for (let at = outer.contentStart; at < Math.min(outer.end, bytes.length) && children.length < 4;) {
    const child = readElement(bytes, at)
    if (child === undefined) break
    children.push(child)
    at = child.end
  }
  // A SEC 1 key may end behind its second element.
  if (children.length === 2 && children[1]!.tag === octetString) {
    children.push({ tag: bitString, start: outer.end, contentStart: outer.end, end: outer.end })
  }
  return children
}

function rsaParts(bytes: Uint8Array, modulus: Element, exponent: Element) {
  return { modulus: contentOf(bytes, modulus), exponent: contentOf(bytes, exponent) }
}

const contentOf = (bytes: Uint8Array, { contentStart, end }: Element) => bytes.subarray(contentStart, end)
const encodingOf = (bytes: Uint8Array, { start, end }: Element) => bytes.subarray(start, end)
