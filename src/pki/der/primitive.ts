import type { DerElement } from './element.ts'
import { tags } from './tag.ts'

/** Which content rule of DER (X.690 §8, §11) the primitive element breaks; types without rules pass. */
export function primitiveFault(bytes: Uint8Array, element: DerElement): string | undefined {
  const { tag, contentStart: start, end } = element
  switch (tag) {
    case tags.boolean:
      return booleanFault(bytes, start, end)
    case tags.integer:
      return integerFault(bytes, start, end)
    case tags.null:
      return start === end ? undefined : 'a NULL must be empty'
    case tags.objectIdentifier:
      return objectIdentifierFault(bytes, start, end)
    case tags.bitString:
      return bitStringFault(bytes, start, end)
    default:
      return undefined
  }
}

function booleanFault(bytes: Uint8Array, start: number, end: number): string | undefined {
  const isTrueOrFalse = end - start === 1 && (bytes[start] === 0 || bytes[start] === 0xff)
  return isTrueOrFalse ? undefined : 'a BOOLEAN must be 00 or FF'
}

function integerFault(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (start === end) return 'an INTEGER has no content'
  if (end - start === 1) return undefined
  // The first octet says no more than the sign bit of the second one.
  const isNextNegative = (bytes[start + 1] as number) >= 0x80
  const isRedundant = bytes[start] === (isNextNegative ? 0xff : 0)
  return isRedundant ? 'an INTEGER is not in its shortest form' : undefined
}

function bitStringFault(bytes: Uint8Array, start: number, end: number): string | undefined {
  const unusedBits = bytes[start] as number
  if (start === end || unusedBits > 7 || (end - start === 1 && unusedBits !== 0)) {
    return 'a BIT STRING has a wrong count of unused bits'
  }
  const unusedMask = (1 << unusedBits) - 1
  const isPadded = ((bytes[end - 1] as number) & unusedMask) !== 0 && end - start > 1
  return isPadded ? 'the unused bits of a BIT STRING must be zero' : undefined
}

function objectIdentifierFault(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (start === end) return 'an OBJECT IDENTIFIER has no content'
  if ((bytes[end - 1] as number) >= 0x80) return 'an OBJECT IDENTIFIER ends within an arc'
  let arcStart = start
  for (let i = start; i < end; i++) {
    if (i === arcStart && bytes[i] === 0x80) return 'an OBJECT IDENTIFIER is not in its shortest form'
    // Arcs of more than 49 bits do not fit a number and are not in use.
    if (i - arcStart >= 7) return 'an OBJECT IDENTIFIER has an arc beyond 49 bits'
    if ((bytes[i] as number) < 0x80) arcStart = i + 1
  }
  return undefined
}

/** The dotted form of an OBJECT IDENTIFIER that `primitiveFault` has passed. */
export function dottedForm(bytes: Uint8Array, start: number, end: number): string {
  let dotted = ''
  let arc = 0
  for (let i = start; i < end; i++) {
    const octet = bytes[i] as number
    arc = arc * 128 + (octet & 0x7f)
    if (octet >= 0x80) continue
    if (dotted === '') {
      const root = Math.min(Math.floor(arc / 40), 2)
      dotted = `${root}.${arc - root * 40}`
    } else {
      dotted += `.${arc}`
    }
    arc = 0
  }
  return dotted
}
