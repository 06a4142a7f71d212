import { MintlineError } from '../../errors/mintline-error.ts'
import { fromBase64 } from '../der/octet-text.ts'

const outsideAlphabet = /[^A-Za-z0-9+/=\s]/
const whiteSpace = /\s+/g

/** Lines and columns count from 1; a CRLF is one line end. */
export function placeOf(text: string, index: number): string {
  const lines = text.slice(0, index).split(/\r\n|\n|\r/)
  return `line ${lines.length}, character ${(lines.at(-1) ?? '').length + 1}`
}

/**
 * Decodes the base64 (RFC 4648 §4) in `text` from `start` to `end`; white space is passed over. Throws
 * `csr_malformed` naming line and character of the first fault: another character, base64url, missing or misplaced
 * padding, left-over bits.
 */
export function decodeBase64(text: string, start: number, end = text.length): Uint8Array {
  const body = text.slice(start, end)
  const stranger = outsideAlphabet.exec(body)
  if (stranger !== null) throw refuse(text, start + stranger.index, describeCharacter(stranger[0]))
  const digits = body.replaceAll(whiteSpace, '')
  if (digits === '') throw refuse(text, start, 'there is no base64')
  const padding = digits.indexOf('=')
  if (padding !== -1 && !/^={1,2}$/.test(digits.slice(padding))) {
    throw refuse(text, start + body.indexOf('='), 'padding (=) stands before the end')
  }
  const cutShort = 'the base64 is cut short: its length is not a multiple of 4'
  if (digits.length % 4 !== 0) throw refuse(text, end, cutShort)
  try {
    return fromBase64(digits, true)
  } catch {
    // Whatever the bits behind the last octet say, the encoder left them zero, or the text was altered.
    throw refuse(text, end, 'the last base64 character has bits that belong to no byte')
  }
}

function describeCharacter(character: string): string {
  if (character === '-' || character === '_') {
    return `"${character}" belongs to base64url; send plain base64 with + and / (RFC 4648 §4)`
  }
  const code = character.charCodeAt(0)
  const shown = code > 0x20 && code < 0x7f ? `"${character}"` : `byte 0x${code.toString(16).padStart(2, '0')}`
  return `${shown} is not a base64 character`
}

function refuse(text: string, index: number, reason: string): MintlineError {
  return new MintlineError('csr_malformed', `The CSR cannot be read: ${reason} (${placeOf(text, index)}).`)
}
