import { StringDecoder } from 'node:string_decoder'

export type RowFormat = 'csv' | 'ndjson'

const quote = 0x22
const lineFeed = 0x0a

/** Tells whole rows from the beginning of the next one, in octets that come in parts of any size. */
export class RowScanner {
  readonly #format: RowFormat
  #rest: Uint8Array = new Uint8Array()
  /** Inside quotes a line may end in a row of CSV. */
  #isQuoted = false
  #lastRow: Uint8Array | undefined
  #lines = 0

  constructor(format: RowFormat) {
    this.#format = format
  }

  /** Without the names of the columns, which are the first row of CSV. */
  get rows(): number {
    return Math.max(0, this.#lines - (this.#format === 'csv' ? 1 : 0))
  }

  /** Of a row that has only begun. */
  get restOctets(): number {
    return this.#rest.length
  }

  /** What has only begun comes again, from its beginning. */
  dropRest(): void {
    this.#rest = new Uint8Array()
    this.#isQuoted = false
  }

  /** @returns the whole rows that are there with it. */
  add(octets: Uint8Array): Uint8Array {
    const all = Buffer.concat([this.#rest, octets])
    let begin = 0
    let end = 0
    for (let at = this.#rest.length; at < all.length; at += 1) {
      if (all[at] === quote && this.#format === 'csv') this.#isQuoted = !this.#isQuoted
      if (all[at] !== lineFeed || this.#isQuoted) continue
      begin = end
      end = at + 1
      this.#lines += 1
    }
    this.#rest = all.subarray(end)
    if (end > 0) this.#lastRow = all.subarray(begin, end)
    return all.subarray(0, end)
  }

  /**
   * The id of the last whole row, which is the cursor to go on with; undefined before the first.
   *
   * @throws SyntaxError for a row that is none of the service.
   */
  get cursor(): string | undefined {
    if (this.rows === 0 || this.#lastRow === undefined) return undefined
    const row = new StringDecoder('utf8').end(Buffer.from(this.#lastRow))
    const id: unknown =
      this.#format === 'csv' ? row.split(',', 1)[0] : (JSON.parse(row) as { readonly id?: unknown }).id
    if (typeof id === 'string' && /^[0-9a-f-]{36}$/.test(id)) return id
    throw new SyntaxError('the last row does not begin with an id')
  }
}
