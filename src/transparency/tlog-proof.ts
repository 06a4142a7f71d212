import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import { decodeBase64, decodeText, LineReader } from './text.ts'

/** That a log has an entry, for who has the entry: c2sp.org/tlog-proof. */
export interface TlogProof {
  /** What its maker put beside it. Nothing vouches for it: it is worth what it says that the entry, too, says. */
  readonly extra?: Uint8Array
  /** Of the entry, from 0. */
  readonly index: number
  /** From the leaf up. */
  readonly proof: readonly Uint8Array[]
  readonly checkpoint: Checkpoint
}

export const form = 'c2sp.org/tlog-proof@v1'

/** @throws MintlineError `note_malformed`. */
export function parseTlogProof(octets: Uint8Array): TlogProof {
  const reader = new LineReader(decodeText(octets))
  if (reader.peek() !== form) throw reader.refuse(form)
  reader.read(form)
  const extra = reader.peek()?.startsWith('extra ') === true ? readExtra(reader) : undefined
  const index = reader.readNumber('`index ` and the number of the entry in decimal, below 2^53', 'index ')
  const proof = reader.readHashes('a hash of the inclusion proof')
  const { line } = reader
  const checkpoint = parseCheckpoint(reader.readRest(), line)
  return { ...(extra !== undefined && { extra }), index, proof, checkpoint }
}

function readExtra(reader: LineReader): Uint8Array {
  const expected = '`extra ` and data in base64'
  const octets = decodeBase64(reader.peek()?.slice('extra '.length) ?? '')
  if (octets === undefined) throw reader.refuse(expected)
  reader.read(expected)
  return octets
}
