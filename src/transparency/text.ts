import { MintlineError } from '../errors/mintline-error.ts'
import { fromBase64 } from '../pki/der/octet-text.ts'
import { decodeUtf8 } from '../pki/der/octets.ts'
import { hashOctets } from './tree/tree-hash.ts'

const maximumQuoted = 60

/** What a line was to be, and what it is instead. */
export interface LineFault {
  /** From 1. */
  readonly line: number
  readonly expected: string
  readonly found: string
}

/** The refusal of a text that is not as C2SP has it. The line is named, and of what it holds so much as may be told. */
export function malformed({ line, expected, found }: LineFault): MintlineError {
  return new MintlineError('note_malformed', `Line ${line}: expected ${expected}; found ${found}.`, {
    violations: [
      {
        pointer: `line ${line}`,
        expected,
        found,
        message: 'Get it anew from where it was made; nothing in it may be changed.'
      }
    ]
  })
}

/** For a message: the beginning of a line, and nothing of a private key in the form of Go's sumdb/note. */
export function quoted(text: string | undefined): string {
  if (text === undefined) return 'the end of the text'
  if (text === '') return 'an empty line'
  if (text.includes('PRIVATE+KEY')) return 'a private key'
  return JSON.stringify(text.length > maximumQuoted ? `${text.slice(0, maximumQuoted)}…` : text)
}

/**
 * UTF-8 without control characters other than newline, and ending in one: what all texts of C2SP have in common
 * (c2sp.org/signed-note).
 *
 * @throws MintlineError `note_malformed`.
 */
export function decodeText(octets: Uint8Array): string {
  const text = decodeUtf8(octets)
  if (text === undefined)
    throw malformed({ line: 1, expected: 'text in UTF-8', found: 'octets that are none' })
  assertLines(text)
  return text
}

function assertLines(text: string): void {
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  const control = /[\u0000-\u0009\u000b-\u001f]/.exec(text)
  if (control !== null) {
    const line = text.slice(0, control.index).split('\n').length
    const code = control[0].charCodeAt(0).toString(16).padStart(4, '0')
    throw malformed({ line, expected: 'no control character', found: `U+${code.toUpperCase()}` })
  }
  if (text.endsWith('\n')) return
  const lines = text.split('\n')
  const found = text === '' ? 'an empty text' : `${quoted(lines.at(-1))} without one`
  throw malformed({ line: lines.length, expected: 'a newline at the end', found })
}

/** A tree of 2^63 entries needs no more. */
const maximumProofHashes = 63

/** The lines of a text one after the other, with their numbers. */
export class LineReader {
  readonly #lines: readonly string[]
  readonly #firstLine: number
  #next = 0

  /** @param text ends in a newline. @param firstLine the number of its first line in what it is a part of. */
  constructor(text: string, firstLine = 1) {
    this.#lines = text.split('\n').slice(0, -1)
    this.#firstLine = firstLine
  }

  /** Of the line that is read next. */
  get line(): number {
    return this.#firstLine + this.#next
  }

  get hasMore(): boolean {
    return this.#next < this.#lines.length
  }

  peek(): string | undefined {
    return this.#lines[this.#next]
  }

  /** @throws MintlineError `note_malformed` at the end of the text. */
  read(expected: string): string {
    const text = this.peek()
    if (text === undefined) throw this.refuse(expected)
    this.#next++
    return text
  }

  /** A whole number in decimal, without leading zeros. @throws MintlineError `note_malformed`; also for 2^53 and more. */
  readNumber(expected: string, before = ''): number {
    const text = this.peek()
    const digits = text?.startsWith(before) === true ? text.slice(before.length) : ''
    if (!/^(0|[1-9][0-9]{0,15})$/.test(digits) || !Number.isSafeInteger(Number(digits)))
      throw this.refuse(expected)
    this.#next++
    return Number(digits)
  }

  /** A SHA-256 in base64. @throws MintlineError `note_malformed`. */
  readHash(expected: string): Uint8Array {
    const octets = decodeBase64(this.peek() ?? '')
    if (octets?.length !== hashOctets) throw this.refuse(`${expected}: a SHA-256 in base64`)
    this.#next++
    return octets
  }

  /** Up to an empty line, which is read, too. @throws MintlineError `note_malformed` where there are more than `maximum`. */
  readHashes(expected: string): readonly Uint8Array[] {
    const hashes: Uint8Array[] = []
    while (this.peek() !== '') {
      if (hashes.length === maximumProofHashes)
        throw this.refuse(`an empty line after ${maximumProofHashes} hashes at the most`)
      hashes.push(this.readHash(`${expected}, or an empty line`))
    }
    this.#next++
    return hashes
  }

  /** All that has not been read. */
  readRest(): string {
    const rest = this.#lines.slice(this.#next)
    this.#next = this.#lines.length
    return rest.map(line => `${line}\n`).join('')
  }

  /** Of the line that is read next. */
  refuse(expected: string): MintlineError {
    return malformed({ line: this.line, expected, found: quoted(this.peek()) })
  }
}

/** RFC 4648 §4, padded, without anything in between and no bits behind the last octet; else undefined. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  try {
    return fromBase64(text, true)
  } catch {
    return undefined
  }
}
