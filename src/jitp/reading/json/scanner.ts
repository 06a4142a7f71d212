export type JsonFaultKind =
  | 'syntax'
  | 'duplicate-name'
  | 'trailing-comma'
  | 'comment'
  | 'typographic-quotes'
  | 'single-quotes'
  | 'control-character'
  | 'foreign-space'
  | 'bad-escape'
  | 'unescaped-quotes'
  | 'byte-order-mark'
  | 'yaml-syntax'
  | 'too-deep'
  | 'too-large'

interface JsonMismatch {
  readonly expected: string
  readonly found: string
}

export interface JsonFault extends JsonMismatch {
  readonly kind: JsonFaultKind
  /** Index into the text, in UTF-16 code units. */
  readonly offset: number
  /** The value that was being read, as an RFC 6901 pointer. */
  readonly pointer: string
}

const faultsPerKind = 20
const typographicQuotes = new Set('“”„‟«»″＂‘’‚‛′´`')
const foreignSpaces = new Set('\u00a0\u2002\u2003\u2007\u2009\u200b\u202f\u2060\u3000')
const simpleEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t'
}
// eslint-disable-next-line no-control-regex -- what JSON has escaped
const plainPattern = /[^"\\\u0000-\u001f]+/y

/** What a scanner throws when it cannot go on; its fault is on the list. */
export class ReadingStopped extends Error {}

/** A place in a JSON text, and the moves that do not depend on structure: blanks, quotes, strings. */
export class JsonScanner {
  readonly text: string
  faults: JsonFault[] = []
  offset = 0

  constructor(text: string) {
    this.text = text
  }

  /**
   * Reads the string that starts here. `origins` receives, for each UTF-16 code unit of the value, the place in
   * the text that it comes from, and one more entry for the end.
   */
  string(origins?: number[]): string {
    const parts: string[] = []
    const start = this.offset
    const opening = this.peek()
    const isStraight = opening === '"'
    if (opening === "'") this.fault('single-quotes', start, { expected: '"', found: "'" })
    else if (!isStraight) this.fault('typographic-quotes', start, { expected: '"', found: opening })
    this.offset += 1
    for (;;) {
      const character = this.peek()
      if (character === '') {
        this.offset = start
        this.stop('syntax', { expected: 'a string that is closed', found: 'the end of the text' })
      }
      if (isStraight ? character === '"' : this.#closesLoose(opening, character)) break
      if (isStraight && character !== '\\' && character >= ' ') this.#plainRun(parts, origins)
      else this.character(parts, origins)
    }
    if (!isStraight && this.peek() !== '"' && opening !== "'") {
      this.fault('typographic-quotes', this.offset, { expected: '"', found: this.peek() })
    }
    origins?.push(this.offset)
    this.offset += 1
    return parts.join('')
  }

  /** The characters up to the next one that means something in a string. */
  #plainRun(parts: string[], origins?: number[]): void {
    const start = this.offset
    plainPattern.lastIndex = start
    plainPattern.test(this.text)
    this.offset = plainPattern.lastIndex
    parts.push(this.text.slice(start, this.offset))
    for (let origin = start; origins !== undefined && origin < this.offset; origin += 1) origins.push(origin)
  }

  #closesLoose(opening: string, character: string): boolean {
    return opening === "'" ? character === "'" : character === '"' || typographicQuotes.has(character)
  }

  /** One character of a string, escapes resolved. */
  character(parts: string[], origins?: number[]): void {
    const start = this.offset
    const character = this.peek()
    let value = character
    this.offset += 1
    if (character === '\\') value = this.#escape(start)
    else if (character < ' ') {
      const expected = 'line breaks in a string written as \\n'
      this.fault('control-character', start, { expected, found: codePointName(character) })
    }
    parts.push(value)
    for (let unit = 0; unit < value.length; unit += 1) origins?.push(start)
  }

  #escape(start: number): string {
    const letter = this.peek()
    this.offset += 1
    if (letter === 'u') {
      const digits = this.text.slice(this.offset, this.offset + 4)
      if (/^[0-9a-fA-F]{4}$/.test(digits)) {
        this.offset += 4
        return String.fromCharCode(Number.parseInt(digits, 16))
      }
    }
    const value = Object.hasOwn(simpleEscapes, letter) ? simpleEscapes[letter] : undefined
    if (value !== undefined) return value
    const kind = typographicQuotes.has(letter) ? 'typographic-quotes' : 'bad-escape'
    const expected = 'one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX'
    this.fault(kind, start, { expected, found: `\\${letter}` })
    return letter
  }

  skipBlank(): void {
    for (;;) {
      const character = this.peek()
      if (character === ' ' || character === '\n' || character === '\r' || character === '\t')
        this.offset += 1
      else if (character === '/' && !this.#skipComment()) return
      else if (foreignSpaces.has(character)) {
        this.fault('foreign-space', this.offset, {
          expected: 'a plain space',
          found: codePointName(character)
        })
        this.offset += 1
      } else if (character !== '/') return
    }
  }

  #skipComment(): boolean {
    const next = this.text.charAt(this.offset + 1)
    if (next !== '/' && next !== '*') return false
    this.fault('comment', this.offset, { expected: 'no comments', found: `/${next}` })
    const end = this.text.indexOf(next === '/' ? '\n' : '*/', this.offset + 2)
    this.offset = end < 0 ? this.text.length : next === '/' ? end : end + 2
    return true
  }

  isQuote(character: string): boolean {
    return character === '"' || character === "'" || typographicQuotes.has(character)
  }

  peek(): string {
    return this.text.charAt(this.offset)
  }

  here(): string {
    return this.offset >= this.text.length ? 'the end of the text' : `"${this.peek()}"`
  }

  fault(kind: JsonFaultKind, offset: number, { expected, found }: JsonMismatch): void {
    let count = 0
    for (const fault of this.faults) if (fault.kind === kind) count += 1
    if (count >= faultsPerKind) return
    this.faults.push({ kind, offset, pointer: this.pointer(), expected, found })
  }

  /** The value being read, for the faults. */
  pointer(): string {
    return ''
  }

  stop(kind: JsonFaultKind, mismatch: JsonMismatch): never {
    this.fault(kind, this.offset, mismatch)
    throw new ReadingStopped()
  }
}

function codePointName(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
