import { MintlineError } from '../errors/mintline-error.ts'
import { parseKeyList } from './note/key-list.ts'
import type { VerifierKey } from './note/verifier-key.ts'

/** Whose checkpoints count: the keys of each log, by its origin. */
export type KnownLogs = ReadonlyMap<string, readonly VerifierKey[]>

const maximumLogs = 64
const maximumKeysOfLog = 4

/**
 * Reads a list of logs: a verifier key on each line, and behind it, after a space, the origin, where that is not the name of
 * the key. Several lines with one origin are several keys of that log. Empty lines and those that begin with `#` say nothing.
 *
 * @throws MintlineError `note_malformed`; `config_invalid` for a list that names no log, or too many.
 */
export function parseKnownLogs(octets: Uint8Array): KnownLogs {
  const logs = new Map<string, VerifierKey[]>()
  for (const { line, key, origin } of parseKeyList(octets)) {
    const keys = logs.getOrInsert(origin ?? key.name, [])
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
    violations: [{ pointer, expected, found, message: 'Correct the list and try again.' }]
  })
}
