import {
  maximumRecordBytes,
  type RawRecord,
  type ReaderPlace,
  type Splitter,
  StructureFault
} from './record.ts'

const octets = {
  quote: 0x22,
  comma: 0x2c,
  open: 0x5b,
  close: 0x5d,
  backslash: 0x5c,
  begin: 0x7b,
  finish: 0x7d
}

const byteOrderMark = [0xef, 0xbb, 0xbf]

const isSpace = (octet: number) => octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09

/** Before the array, before an element, in one, behind one, behind the array. */
type ArrayState = 'before' | 'ahead' | 'inside' | 'behind' | 'over'

/** The elements of one JSON array (RFC 8259, section 5), without making more than one of them a value. */
export class ArraySplitter implements Splitter {
  readonly #parts: Buffer[] = []
  #length = 0
  #offset: number
  #passed: number
  #state: ArrayState
  #depth = 0
  #isText = false
  #isEscaped = false
  /** Octets of a byte order mark. */
  #marks = 0
  /** Whether a comma asks for an element. */
  #isOwed = false

  /** @param place behind an element, or at the beginning. */
  constructor({ offset, passed }: ReaderPlace) {
    this.#offset = offset
    this.#passed = passed
    this.#state = offset === 0 ? 'before' : 'behind'
  }

  *push(chunk: Buffer): Generator<RawRecord> {
    let start = 0
    for (let index = 0; index < chunk.length; index++) {
      const octet = chunk[index]!
      if (this.#state === 'inside') {
        if (!this.#endsElement(octet)) continue
        this.#keep(chunk.subarray(start, index))
        yield this.#record(this.#offset + index)
      }
      if (!isSpace(octet)) this.#step(octet)
      if (this.#state === 'inside' && this.#length === 0) start = index
    }
    if (this.#state === 'inside') this.#keep(chunk.subarray(start))
    this.#offset += chunk.length
  }

  // eslint-disable-next-line require-yield -- an array that is whole has nothing left
  *end(): Generator<RawRecord> {
    if (this.#state === 'over') return
    throw new StructureFault(
      this.#passed + 1,
      'a JSON array that ends with ]',
      this.#state === 'before' ? 'The list is empty.' : 'The list ends within the array. Send the whole file.'
    )
  }

  /** Outside of elements. */
  #step(octet: number): void {
    switch (this.#state) {
      case 'before':
        if (octet === byteOrderMark[this.#marks]) return void (this.#marks += 1)
        if (octet !== octets.open)
          throw this.#fault('a JSON array', 'The list does not begin with [. Compare Content-Type and file.')
        this.#state = 'ahead'
        return
      case 'ahead':
        if (octet === octets.close && !this.#isOwed) this.#state = 'over'
        else this.#begin(octet)
        return
      case 'behind':
        if (octet === octets.close) this.#state = 'over'
        else if (octet === octets.comma) {
          this.#state = 'ahead'
          this.#isOwed = true
        } else throw this.#fault('a comma or ]', 'Something else stands between two devices.')
        return
      case 'inside':
      case 'over':
        throw this.#fault('nothing behind the array', 'Something stands behind the array. Send one array.')
    }
  }

  #begin(octet: number): void {
    if (octet === octets.comma || octet === octets.close)
      throw this.#fault('a device between two commas', 'A comma is too many.')
    this.#state = 'inside'
    this.#depth = 0
    this.#endsElement(octet)
  }

  /** Whether the element is over before this octet. */
  #endsElement(octet: number): boolean {
    if (this.#isText) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (octet === octets.backslash) this.#isEscaped = true
      else if (octet === octets.quote) this.#isText = false
      return false
    }
    if (this.#depth === 0 && (octet === octets.comma || octet === octets.close)) return true
    if (octet === octets.quote) this.#isText = true
    else if (octet === octets.begin || octet === octets.open) this.#depth += 1
    else if (octet === octets.finish || octet === octets.close) this.#depth -= 1
    return false
  }

  #keep(part: Buffer): void {
    this.#length += part.length
    if (this.#length > maximumRecordBytes) this.#parts.length = 0
    else this.#parts.push(part)
  }

  #record(end: number): RawRecord {
    const bytes = this.#length > maximumRecordBytes ? undefined : Buffer.concat(this.#parts)
    this.#passed += 1
    this.#parts.length = 0
    this.#length = 0
    this.#state = 'behind'
    this.#isOwed = false
    return { position: this.#passed, end, passed: this.#passed, bytes }
  }

  #fault(expected: string, message: string): StructureFault {
    return new StructureFault(this.#passed + 1, expected, message)
  }
}
