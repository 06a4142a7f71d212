import { type Checkpoint, readCheckpoint } from './checkpoint.ts'
import { parseSignedNote } from './note/signed-note.ts'
import { decodeText, LineReader } from './text.ts'

/** What a log asks a witness for: c2sp.org/tlog-witness. */
export interface AddCheckpoint {
  /** Number of entries that the log takes the witness to have cosigned last. */
  readonly oldSize: number
  /** From there to the checkpoint. */
  readonly proof: readonly Uint8Array[]
  readonly checkpoint: Checkpoint
}

/** A tree of 2^63 entries needs no more. */
const maximumProofHashes = 63

/** @throws MintlineError `note_malformed`. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const reader = new LineReader(decodeText(body))
  const oldSize = reader.readNumber('`old ` and a number of entries in decimal, below 2^53', 'old ')
  const proof = reader.readHashes('a hash of the consistency proof', maximumProofHashes)
  const { line } = reader
  return { oldSize, proof, checkpoint: readCheckpoint(parseSignedNote(reader.readRest(), line), line) }
}
