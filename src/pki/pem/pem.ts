import { toBase64 } from '../der/octet-text.ts'

const lineLength = 64
/** Of DER in a whole line. */
export const pemLineOctets = (lineLength / 4) * 3

/** Textual encoding (RFC 7468 §2): lines of 64 characters, LF, a final newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const { begin, end } = pemFrame(label)
  return begin + pemLines(der) + end
}

/** The lines around what is encoded. */
export function pemFrame(label: string): { readonly begin: string; readonly end: string } {
  return { begin: `-----BEGIN ${label}-----\n`, end: `-----END ${label}-----\n` }
}

/** The lines between; of a part that is not the last, `pemLineOctets` to a line. */
export function pemLines(der: Uint8Array): string {
  const base64 = toBase64(der)
  let lines = ''
  for (let i = 0; i < base64.length; i += lineLength) lines += `${base64.slice(i, i + lineLength)}\n`
  return lines
}

export function encodeCertificatePem(certificateDer: Uint8Array): string {
  return encodePem('CERTIFICATE', certificateDer)
}

/** The certificates one after another, in the order given. */
export function encodeChainPem(chainDer: readonly Uint8Array[]): string {
  return chainDer.map(encodeCertificatePem).join('')
}
