import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { decodeText, LineReader } from './text.ts'

/** What a log asks a witness for: c2sp.org/tlog-witness. */
export interface AddCheckpoint {
  /** Number of entries that the log takes the witness to have cosigned last. */
  readonly oldSize: number
  /** From there to the checkpoint. */
  readonly proof: readonly Uint8Array[]
  readonly checkpoint: Checkpoint
}

/** @throws MintlineError `note_malformed`. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const reader = new LineReader(decodeText(body))
  const oldSize = reader.readNumber('`old ` and a number of entries in decimal, below 2^53', 'old ')
  const proof = reader.readHashes('a hash of the consistency proof')
  const { line } = reader
  return { oldSize, proof, checkpoint: parseCheckpoint(reader.readRest(), line) }
}
