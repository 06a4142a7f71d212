import { tags } from './der-tag.ts'

/** Which content rule of DER (X.690 §8, §11) the primitive element breaks; types without rules pass. */
export function primitiveFault(
  bytes: Uint8Array,
  tag: number,
  start: number,
  end: number
): string | undefined {
  const length = end - start
  const first = bytes[start] as number
  switch (tag) {
    case tags.boolean:
      if (length !== 1 || (first !== 0 && first !== 0xff)) return 'a BOOLEAN must be 00 or FF'
      return undefined
    case tags.integer: {
      if (length === 0) return 'an INTEGER has no content'
      const signBit = length > 1 ? (bytes[start + 1] as number) & 0x80 : undefined
      if ((first === 0 && signBit === 0) || (first === 0xff && signBit === 0x80)) {
        return 'an INTEGER is not in its shortest form'
      }
      return undefined
    }
    case tags.null:
      return length === 0 ? undefined : 'a NULL must be empty'
    case tags.objectIdentifier:
      return objectIdentifierFault(bytes, start, end)
    case tags.bitString:
      if (length === 0 || first > 7 || (length === 1 && first !== 0)) {
        return 'a BIT STRING has a wrong count of unused bits'
      }
      if (((bytes[end - 1] as number) & ((1 << first) - 1)) !== 0 && length > 1) {
        return 'the unused bits of a BIT STRING must be zero'
      }
      return undefined
    default:
      return undefined
  }
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
