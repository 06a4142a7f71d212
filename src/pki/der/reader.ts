import { type ErrorCode, MintlineError } from '../../errors/mintline-error.ts'
import type { DerElement } from './element.ts'
import { dottedForm, primitiveFault } from './primitive.ts'
import { contextConstructed, tagName, tags } from './tag.ts'

/** Makes the error for a fault at an absolute byte offset, counted from 0. */
export type DerRefusal = (reason: string, offset: number) => MintlineError

/** Refusals of one code for one kind of structure, e.g. `createDerRefusal('csr_malformed', 'CSR')`. */
export function createDerRefusal(code: ErrorCode, structure: string): DerRefusal {
  return (reason, offset) =>
    new MintlineError(code, `The ${structure} is malformed at byte ${offset}: ${reason}.`)
}

/** Deeper structures than this occur in no CSR or certificate. */
const maximumDepth = 16

/**
 * A strict DER reader (X.690 §10, §11) over one range of a byte array. What it returns are views, not copies.
 *
 * It refuses indefinite, non-minimal and over-long lengths, high tag numbers, contents that run past their
 * container, non-minimal INTEGERs, BOOLEANs other than 00 and FF, BIT STRINGs with faulty padding and nesting
 * beyond 16 levels. Every method throws what `refuse` makes. `what` names the field in the message.
 */
export class DerReader {
  readonly bytes: Uint8Array
  readonly refuse: DerRefusal
  offset = 0
  #end: number
  #depth = 0

  /** Reads all of `bytes`; a reader over a part of them is had by entering an element. */
  constructor(bytes: Uint8Array, refuse: DerRefusal) {
    this.bytes = bytes
    this.refuse = refuse
    this.#end = bytes.length
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#end
  }

  /** The next tag, or `undefined` at the end. */
  peekTag(): number | undefined {
    return this.isAtEnd ? undefined : this.bytes[this.offset]
  }

  /** Takes the next element, whatever it is. */
  readElement(what: string): DerElement {
    const start = this.offset
    const tag = this.peekTag()
    if (tag === undefined) throw this.refuse(`${what} is missing`, start)
    if ((tag & 0x1f) === 0x1f) throw this.refuse('tag numbers above 30 are not used here', start)
    const contentStart = this.#readLength(start + 1)
    const end = this.offset
    return { tag, start, contentStart, end }
  }

  /** Takes the next element, which must have this tag. */
  readTagged(tag: number, what: string): DerElement {
    const found = this.peekTag()
    if (found !== undefined && found !== tag) {
      throw this.refuse(`${what} must be ${tagName(tag)} but is ${tagName(found)}`, this.offset)
    }
    return this.readElement(what)
  }

  /** A reader over the contents of a constructed element. */
  enter(element: DerElement): DerReader {
    const { contentStart, end } = element
    if (this.#depth >= maximumDepth) {
      throw this.refuse(`it is nested deeper than ${maximumDepth} levels`, contentStart)
    }
    const inner = this.fork()
    inner.offset = contentStart
    inner.#end = end
    inner.#depth += 1
    return inner
  }

  /** A second reader at the same place, to look ahead; it can refuse in words of its own. */
  fork(refuse = this.refuse): DerReader {
    const second = new DerReader(this.bytes, refuse)
    second.offset = this.offset
    second.#end = this.#end
    second.#depth = this.#depth
    return second
  }

  readSequence(what: string): DerReader {
    return this.enter(this.readTagged(tags.sequence, what))
  }

  readSet(what: string): DerReader {
    return this.enter(this.readTagged(tags.set, what))
  }

  /** The contents of `[number] EXPLICIT`, or `undefined` when the next element is another. */
  readOptionalExplicit(number: number, what: string): DerReader | undefined {
    return this.peekTag() === contextConstructed(number) ? this.enter(this.readElement(what)) : undefined
  }

  /** The content octets of an INTEGER: two's complement, minimal, at least one octet. */
  readInteger(what: string): Uint8Array {
    const element = this.readTagged(tags.integer, what)
    this.assertPrimitive(element)
    return this.content(element)
  }

  /** The magnitude of a non-negative INTEGER, without a leading zero octet except for zero itself. */
  readUnsignedInteger(what: string): Uint8Array {
    const start = this.offset
    const octets = this.readInteger(what)
    if ((octets[0] as number) >= 0x80) throw this.refuse(`${what} must not be negative`, start)
    return octets[0] === 0 && octets.length > 1 ? octets.subarray(1) : octets
  }

  /** A non-negative INTEGER that fits 31 bits. */
  readSmallInteger(what: string): number {
    const start = this.offset
    const octets = this.readUnsignedInteger(what)
    const value = octets.reduce((sum, octet) => sum * 256 + octet, 0)
    if (octets.length > 4 || value > 0x7fffffff) throw this.refuse(`${what} is too large`, start)
    return value
  }

  /** The dotted form. */
  readObjectIdentifier(what: string): string {
    const element = this.readTagged(tags.objectIdentifier, what)
    this.assertPrimitive(element)
    return dottedForm(this.bytes, element.contentStart, element.end)
  }

  readBoolean(what: string): boolean {
    const element = this.readTagged(tags.boolean, what)
    this.assertPrimitive(element)
    return this.bytes[element.contentStart] === 0xff
  }

  readNull(what: string): void {
    this.assertPrimitive(this.readTagged(tags.null, what))
  }

  readOctetString(what: string): Uint8Array {
    return this.content(this.readTagged(tags.octetString, what))
  }

  /** A reader over the DER that an OCTET STRING carries. */
  enterOctetString(what: string): DerReader {
    return this.enter(this.readTagged(tags.octetString, what))
  }

  /** A reader over the octets of a BIT STRING without unused bits, as keys and signatures are. */
  enterBitString(what: string): DerReader {
    const element = this.readTagged(tags.bitString, what)
    this.assertPrimitive(element)
    if (this.bytes[element.contentStart] !== 0) {
      throw this.refuse(`${what} must be whole octets, without unused bits`, element.contentStart)
    }
    return this.enter({ ...element, contentStart: element.contentStart + 1 })
  }

  /** What is left. */
  get rest(): Uint8Array {
    return this.bytes.subarray(this.offset, this.#end)
  }

  content(element: DerElement): Uint8Array {
    return this.bytes.subarray(element.contentStart, element.end)
  }

  /** Tag, length and content. */
  encoding(element: DerElement): Uint8Array {
    return this.bytes.subarray(element.start, element.end)
  }

  /** Nothing may follow. */
  assertEnd(what: string): void {
    if (!this.isAtEnd) {
      throw this.refuse(
        `${this.#end - this.offset} unexpected bytes follow at the end of ${what}`,
        this.offset
      )
    }
  }

  /** Checks the content rules of DER for the universal primitive types; other types pass. */
  assertPrimitive(element: DerElement): void {
    const reason = primitiveFault(this.bytes, element)
    if (reason !== undefined) throw this.refuse(reason, element.contentStart)
  }

  /** Reads a length at `at`, moves behind the content and returns where the content starts. */
  #readLength(at: number): number {
    const first = at < this.#end ? (this.bytes[at] as number) : undefined
    if (first === undefined) throw this.refuse('the data ends before a length', at)
    if (first === 0x80) throw this.refuse('indefinite lengths are BER, not DER', at)
    let length = first
    let contentStart = at + 1
    if (first > 0x80) {
      const octets = first & 0x7f
      if (octets > 4) throw this.refuse(`a length of ${octets} octets is too long`, at)
      contentStart += octets
      if (contentStart > this.#end) throw this.refuse('the data ends within a length', at)
      length = 0
      for (let i = at + 1; i < contentStart; i++) length = length * 256 + (this.bytes[i] as number)
      if (length < 0x80 || this.bytes[at + 1] === 0) {
        throw this.refuse('a length is not in its shortest form', at)
      }
    }
    if (length > this.#end - contentStart) {
      throw this.refuse(
        `a length of ${length} bytes is announced but only ${this.#end - contentStart} are left`,
        at
      )
    }
    this.offset = contentStart + length
    return contentStart
  }
}
