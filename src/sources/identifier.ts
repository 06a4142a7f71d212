import type { RandomBytes } from './random-bytes.ts'

/**
 * UUIDv7 (RFC 9562 §5.7) of a given moment: ids sort by time, so that a page of the newest records is one walk
 * along the primary key.
 *
 * @param time kept to the millisecond.
 */
export function newId(time: Date, randomBytes: RandomBytes): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(time.getTime(), 0, 6)
  bytes.set(randomBytes(10), 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return formatIdentifier(bytes)
}

/** To the millisecond. */
export function timeOfIdentifier(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))
}

/** A part of a list that is sorted by id. */
export interface IdentifierRange {
  readonly from?: Date | undefined
  /** Exclusive. */
  readonly to?: Date | undefined
  /** The id before which the page begins. */
  readonly cursor?: string | undefined
}

/** `from`, `to` and the cursor are all bounds on the id, which begins with the time: not below `first`, and below `end`. */
export function identifierBounds({ from, to, cursor }: IdentifierRange): {
  readonly first: string | undefined
  readonly end: string | undefined
} {
  // A client may write the hex of its cursor in capitals, which sort before small letters.
  const ends = [cursor?.toLowerCase(), to && firstIdentifierOf(to)].filter(end => end !== undefined)
  return { first: from && firstIdentifierOf(from), end: ends.sort()[0] }
}

/** The smallest id that a moment can have: the bound for "from" and "to". */
export function firstIdentifierOf(time: Date): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(Math.max(0, time.getTime()), 0, 6)
  return formatIdentifier(bytes)
}

function formatIdentifier(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
