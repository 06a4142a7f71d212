import { fromBase64 } from '../../pki/der/octet-text.ts'
import type { CertificateHeader } from '../../tls/certificate-header.ts'
import { type PresentedChain, refused } from '../../tls/client-trust/verification.ts'

/** In characters. A certificate and three CAs with RSA keys, percent-encoded, stay below. */
const maximumLength = 12_288
const maximumCertificates = 6

/**
 * Reads what a proxy hands on of its client's certificate. Nothing of it is verified.
 *
 * @param chain of RFC 9440, the other header; else empty.
 * @throws MintlineError `client_certificate_refused`.
 */
export function parseCertificateHeader(
  header: CertificateHeader,
  value: string,
  chain: string
): PresentedChain | undefined {
  if (value.length + chain.length > maximumLength)
    throw refuseHeader(header, `${value.length + chain.length} characters`)
  try {
    return parsers[header](value, chain)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof URIError)
      throw refuseHeader(header, `what is not of its form: ${error.message}`)
    throw error
  }
}

type Parse = (value: string, chain: string) => PresentedChain | undefined

const parsers: Readonly<Record<CertificateHeader, Parse>> = {
  'Client-Cert': (value, chain) => [
    parseByteSequence(value),
    ...(chain === '' ? [] : listed(chain.split(',')).map(parseByteSequence))
  ],
  'X-Forwarded-Client-Cert': parseForwarded,
  // nginx sends nothing where there is no certificate, and an empty value where it is made to.
  'X-SSL-Client-Cert': value => (value === '' ? undefined : parsePem(decodeURIComponent(value)))
}

/** An Item that is a Byte Sequence (RFC 8941 §3.3.5); parameters have no meaning in RFC 9440 and none are taken. */
function parseByteSequence(text: string): Uint8Array {
  const [, base64] = /^[ \t]*:([A-Za-z0-9+/]+={0,2}):[ \t]*$/.exec(text) ?? []
  if (base64 === undefined) throw new SyntaxError('a Byte Sequence, :base64:, is missing')
  return fromBase64(base64, false)
}

/**
 * One element of Envoy: `key=value` with semicolons between, values perhaps quoted. `Chain` holds the client's certificate
 * and those above it, `Cert` the first alone; a proxy that hands on what another one said sends several elements.
 */
function parseForwarded(value: string): PresentedChain | undefined {
  const members = new Map<string, string>()
  const form = /([A-Za-z]+)=(?:"((?:[^"\\]|\\["\\])*)"|([^";,=\\]*))(;|$)/y
  for (let isAtEnd = false; !isAtEnd;) {
    const [, key, quoted, plain, end] = form.exec(value) ?? []
    if (key === undefined)
      throw new SyntaxError('there is more than one element, or no key=value (SANITIZE_SET makes one)')
    const name = key.toLowerCase()
    // By, Subject and the SANs are the words of the proxy about what is read here itself; URI and DNS come repeatedly.
    if ((name === 'cert' || name === 'chain') && members.has(name))
      throw new SyntaxError(`${key} is there twice`)
    members.set(name, (quoted ?? plain ?? '').replaceAll(/\\(["\\])/g, '$1'))
    isAtEnd = end === ''
  }
  const [cert, chain] = ['cert', 'chain'].map(name => members.get(name))
  const leaf = cert === undefined || cert === '' ? undefined : parsePem(decodeURIComponent(cert))
  const whole = chain === undefined || chain === '' ? undefined : parsePem(decodeURIComponent(chain))
  if (leaf === undefined && whole === undefined)
    throw new SyntaxError(
      'neither Cert nor Chain is there (set_current_client_cert_details makes Envoy send them)'
    )
  if (leaf === undefined || whole === undefined) return leaf ?? whole
  if (!Buffer.from(leaf[0]).equals(whole[0]))
    throw new SyntaxError('Cert and Chain begin with two certificates')
  return whole
}

function parsePem(pem: string): PresentedChain {
  const form = /^\s*(?:-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*)+$/
  if (!form.test(pem)) throw new SyntaxError('certificates in PEM, and nothing else, are missing')
  const blocks = pem.split('-----END CERTIFICATE-----').slice(0, -1)
  const [leaf, ...above] = listed(blocks).map(block =>
    fromBase64(block.slice(block.indexOf('-----BEGIN CERTIFICATE-----') + 27), false)
  )
  return [leaf!, ...above]
}

function listed(texts: readonly string[]): readonly string[] {
  if (texts.length > maximumCertificates) throw new SyntaxError(`${texts.length} certificates`)
  return texts
}

export function refuseHeader(name: string, found: string) {
  return refused({
    pointer: `/headers/${name.toLowerCase()}`,
    expected: `one ${name} with the certificate of the client, in its form, of at most ${maximumLength} characters`,
    found,
    message: 'Correct what the proxy sends.'
  })
}
