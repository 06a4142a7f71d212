import { hash } from 'node:crypto'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { createSearch, type Findings } from './find.ts'
import { publicKeysOf } from './public-key.ts'

/** What somebody sent, in the forms in which it came. */
export interface Sent {
  /** As octets. */
  readonly bytes?: Uint8Array | undefined
  /** As values that were parsed: JSON, or the parameters of a query. */
  readonly values?: readonly unknown[]
}

/**
 * Looks for private keys in what was sent: PEM of any kind, DER, OpenSSH, PuTTY, JWK, key stores; escaped, in base64 or in
 * JSON, alone or beside other things.
 *
 * @returns undefined where there is none. Takes microseconds for a CSR.
 */
export function findPrivateKeys({ bytes, values = [] }: Sent): Findings | undefined {
  const search = createSearch()
  if (bytes !== undefined) search.inBytes(bytes)
  for (const value of values) search.inJson(value)
  return search.keys.length === 0 ? undefined : search
}

export interface PublicKeys {
  /** SHA-256 of each SubjectPublicKeyInfo, once. */
  readonly spkiSha256s: readonly Uint8Array[]
  /** Some key is encrypted or damaged, so that nobody here can tell its public key. */
  readonly isAnySealed: boolean
}

/** Each takes up to a millisecond, so others get their turn in between. */
export async function readPublicKeys({ keys }: Findings): Promise<PublicKeys> {
  const digests = new Map<string, Uint8Array>()
  let isAnySealed = false
  for (const key of keys) {
    const spkis = publicKeysOf(key)
    if (spkis.length === 0) isAnySealed = true
    for (const spki of spkis) digests.set(hash('sha256', spki), hash('sha256', spki, 'buffer'))
    await yieldToOthers()
  }
  return { spkiSha256s: [...digests.values()], isAnySealed }
}
