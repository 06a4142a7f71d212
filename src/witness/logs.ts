import { MintlineError } from '../errors/mintline-error.ts'
import { parseVerifierKey, type VerifierKey } from '../transparency/note/verifier-key.ts'
import { decodeText, LineReader } from '../transparency/text.ts'

/** Whose checkpoints are cosigned: the keys that count for each origin. */
export type WitnessedLogs = ReadonlyMap<string, readonly VerifierKey[]>

const maximumLogs = 64
const maximumKeysOfLog = 4

/**
 * Reads a list of logs: a verifier key on each line, and behind it, after a space, the origin, where that is not the name of
 * the key. Several lines with one origin are several keys of that log. Empty lines and those that begin with `#` say nothing.
 *
 * @throws MintlineError `note_malformed`; `config_invalid` for a list that names no log, or too many.
 */
export function parseWitnessedLogs(octets: Uint8Array): WitnessedLogs {
  const reader = new LineReader(decodeText(octets))
  const logs = new Map<string, VerifierKey[]>()
  while (reader.hasMore) {
    const { line } = reader
    const text = reader.read('a log')
    if (text === '' || text.startsWith('#')) continue
    const [, keyText = text, origin] = /^(\S+) (\S.*)$/.exec(text) ?? []
    const key = parseVerifierKey(keyText, line)
    const keys = logs.getOrInsert(origin ?? key.name, [])
    if (keys.some(({ keyIdHex, name }) => keyIdHex === key.keyIdHex && name === key.name))
      throw refused(`line ${line}`, 'each key of a log once', `${key.name}+${key.keyIdHex} again`)
    keys.push(key)
    if (keys.length > maximumKeysOfLog)
      throw refused(`line ${line}`, `${maximumKeysOfLog} keys of a log at the most`, 'one more')
  }
  if (logs.size === 0) throw refused('the list', 'a verifier key of a log on each line', 'none')
  if (logs.size > maximumLogs)
    throw refused('the list', `${maximumLogs} logs at the most`, `${logs.size} logs`)
  return logs
}

function refused(pointer: string, expected: string, found: string): MintlineError {
  return new MintlineError('config_invalid', 'The list of logs cannot be used.', {
    violations: [{ pointer, expected, found, message: 'Correct the list and start the witness again.' }]
  })
}
