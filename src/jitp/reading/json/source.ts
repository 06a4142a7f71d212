import { quoted } from '../../findings/quoted.ts'
import { addPlace, type JsonPlace, JsonPlaces, pointerOf } from './places.ts'
import { type JsonFault, JsonScanner, ReadingStopped } from './scanner.ts'

export { pointerTo } from './places.ts'

/** JSON as read here. Objects have no prototype, so that a member named `__proto__` is a member and nothing else. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

export interface JsonObject {
  readonly [name: string]: JsonValue
}

export interface JsonReading {
  /** What could be read, mistakes passed over; undefined when reading had to stop. */
  readonly value: JsonValue | undefined
  /** In the order met; at most twenty of a kind. Empty exactly when the text is RFC 8259 JSON with unique names. */
  readonly faults: readonly JsonFault[]
  readonly places: JsonPlaces
}

/** A template body has 10,240 characters at most; what is pasted may have several layers of escaping around it. */
export const maximumTextLength = 163_840
/** Characters that are read once more, since a string seemed to be an object: each time it may be all of the rest. */
const maximumReread = 1_000_000
/** Twice as many as a body of 10,240 characters has room for. */
export const maximumValues = 10_000
export const maximumDepth = 64

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const wordPattern = /[^\s,:{}[\]"]{0,40}/y
const words: Readonly<Record<string, JsonValue>> = { true: true, false: false, null: null }

/**
 * Reads JSON and keeps the place of every value. The mistakes of hand-edited and pasted files are passed over
 * and reported with their place: the text is valid JSON only if there are no faults. Never throws; time is
 * linear in the text, depth is bounded.
 */
export function readJson(text: string): JsonReading {
  return new JsonReader(text).read()
}

/** Whether a string literal starts at the offset, in quotes of any kind that is passed over. */
export function isStringAt(text: string, offset: number): boolean {
  return new JsonScanner(text).isQuote(text.charAt(offset))
}

/**
 * For the string literal that starts at `offset`: its value, and for each UTF-16 code unit of the value the
 * place in the text that it comes from, with one more entry for the end.
 */
export function readStringLiteral(text: string, offset: number): { value: string; origins: number[] } {
  const scanner = new JsonScanner(text)
  const origins: number[] = []
  scanner.offset = offset
  return { value: scanner.string(origins), origins }
}

/** The same for escaped text that has lost its quotes, from `offset` to the end. */
export function readEscapedText(text: string, offset: number): { value: string; origins: number[] } {
  const scanner = new JsonScanner(text)
  const origins: number[] = []
  const parts: string[] = []
  scanner.offset = offset
  while (scanner.offset < text.length) scanner.character(parts, origins)
  origins.push(scanner.offset)
  return { value: parts.join(''), origins }
}

class JsonReader extends JsonScanner {
  readonly #root: JsonPlace = { value: 0, name: undefined, parent: undefined, token: '' }
  #place = this.#root
  #values = 0
  #reread = 0

  read(): JsonReading {
    let value: JsonValue | undefined
    try {
      value = this.#document()
    } catch (error) {
      if (!(error instanceof ReadingStopped)) throw error
    }
    return { value, faults: this.faults, places: new JsonPlaces(this.#root) }
  }

  override pointer(): string {
    return pointerOf(this.#place)
  }

  #document(): JsonValue {
    if (this.text.length > maximumTextLength) {
      const expected = `at most ${maximumTextLength} characters`
      this.stop('too-large', { expected, found: `${this.text.length}` })
    }
    if (this.text.startsWith('\ufeff')) {
      this.fault('byte-order-mark', 0, { expected: 'no byte order mark', found: 'U+FEFF' })
      this.offset = 1
    }
    const value = this.#value(this.#root, 0)
    this.skipBlank()
    if (this.offset < this.text.length) this.#stopHere('the end of the text')
    return value
  }

  #value(place: JsonPlace, depth: number): JsonValue {
    this.#place = place
    if (++this.#values > maximumValues) {
      this.stop('too-large', { expected: `at most ${maximumValues} values`, found: 'more' })
    }
    this.skipBlank()
    place.value = this.offset
    const character = this.peek()
    if (character === '{' || character === '[') {
      if (depth >= maximumDepth) {
        this.stop('too-deep', { expected: `at most ${maximumDepth} levels`, found: 'more' })
      }
      return character === '{' ? this.#object(place, depth) : this.#array(place, depth)
    }
    if (this.isQuote(character)) return this.#stringOrBrokenObject(place, depth)
    return this.#numberOrWord()
  }

  #object(place: JsonPlace, depth: number): JsonObject {
    const members = Object.create(null) as Record<string, JsonValue>
    this.offset += 1
    let comma = -1
    for (;;) {
      this.skipBlank()
      if (this.#closes('}', comma)) return members
      const nameOffset = this.offset
      if (!this.isQuote(this.peek())) this.#stopHere('a member name in double quotes')
      const name = this.string()
      const member = addPlace(place, name, nameOffset)
      this.#place = member
      if (Object.hasOwn(members, name)) {
        this.fault('duplicate-name', nameOffset, {
          expected: 'each name once',
          found: `a second ${quoted(name)}`
        })
      }
      this.skipBlank()
      if (this.peek() !== ':') this.#stopHere('":" after the member name')
      this.offset += 1
      members[name] = this.#value(member, depth + 1)
      this.#place = place
      comma = this.#separator('}')
    }
  }

  #array(place: JsonPlace, depth: number): readonly JsonValue[] {
    const items: JsonValue[] = []
    this.offset += 1
    let comma = -1
    for (;;) {
      this.skipBlank()
      if (this.#closes(']', comma)) return items
      items.push(this.#value(addPlace(place, items.length), depth + 1))
      this.#place = place
      comma = this.#separator(']')
    }
  }

  /** Steps over a comma and returns its place, or -1 at the closing bracket. */
  #separator(closing: string): number {
    this.skipBlank()
    if (this.peek() === closing) return -1
    if (this.peek() !== ',') this.#stopHere(`"," or "${closing}"`)
    this.offset += 1
    return this.offset - 1
  }

  #closes(closing: string, comma: number): boolean {
    if (this.peek() !== closing) return false
    if (comma >= 0)
      this.fault('trailing-comma', comma, { expected: `no comma before "${closing}"`, found: '","' })
    this.offset += 1
    return true
  }

  /**
   * A string that seems to end inside an object, as in `"{ "Version": …`, is an object that was put between
   * quotes without escaping. It is read as that object if that works out.
   */
  #stringOrBrokenObject(place: JsonPlace, depth: number): JsonValue {
    const start = this.offset
    const faults = [...this.faults]
    const text = this.string()
    if (!/^\s*\{/.test(text) || this.#atValueEnd() || !this.#mayReread()) return text
    const end = this.offset
    const stringFaults = this.faults
    this.faults = [...faults]
    const expected = 'quotes inside a string written as \\"'
    this.fault('unescaped-quotes', start, { expected, found: 'a bare "' })
    try {
      this.offset = start + 1
      const value = this.#value(place, depth + 1)
      this.skipBlank()
      if (!this.isQuote(this.peek())) this.#stopHere('the closing quote')
      this.offset += 1
      return value
    } catch (error) {
      if (!(error instanceof ReadingStopped)) throw error
      this.faults = stringFaults
      this.offset = end
      place.value = start
      this.#place = place
      return text
    }
  }

  #mayReread(): boolean {
    this.#reread += this.text.length
    return this.#reread <= maximumReread
  }

  #atValueEnd(): boolean {
    const rest = /[\s]*/y
    rest.lastIndex = this.offset
    rest.test(this.text)
    const next = this.text.charAt(rest.lastIndex)
    return next === '' || ',}]'.includes(next)
  }

  #stopHere(expected: string): never {
    this.stop('syntax', { expected, found: this.here() })
  }

  #numberOrWord(): JsonValue {
    numberPattern.lastIndex = this.offset
    const number = numberPattern.exec(this.text)
    if (number !== null) {
      this.offset += number[0].length
      return Number(number[0])
    }
    wordPattern.lastIndex = this.offset
    const word = wordPattern.exec(this.text)?.[0] ?? ''
    if (!Object.hasOwn(words, word)) this.#stopHere('a JSON value')
    this.offset += word.length
    return words[word] ?? null
  }
}
