import { tags } from '../der/tag.ts'
import { encodeSequence, encodeUnsignedInteger } from '../der/writer.ts'

/** A signature that is no Ecdsa-Sig-Value in DER, and what it is when it is read kindly. */
export interface MisencodedSignature {
  /** The encoding that was found, e.g. `r and s side by side`. */
  readonly found: string
  /** What the device's code has to do. */
  readonly remedy: string
  /** The same two numbers as RFC 3279 §2.2.3 wants them. */
  readonly der: Uint8Array
}

const onSomeUnits =
  'It shows only in the signatures whose numbers happen to be like that, so other units pass.'

/**
 * Finds r and s in a signature that strict DER does not read: side by side (IEEE P1363, as PKCS#11 and secure elements
 * give them), with the zero octet dropped that keeps a number positive, padded, or in BER. `undefined` for anything else.
 * Whether they are a signature at all is for the caller to verify.
 *
 * @param numberOctets the octets of each number on this curve.
 */
export function readMisencodedSignature(
  signature: Uint8Array,
  numberOctets: number
): MisencodedSignature | undefined {
  if (signature.length === 2 * numberOctets) {
    const r = signature.subarray(0, numberOctets)
    const s = signature.subarray(numberOctets)
    const remedy = 'Write them as two INTEGERs in a SEQUENCE (Ecdsa-Sig-Value, RFC 3279 §2.2.3).'
    return { found: 'r and s side by side, without ASN.1', remedy, der: encodeSigValue(r, s) }
  }
  const numbers = readLoosely(signature)
  if (numbers === undefined) return undefined
  return { ...describe(numbers), der: encodeSigValue(numbers.r, numbers.s) }
}

function encodeSigValue(r: Uint8Array, s: Uint8Array): Uint8Array {
  return encodeSequence(encodeUnsignedInteger(r), encodeUnsignedInteger(s))
}

interface LooseNumbers {
  /** The content octets as they stand. */
  readonly r: Uint8Array
  readonly s: Uint8Array
}

function describe({ r, s }: LooseNumbers): Pick<MisencodedSignature, 'found' | 'remedy'> {
  const named = (test: (number: Uint8Array) => boolean): string =>
    [test(r) ? 'r' : '', test(s) ? 's' : ''].filter(name => name !== '').join(' and ')
  const negative = named(number => (number[0] ?? 0) >= 0x80)
  if (negative !== '') {
    return {
      found: `${negative} without the zero octet that keeps a number positive`,
      remedy: `Put 00 ahead of a number whose first octet is 80 or more (X.690 §8.3). ${onSomeUnits}`
    }
  }
  const padded = named(number => number.length > 1 && number[0] === 0 && (number[1] as number) < 0x80)
  if (padded !== '') {
    return {
      found: `${padded} padded with zero octets`,
      remedy: `Leave leading zero octets out, but for one ahead of an octet of 80 or more (X.690 §8.3.2). ${onSomeUnits}`
    }
  }
  return {
    found: 'r and s in another form than DER',
    remedy: 'Write lengths in their shortest form, and nothing behind the numbers (X.690 §10.1).'
  }
}

/** SEQUENCE and two INTEGERs in any definite form of lengths, whatever their contents are and whatever follows. */
function readLoosely(signature: Uint8Array): LooseNumbers | undefined {
  const outer = readLooseElement(signature, tags.sequence)
  const r = outer && readLooseElement(outer.content, tags.integer)
  const s = r && readLooseElement(r.rest, tags.integer)
  return r === undefined || s === undefined ? undefined : { r: r.content, s: s.content }
}

function readLooseElement(
  bytes: Uint8Array,
  tag: number
): { readonly content: Uint8Array; readonly rest: Uint8Array } | undefined {
  const [found, first = 0] = bytes
  if (found !== tag) return undefined
  const lengthOctets = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || lengthOctets > 4) return undefined
  const start = 2 + lengthOctets
  const length =
    lengthOctets === 0 ? first : bytes.subarray(2, start).reduce((sum, octet) => sum * 256 + octet, 0)
  if (length === 0 || start + length > bytes.length) return undefined
  return { content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) }
}
