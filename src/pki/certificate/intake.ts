import { isMintlineError, MintlineError } from '../../errors/mintline-error.ts'
import { fromBase64 } from '../der/octet-text.ts'
import { decodeLatin1 } from '../der/octets.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { tags } from '../der/tag.ts'
import { findOtherForm } from '../pem/other-form.ts'
import { parseCertificate } from './certificate.ts'

/** The labels that OpenSSL writes; behind a TRUSTED CERTIFICATE stand OpenSSL's own remarks. */
const armour = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----/

/**
 * The DER of a certificate from the bytes as sent: DER or PEM, of a chain the first.
 *
 * Throws `certificate_malformed`. What was sent is never repeated, as it may be a private key.
 */
export function decodeCertificate(input: Uint8Array): Uint8Array {
  try {
    const der = firstElement(isText(input) ? readArmour(decodeLatin1(input)) : input)
    parseCertificate(der, 'certificate_malformed')
    return der
  } catch (cause) {
    throw new MintlineError(
      'certificate_malformed',
      `This is not a certificate in PEM or DER${why(input, cause)}`,
      {
        cause
      }
    )
  }
}

function why(input: Uint8Array, cause: unknown): string {
  const form = findOtherForm(input)
  if (form !== undefined) return `, but ${form.what}. ${form.way}`
  return `. Send the certificate, whole.${isMintlineError(cause) ? ` ${cause.detail}` : ''}`
}

/** In DER, the length of a certificate is never so short that it fits in one octet. */
function isText([first, second = 0]: Uint8Array): boolean {
  return first !== tags.sequence || second < 0x80
}

/** Throws a SyntaxError for what is no base64. */
function readArmour(text: string): Uint8Array {
  const begin = armour.exec(text)
  if (begin === null) throw new SyntaxError('There is no BEGIN line of a certificate')
  const start = begin.index + begin[0].length
  const end = text.indexOf(`-----END ${begin[1]}-----`, start)
  return fromBase64(text.slice(start, end === -1 ? undefined : end), false)
}

function firstElement(der: Uint8Array): Uint8Array {
  const reader = new DerReader(der, createDerRefusal('certificate_malformed', 'certificate'))
  return reader.encoding(reader.readTagged(tags.sequence, 'the certificate'))
}
