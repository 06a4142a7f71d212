import { maximumRecordBytes, type RawRecord, type ReaderPlace, type Splitter } from './record.ts'

const lineFeed = 0x0a
const quote = 0x22

/** Where in a field of CSV: at its start, in one without quotes, in quotes, behind a quote within these. */
type FieldState = 'start' | 'plain' | 'quoted' | 'behind-quote'

/**
 * Lines, and with a delimiter records of CSV (RFC 4180, section 2), whose quotes may hold line feeds. A quote that is not
 * closed within the length of a record ends with its line, so that the lines behind it are read as what they are.
 */
export class LineSplitter implements Splitter {
  /** Of CSV: an octet. It may be set once the header is known. */
  delimiter: number | undefined
  readonly #parts: Buffer[] = []
  #length = 0
  #offset: number
  #passed: number
  /** Line feeds in the record that is begun. */
  #inner = 0
  #state: FieldState = 'start'

  constructor({ offset, passed }: ReaderPlace, delimiter?: number) {
    this.#offset = offset
    this.#passed = passed
    this.delimiter = delimiter
  }

  *push(chunk: Buffer): Generator<RawRecord> {
    let start = 0
    for (let index = 0; index < chunk.length; index++) {
      const octet = chunk[index]!
      if (octet !== lineFeed) {
        if (this.delimiter !== undefined) this.#state = this.#next(octet)
        continue
      }
      const length = this.#length + index - start
      if (this.#state === 'quoted' && length <= maximumRecordBytes) {
        this.#inner += 1
        continue
      }
      this.#keep(chunk.subarray(start, index))
      start = index + 1
      yield this.#record(this.#offset + start)
    }
    this.#keep(chunk.subarray(start))
    this.#offset += chunk.length
  }

  *end(): Generator<RawRecord> {
    if (this.#length > 0) yield this.#record(this.#offset)
  }

  #next(octet: number): FieldState {
    switch (this.#state) {
      case 'quoted':
        return octet === quote ? 'behind-quote' : 'quoted'
      case 'start':
      case 'behind-quote':
        if (octet === quote) return 'quoted'
        return octet === this.delimiter ? 'start' : 'plain'
      case 'plain':
        return octet === this.delimiter ? 'start' : 'plain'
    }
  }

  #keep(part: Buffer): void {
    this.#length += part.length
    if (this.#length > maximumRecordBytes) this.#parts.length = 0
    else this.#parts.push(part)
  }

  #record(end: number): RawRecord {
    const position = this.#passed + 1
    const bytes = this.#length > maximumRecordBytes ? undefined : Buffer.concat(this.#parts)
    this.#passed += 1 + this.#inner
    this.#parts.length = 0
    this.#length = 0
    this.#inner = 0
    this.#state = 'start'
    return { position, end, passed: this.#passed, bytes }
  }
}
