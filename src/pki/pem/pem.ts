import { toBase64 } from '../der/octet-text.ts'

const lineLength = 64

/** Textual encoding (RFC 7468 §2): lines of 64 characters, LF, a final newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = toBase64(der)
  let pem = `-----BEGIN ${label}-----\n`
  for (let i = 0; i < base64.length; i += lineLength) pem += `${base64.slice(i, i + lineLength)}\n`
  return `${pem}-----END ${label}-----\n`
}

export function encodeCertificatePem(certificateDer: Uint8Array): string {
  return encodePem('CERTIFICATE', certificateDer)
}

/** The certificates one after another, in the order given. */
export function encodeChainPem(chainDer: readonly Uint8Array[]): string {
  return chainDer.map(encodeCertificatePem).join('')
}
