import { hash } from 'node:crypto'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { type Findings, Search } from './find.ts'
import { readPublicKey } from './public-key.ts'

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
  const search = new Search()
  if (bytes !== undefined) search.inBytes(bytes)
  for (const value of values) search.inJson(value)
  return search.keys.length === 0 ? undefined : search
}

export interface PublicKeys {
  /** SHA-256 of each SubjectPublicKeyInfo whose private half was sent, once. */
  readonly proven: readonly Uint8Array[]
  /** The same of public halves that stand beside what cannot be read, and may be another's. */
  readonly claimed: readonly Uint8Array[]
  /** Of some key nobody here can tell the public half: it is encrypted or damaged. */
  readonly isAnySealed: boolean
}

/** Each takes up to a millisecond, so others get their turn in between. */
export async function readPublicKeys({ keys }: Findings): Promise<PublicKeys> {
  const [proven, claimed] = [new Map<string, Uint8Array>(), new Map<string, Uint8Array>()]
  let isAnySealed = false
  for (const key of keys) {
    const read = await readPublicKey(key)
    for (const spki of read.proven) proven.set(hash('sha256', spki), hash('sha256', spki, 'buffer'))
    for (const spki of read.claimed) claimed.set(hash('sha256', spki), hash('sha256', spki, 'buffer'))
    if (read.proven.length + read.claimed.length === 0) isAnySealed = true
    await yieldToOthers()
  }
  for (const digest of proven.keys()) claimed.delete(digest)
  return { proven: [...proven.values()], claimed: [...claimed.values()], isAnySealed }
}
