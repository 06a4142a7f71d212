import { decodeLatin1 } from '../der/octets.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextPrimitive } from '../der/tag.ts'

/** What a subjectAltName says, of the forms that name a machine or a service (RFC 5280 §4.2.1.6). */
export interface AlternativeNames {
  /** In lower case. */
  readonly dnsNames: readonly string[]
  readonly uris: readonly string[]
}

const printableAscii = /^[\x21-\x7e]+$/

/**
 * Reads the value of a subjectAltName extension. Names of other forms are passed over, as is what is no printable ASCII.
 *
 * @throws MintlineError `certificate_malformed`.
 */
export function parseAlternativeNames(value: Uint8Array): AlternativeNames {
  const outer = new DerReader(value, createDerRefusal('certificate_malformed', 'subjectAltName'))
  const list = outer.readSequence('subjectAltName')
  outer.assertEnd('subjectAltName')
  const dnsNames: string[] = []
  const uris: string[] = []
  while (!list.isAtEnd) {
    const element = list.readElement('a name')
    const text = decodeLatin1(list.content(element))
    if (!printableAscii.test(text)) continue
    if (element.tag === contextPrimitive(2)) dnsNames.push(text.toLowerCase())
    if (element.tag === contextPrimitive(6)) uris.push(text)
  }
  return { dnsNames, uris }
}
