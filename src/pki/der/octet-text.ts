/**
 * Octets as text and back, as `Uint8Array` does it where it can: Node.js has that from version 25 on, browsers since 2025.
 */
export interface OctetText {
  /** Lower-case hexadecimal. */
  toHex(octets: Uint8Array): string
  /** RFC 4648 §4, padded. */
  toBase64(octets: Uint8Array): string
  /**
   * White space is passed over. Strictly, the padding is there and the bits behind the last octet are zero; else both may
   * be otherwise.
   *
   * @throws SyntaxError for what is no base64.
   */
  fromBase64(text: string, isStrict: boolean): Uint8Array
}

const builtIn: OctetText = {
  toHex: octets => octets.toHex(),
  toBase64: octets => octets.toBase64(),
  fromBase64: (text, isStrict) =>
    Uint8Array.fromBase64(text, { lastChunkHandling: isStrict ? 'strict' : 'loose' })
}

const hexOfOctet = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

/** The same by what every platform has. Exported to be held against the other. */
export const portable: OctetText = {
  toHex(octets) {
    let hex = ''
    for (const octet of octets) hex += hexOfOctet[octet] as string
    return hex
  },
  toBase64: octets => btoa(Array.from(octets, octet => String.fromCharCode(octet)).join('')),
  fromBase64(text, isStrict) {
    const digits = text.replaceAll(/[\t\n\f\r ]/g, '')
    let binary: string
    try {
      binary = atob(digits)
    } catch (cause) {
      throw new SyntaxError('This is not base64', { cause })
    }
    if (isStrict && btoa(binary) !== digits)
      throw new SyntaxError('The base64 ends with bits that belong to no octet')
    return Uint8Array.from(binary, character => character.charCodeAt(0))
  }
}

export const { toHex, toBase64, fromBase64 }: OctetText = 'toHex' in Uint8Array.prototype ? builtIn : portable
