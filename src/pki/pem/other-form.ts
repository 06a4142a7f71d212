import { fromBase64 } from '../der/octet-text.ts'
import { decodeLatin1 } from '../der/octets.ts'
import { isUtf16 } from './utf16.ts'

/** What came in the place of a key or certificates in PEM or DER. */
export interface OtherForm {
  /** E.g. `a PKCS#12 key store`. */
  readonly what: string
  /** How it becomes PEM: sentences. */
  readonly way: string
}

const utf16: OtherForm = {
  what: 'UTF-16',
  way: 'Windows PowerShell writes it. Write the file anew in ASCII: `Get-Content FILE | Set-Content -Encoding ascii NEW`.'
}
const keyStore: OtherForm = {
  what: 'a PKCS#12 key store',
  way: 'Split it: `openssl pkcs12 -in FILE -nodes -nocerts -out key.pem` writes the key, `openssl pkcs12 -in FILE -nokeys -out chain.pem` the certificates.'
}
const bundle = (form: string): OtherForm => ({
  what: 'a PKCS#7 file',
  way: `Take the certificates out: \`openssl pkcs7 ${form}-in FILE -print_certs -out chain.pem\`; put the authority's own first, the root last.`
})

/** As much as tells what it is. */
const headOctets = 64

/** By the first octets. Undefined for whatever may be a key or a certificate, and for what is nothing of the kind. */
export function findOtherForm(input: Uint8Array): OtherForm | undefined {
  if (isUtf16(input)) return utf16
  if (isKeyStore(input)) return keyStore
  if (isBundle(input)) return bundle('-inform DER ')
  const text = decodeLatin1(input.subarray(0, 10 * headOctets)).trimStart()
  if (/-----BEGIN (?:PKCS7|PKCS #7 SIGNED DATA|CMS)-----/.test(text)) return bundle('')
  const octets = fromBareBase64(text)
  const form = isKeyStore(octets) ? keyStore : isBundle(octets) ? bundle('-inform DER ') : undefined
  if (form === undefined) return undefined
  const way = form.way.replaceAll('FILE', 'NEW')
  return { ...form, way: `Make it binary: \`openssl base64 -d -in FILE -out NEW\`. ${way}` }
}

/** The octets that the text begins with, if it is base64. */
function fromBareBase64(text: string): Uint8Array {
  const [digits = ''] = /^[A-Za-z0-9+/]+/.exec(text.replaceAll(/\s/g, '')) ?? []
  const quanta = Math.floor(Math.min(digits.length, headOctets) / 4)
  return fromBase64(digits.slice(0, quanta * 4), true)
}

const sequenceHeader = String.raw`^\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...)`
/** PFX (RFC 7292): version 3 and a ContentInfo. */
const keyStoreStart = new RegExp(String.raw`${sequenceHeader}\x02\x01\x03\x30`, 's')
/** ContentInfo (RFC 5652 §3) of the type signedData. */
const bundleStart = new RegExp(String.raw`${sequenceHeader}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02`, 's')

const startsLike = (pattern: RegExp) => (octets: Uint8Array) =>
  pattern.test(decodeLatin1(octets.subarray(0, headOctets)))
const isKeyStore = startsLike(keyStoreStart)
const isBundle = startsLike(bundleStart)
