import { compareOctets, encodeUtf8 } from './octets.ts'
import { contextConstructed, contextPrimitive, tags } from './tag.ts'

/** Tag, shortest definite length, and the contents one after another (X.690 §10.1). */
export function encodeElement(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const content of contents) length += content.length
  const lengthOctets = lengthOctetsOf(length)
  const element = new Uint8Array(2 + lengthOctets + length)
  writeHeader(element, tag, { length, lengthOctets })
  let offset = 2 + lengthOctets
  for (const content of contents) {
    element.set(content, offset)
    offset += content.length
  }
  return element
}

/** Tag and length of an element whose contents come by themselves; up to 2^32 octets of them. */
export function encodeHeader(tag: number, length: number): Uint8Array {
  const lengthOctets = lengthOctetsOf(length)
  const header = new Uint8Array(2 + lengthOctets)
  writeHeader(header, tag, { length, lengthOctets })
  return header
}

/** How many follow the first one. */
function lengthOctetsOf(length: number): number {
  return length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4
}

function writeHeader(
  target: Uint8Array,
  tag: number,
  { length, lengthOctets }: { readonly length: number; readonly lengthOctets: number }
): void {
  target[0] = tag
  target[1] = lengthOctets === 0 ? length : 0x80 | lengthOctets
  for (let i = 0; i < lengthOctets; i++) target[2 + i] = (length >>> (8 * (lengthOctets - 1 - i))) & 0xff
}

export function encodeSequence(...elements: readonly Uint8Array[]): Uint8Array {
  return encodeElement(tags.sequence, ...elements)
}

/** A SET OF, its elements put in ascending order of their encodings (X.690 §11.6). */
export function encodeSetOf(...elements: readonly Uint8Array[]): Uint8Array {
  return encodeElement(tags.set, ...elements.toSorted(compareOctets))
}

/** A non-negative INTEGER from its big-endian magnitude; leading zero octets are dropped or added as DER wants. */
export function encodeUnsignedInteger(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const octets = magnitude.subarray(start)
  if (octets.length === 0) return Uint8Array.of(tags.integer, 1, 0)
  return (octets[0] as number) >= 0x80
    ? encodeElement(tags.integer, Uint8Array.of(0), octets)
    : encodeElement(tags.integer, octets)
}

/** From the dotted form; arcs up to 2^53. */
export function encodeObjectIdentifier(dotted: string): Uint8Array {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets: number[] = []
  for (const arc of [root * 40 + second, ...rest]) octets.push(...base128(arc))
  return encodeElement(tags.objectIdentifier, Uint8Array.from(octets))
}

export function encodeBoolean(value: boolean): Uint8Array {
  return Uint8Array.of(tags.boolean, 1, value ? 0xff : 0)
}

export function encodeNull(): Uint8Array {
  return Uint8Array.of(tags.null, 0)
}

export function encodeOctetString(octets: Uint8Array): Uint8Array {
  return encodeElement(tags.octetString, octets)
}

/** A BIT STRING of whole octets. */
export function encodeBitString(octets: Uint8Array): Uint8Array {
  return encodeElement(tags.bitString, Uint8Array.of(0), octets)
}

/** A BIT STRING with named bits: the given bit numbers set, trailing zero bits removed (X.690 §11.2.2). */
export function encodeNamedBits(bitNumbers: readonly number[]): Uint8Array {
  const highest = Math.max(-1, ...bitNumbers)
  const octets = new Uint8Array(Math.ceil((highest + 1) / 8))
  for (const bit of bitNumbers) octets[bit >> 3] = (octets[bit >> 3] as number) | (0x80 >> (bit & 7))
  return encodeElement(tags.bitString, Uint8Array.of(octets.length * 8 - (highest + 1)), octets)
}

/** Text whose characters the type `tag` can hold; PrintableString and IA5String are ASCII, so UTF-8 fits all. */
export function encodeString(tag: number, text: string): Uint8Array {
  return encodeElement(tag, encodeUtf8(text))
}

export function encodeExplicit(number: number, element: Uint8Array): Uint8Array {
  return encodeElement(contextConstructed(number), element)
}

/** `[number] IMPLICIT OCTET STRING`. */
export function encodeImplicitOctets(number: number, octets: Uint8Array): Uint8Array {
  return encodeElement(contextPrimitive(number), octets)
}

function base128(arc: number): number[] {
  const octets = [arc % 128]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift(0x80 | (rest % 128))
  }
  return octets
}
