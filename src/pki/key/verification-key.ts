import type { EcPublicKey, RsaPublicKey } from './public-key.ts'

import { importPublicKey, type VerificationKey } from '#crypto'

export type { VerificationKey } from '#crypto'

/**
 * Makes a public key ready to verify with. Throws what the platform throws for a key that is none: points off the
 * curve are among them, so this also guards a caller that has not checked the key yet.
 */
export async function importVerificationKey(
  spkiDer: Uint8Array,
  key: EcPublicKey | RsaPublicKey
): Promise<VerificationKey> {
  return importPublicKey({ spkiDer, curve: key.type === 'ec' ? key.curve : undefined })
}
