import { hash } from 'node:crypto'
import type { Holder } from '../../factory/blocked-keys/blocked-keys.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import type { AuthorityStore } from '../authority-store.ts'
import { spkiOf } from './generation.ts'

/** The generations of authorities that have one of these keys. */
export async function findKeyHolders(
  authorityStore: Pick<AuthorityStore, 'generations'>,
  spkiSha256s: readonly Uint8Array[]
): Promise<readonly Holder[]> {
  if (spkiSha256s.length === 0) return []
  const asked = new Set(spkiSha256s.map(toHex))
  return (await authorityStore.generations()).flatMap(generation => {
    const spkiDer = spkiOf(generation)
    if (spkiDer === undefined) return []
    const spkiSha256 = hash('sha256', spkiDer, 'buffer')
    return asked.has(toHex(spkiSha256)) ? [{ name: generation.name, spkiSha256 }] : []
  })
}
