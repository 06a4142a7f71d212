import { compareOctets } from './octets.ts'
import type { DerReader } from './reader.ts'
import { isConstructed, tagName, tags } from './tag.ts'

/**
 * Walks the rest of a reader, whatever it holds, and refuses what is not DER: for parts that are carried but
 * not interpreted. Contents of OCTET STRINGs are not looked into.
 */
export function assertDerForm(reader: DerReader): void {
  while (!reader.isAtEnd) {
    const element = reader.readElement('an element')
    const isUniversal = (element.tag & 0xc0) === 0
    if (isUniversal) {
      const number = element.tag & 0x1f
      const mustBeConstructed = number === 0x10 || number === 0x11
      if (number === 0 || isConstructed(element.tag) !== mustBeConstructed) {
        throw reader.refuse(`${tagName(element.tag)} is not allowed in DER`, element.start)
      }
    }
    if (isConstructed(element.tag)) assertDerForm(reader.enter(element))
    else reader.assertPrimitive(element)
  }
}

/** Refuses a SET OF whose elements are not in ascending order of their encodings (X.690 §11.6), for `reason`. */
export function assertSetOfOrder(
  setContent: DerReader,
  reason = 'the elements of a SET OF are not in ascending order'
): void {
  const reader = setContent.fork()
  let previous: Uint8Array | undefined
  while (!reader.isAtEnd) {
    const element = reader.readElement(`an element of the ${tagName(tags.set)}`)
    const encoding = reader.encoding(element)
    if (previous !== undefined && compareOctets(previous, encoding) > 0) {
      throw reader.refuse(reason, element.start)
    }
    previous = encoding
  }
}
