import type { FindingId, FindingText } from '../findings/finding.ts'
import type { JsonPlaces } from '../reading/json/places.ts'
import { readStringLiteral } from '../reading/json/source.ts'

/** Those that are over show once the others are corrected. */
const problemsOfAKind = 50

/** What is wrong at a place of a document. */
export interface DocumentText extends FindingText {
  /** RFC 6901, into the document. */
  readonly pointer: string
  /** That the member's name is meant, not its value. */
  readonly part?: 'name'
  /** UTF-16 code unit of the string value at the pointer. */
  readonly index?: number
}

export interface DocumentProblem extends DocumentText {
  readonly id: FindingId
  /** UTF-16 code unit of the document's text. */
  readonly offset: number
}

/** Collects what is wrong with one document, at most fifty of a kind. */
export class DocumentReport {
  readonly problems: DocumentProblem[] = []
  readonly #text: string
  readonly #places: JsonPlaces
  readonly #counts = new Map<FindingId, number>()
  readonly #origins = new Map<number, readonly number[]>()

  constructor(text: string, places: JsonPlaces) {
    this.#text = text
    this.#places = places
  }

  add(id: FindingId, text: DocumentText): void {
    if (this.#count(id)) this.problems.push(this.locate(id, text))
  }

  /** For what has no place among the values. */
  addAt(id: FindingId, offset: number, text: Omit<FindingText, 'pointer'>): void {
    if (this.#count(id)) this.problems.push({ id, offset, pointer: '', ...text })
  }

  /** Reports `policy-document-invalid`. */
  invalid(pointer: string, expected: string, found: string): void {
    const message = `Expected ${expected} in the policy document, found ${found}.`
    this.add('policy-document-invalid', { pointer, message, expected, found })
  }

  /** The same, pointing at the member's name. */
  unknownMember(pointer: string, expected: string, found: string): void {
    const message = `Expected ${expected} in the policy document, found ${found}.`
    this.add('policy-document-invalid', { pointer, part: 'name', message, expected, found })
  }

  locate(id: FindingId, text: DocumentText): DocumentProblem {
    const { value, name } = this.#places.nearest(text.pointer)
    if (text.part === 'name') return { ...text, id, offset: name ?? value }
    if (text.index === undefined || this.#text.charAt(value) !== '"') return { ...text, id, offset: value }
    return { ...text, id, offset: this.#originsAt(value)[text.index] ?? value }
  }

  #originsAt(place: number): readonly number[] {
    const origins = this.#origins.get(place) ?? readStringLiteral(this.#text, place).origins
    this.#origins.set(place, origins)
    return origins
  }

  #count(id: FindingId): boolean {
    const count = (this.#counts.get(id) ?? 0) + 1
    this.#counts.set(id, count)
    return count <= problemsOfAKind
  }
}
