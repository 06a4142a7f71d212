import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { decodeBase64, decodeText, LineReader } from './text.ts'

/** That a log has an entry, for who has the entry: c2sp.org/tlog-proof. */
export interface TlogProof {
  /** Of the entry, from 0. */
  readonly index: number
  /** From the leaf up. */
  readonly proof: readonly Uint8Array[]
  readonly checkpoint: Checkpoint
}

const form = 'c2sp.org/tlog-proof@v1'

/** Its extra data is passed over, since nothing vouches for it. @throws MintlineError `note_malformed`. */
export function parseTlogProof(octets: Uint8Array): TlogProof {
  const reader = new LineReader(decodeText(octets))
  if (reader.peek() !== form) throw reader.refuse(form)
  reader.read(form)
  if (reader.peek()?.startsWith('extra ') === true) readExtra(reader)
  const index = reader.readNumber('`index ` and the number of the entry in decimal, below 2^53', 'index ')
  const proof = reader.readHashes('a hash of the inclusion proof')
  const { line } = reader
  return { index, proof, checkpoint: parseCheckpoint(reader.readRest(), line) }
}

function readExtra(reader: LineReader): void {
  const expected = '`extra ` and data in base64'
  if (decodeBase64(reader.peek()?.slice('extra '.length) ?? '') === undefined) throw reader.refuse(expected)
  reader.read(expected)
}
