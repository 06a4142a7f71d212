import { decodeText, LineReader, malformed } from '../text.ts'
import { labelOf, parseVerifierKey, type VerifierKey } from './verifier-key.ts'

/** A line of a list of keys. */
export interface ListedKey {
  /** From 1. */
  readonly line: number
  readonly key: VerifierKey
  /** What stands behind the key, after a space: the origin of a log that its key is not named by. */
  readonly origin: string | undefined
}

/**
 * Reads a list with a verifier key on each line. Empty lines and those that begin with `#` say nothing.
 *
 * @throws MintlineError `note_malformed`; also for a key that is there twice for the same.
 */
export function parseKeyList(octets: Uint8Array): readonly ListedKey[] {
  const reader = new LineReader(decodeText(octets))
  const listed: ListedKey[] = []
  while (reader.hasMore) {
    const { line } = reader
    const text = reader.read('a verifier key')
    if (text === '' || text.startsWith('#')) continue
    const [, keyText = text, origin] = /^(\S+) (\S.*)$/.exec(text) ?? []
    const key = parseVerifierKey(keyText, line)
    const { name, keyIdHex } = key
    const isSame = (other: ListedKey) =>
      other.key.name === name && other.key.keyIdHex === keyIdHex && other.origin === origin
    if (listed.some(isSame))
      throw malformed({ line, expected: 'each key once', found: `${labelOf(key)} again` })
    listed.push({ line, key, origin })
  }
  return listed
}
