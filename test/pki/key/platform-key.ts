import type { KeyObject } from 'node:crypto'
import { createDerRefusal, DerReader } from '../../../src/pki/der/reader.ts'
import { assertKeySupported, parseSubjectPublicKeyInfo } from '../../../src/pki/key/public-key.ts'
import { importVerificationKey, type VerificationKey } from '../../../src/pki/key/verification-key.ts'

const refuse = createDerRefusal('key_unusable', 'key of the test')

/** The key as the cryptography of the pure folders has it: Node's own, or a browser's where that is bound. */
export async function platformKey(publicKey: KeyObject): Promise<VerificationKey> {
  const spkiDer = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }))
  const { key } = parseSubjectPublicKeyInfo(new DerReader(spkiDer, refuse))
  assertKeySupported(key)
  return importVerificationKey(spkiDer, key)
}
