/** The same octets. Not for secrets: it takes longer the more of them agree. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Negative when `a` comes first; what is longer comes behind its own beginning. */
export function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** One after the other. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const part of parts) {
    octets.set(part, offset)
    offset += part.length
  }
  return octets
}

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenientUtf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true })
/** Up to here a loop is faster than the way out of JavaScript. */
const shortText = 40

export function encodeUtf8(text: string): Uint8Array {
  if (text.length > shortText) return utf8Encoder.encode(text)
  const octets = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return utf8Encoder.encode(text)
    octets[i] = code
  }
  return octets
}

/** Undefined for what is not UTF-8. A byte order mark is kept. */
export function decodeUtf8(octets: Uint8Array): string | undefined {
  try {
    return utf8Decoder.decode(octets)
  } catch {
    return undefined
  }
}

/** One character for each octet, U+0000 to U+00FF. (The TextDecoder of that name decodes Windows-1252.) */
export function decodeLatin1(octets: Uint8Array): string {
  if (octets.length > shortText) {
    const text = lenientUtf8Decoder.decode(octets)
    // Only ASCII has as many characters in UTF-8 as it has octets, and none to replace.
    if (text.length === octets.length && !text.includes('\uFFFD')) return text
  }
  let text = ''
  for (const octet of octets) text += String.fromCharCode(octet)
  return text
}
