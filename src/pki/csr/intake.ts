import { MintlineError } from '../../errors/mintline-error.ts'
import { decodeLatin1 } from '../der/octets.ts'
import { decodeBase64 } from '../pem/base64.ts'
import { isUtf16 } from '../pem/utf16.ts'
import { hasArmour, readArmour } from './armour.ts'
import { describeForm, describeOtherText } from './mistakes.ts'
import { describeOtherDer, isCardRequest, lacksBytesThatCurlDrops } from './other-structures.ts'

const maximumDerBytes = 16 * 1024
const maximumInputBytes = 24 * 1024

/**
 * The DER of a CSR from the bytes as sent: DER, PEM (RFC 7468, labels `CERTIFICATE REQUEST` and
 * `NEW CERTIFICATE REQUEST`, any line ends, text before the armour) or bare base64. One NUL behind a text is passed
 * over: the end of a C string that was counted in.
 *
 * Throws `csr_too_large` above 24 KiB of input or 16 KiB of DER, and `csr_malformed` for anything else, saying where
 * the fault is and which of the usual accidents it looks like. What was sent is never repeated in the message, as
 * it may be a private key.
 */
export function decodeCertificationRequest(input: Uint8Array): Uint8Array {
  if (input.length > maximumInputBytes) throw tooLarge(`${input.length} bytes`, maximumInputBytes)
  if (isUtf16(input)) {
    throw malformed('it is UTF-16 text. Save the file as ASCII or UTF-8, or send the DER file')
  }
  const der = isBinary(input) ? input : decodeText(input)
  if (der === input && lacksBytesThatCurlDrops(input)) {
    throw malformed(
      'no byte of it is 00, 0A or 0D, as after `curl -d @file`, which drops them. Send it with `curl --data-binary @file`'
    )
  }
  const mistake = describeOtherDer(der)
  if (mistake !== undefined) throw malformed(mistake)
  if (der.length > maximumDerBytes) throw tooLarge(`${der.length} bytes of DER`, maximumDerBytes)
  return der
}

/** 0x30 starts a SEQUENCE and is also the digit 0, but no DER of a CSR is ASCII throughout. */
function isBinary(input: Uint8Array): boolean {
  const mayBeBinary = input[0] === 0x30 || isCardRequest(input)
  return mayBeBinary && input.some(octet => octet >= 0x80 || octet === 0)
}

function decodeText(input: Uint8Array): Uint8Array {
  // Latin-1 keeps one character for each byte, so that places in the text are places in the file.
  const text = decodeLatin1(input)
    .replace(/^\xef\xbb\xbf/, '   ')
    .replace(/\0\s*$/, '')
  const nul = text.indexOf('\0')
  if (nul !== -1) throw malformed(`there is a NUL byte at byte ${nul}; send the text without padding`)
  const form = describeForm(text)
  if (form !== undefined) throw malformed(form)
  if (hasArmour(text)) return readArmour(text)
  const mistake = describeOtherText(text)
  if (mistake !== undefined) throw malformed(mistake)
  const der = decodeBase64(text, 0)
  // Many a word is valid base64.
  if (der[0] !== 0x30 && !isCardRequest(der)) throw malformed('it is neither DER, PEM nor base64 of a CSR')
  return der
}

function malformed(reason: string): MintlineError {
  return new MintlineError('csr_malformed', `The CSR cannot be read: ${reason}.`)
}

function tooLarge(found: string, maximumBytes: number): MintlineError {
  return new MintlineError(
    'csr_too_large',
    `The CSR has ${found}; at most ${maximumBytes} are read. A CSR of an RSA-4096 key has about 1,700 bytes.`
  )
}
