import { parseSignedNote, type SignedNote } from './note/signed-note.ts'
import { LineReader } from './text.ts'
import type { TreeHead } from './tree/consistency.ts'

/** What a log says of its tree: c2sp.org/tlog-checkpoint. */
export interface Checkpoint extends TreeHead {
  /** What the log is called, everywhere and for good. */
  readonly origin: string
  readonly note: SignedNote
}

/** Reads a note and its signatures. As `readCheckpoint`. */
export function parseCheckpoint(text: string, firstLine = 1): Checkpoint {
  return readCheckpoint(parseSignedNote(text, firstLine), firstLine)
}

/**
 * Reads the text of a note as a checkpoint. Extension lines are passed over: nobody else vouches for them.
 *
 * @param firstLine the number of its first line in what it is a part of.
 * @throws MintlineError `note_malformed`; also for 2^53 entries and more.
 */
export function readCheckpoint(note: SignedNote, firstLine = 1): Checkpoint {
  const reader = new LineReader(note.text, firstLine)
  const origin = readLine(reader, 'the origin of the log')
  const size = reader.readNumber('the number of entries in decimal, below 2^53')
  const root = reader.readHash('the root of the tree')
  while (reader.hasMore) readLine(reader, 'an extension line, which is not empty')
  return { origin, size, root, note }
}

function readLine(reader: LineReader, expected: string): string {
  if (reader.peek() === '') throw reader.refuse(expected)
  return reader.read(expected)
}
