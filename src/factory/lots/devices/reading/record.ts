/** One row of a list as it came. */
export interface RawRecord {
  /** From 1: the line on which it begins, or its number in an array. */
  readonly position: number
  /** How many octets of the list end with it: from there on it can be gone on with. */
  readonly end: number
  /** How many lines, or elements, are over with it. */
  readonly passed: number
  /** Undefined where it is longer than is read. */
  readonly bytes: Buffer | undefined
}

/** Where a reader is between two records: enough for another to go on. */
export interface ReaderPlace {
  /** Octets before it. */
  readonly offset: number
  /** Lines that are over, or elements. */
  readonly passed: number
}

/** Takes a list piece by piece. Holds no more than one record and one piece. */
export interface Splitter {
  /** The records that end in this piece. Draw them all before the next one. @throws StructureFault. */
  push(chunk: Buffer): Iterable<RawRecord>
  /** What is left at the end of the list. @throws StructureFault. */
  end(): Iterable<RawRecord>
}

/** Octets: eight values of 64 characters that are written with escapes fit. */
export const maximumRecordBytes = 4_096

/** The list cannot be read on from here. */
export class StructureFault extends Error {
  readonly position: number
  readonly expected: string

  constructor(position: number, expected: string, message: string) {
    super(message)
    this.position = position
    this.expected = expected
  }
}
