import { decodeLatin1, decodeUtf8 } from '../der/octets.ts'
import { tagName, tags } from '../der/tag.ts'

/** Decoded text, or why there is none. */
export type DecodedText =
  | { readonly text: string; readonly fault?: undefined }
  | { readonly text?: undefined; readonly fault: string }

const notPrintableString = /[^A-Za-z0-9 '()+,\-./:=?]/
/**
 * What shows nothing, or what nobody can tell the look of. By Unicode property: controls and formats (soft hyphens,
 * joiners, what reorders text on a screen), line separators, every space but U+0020, what is ignored by default (fillers,
 * variation selectors, the grapheme joiner), private use, surrogates, unassigned code points and noncharacters. By code
 * point: what is blank without having such a property (the braille blank, a null notehead, a Khitan filler), and what
 * stands in the place of something that got lost. None of them names a thing, all can make two names look like one.
 */
const invisible =
  /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc\ufffd\u{1d159}]|\u{16fe4}|(?! )\p{Zs}/u

/** True when every character is one that X.680 §41.4 allows in a PrintableString. */
export function isPrintableString(text: string): boolean {
  return !notPrintableString.test(text)
}

/** The first character that may stand in no name, as `U+0000`, or `undefined`. */
export function findInvisibleCharacter(text: string): string | undefined {
  const character = invisible.exec(text)?.[0]
  return character === undefined ? undefined : codePointName(character)
}

/** Decodes the content octets of a string type. Closed list: PrintableString, UTF8String, IA5String. */
export function decodeDirectoryString(tag: number, octets: Uint8Array): DecodedText {
  const decoded = decodeCharacters(tag, octets)
  if (decoded.text === undefined) return decoded
  const character = findInvisibleCharacter(decoded.text)
  return character === undefined ? decoded : { fault: `text with the invisible character ${character}` }
}

function decodeCharacters(tag: number, octets: Uint8Array): DecodedText {
  switch (tag) {
    case tags.utf8String: {
      const text = decodeUtf8(octets)
      return text === undefined ? { fault: 'a UTF8String that is not valid UTF-8' } : { text }
    }
    case tags.printableString: {
      const text = decodeLatin1(octets)
      const character = notPrintableString.exec(text)?.[0]
      if (character === undefined) return { text }
      return { fault: `a PrintableString with ${codePointName(character)}, which that type cannot hold` }
    }
    case tags.ia5String:
      return octets.some(octet => octet >= 0x80)
        ? { fault: 'an IA5String that is not ASCII' }
        : { text: decodeLatin1(octets) }
    default:
      return { fault: tagName(tag) }
  }
}

function codePointName(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
