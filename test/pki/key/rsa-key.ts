import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface RsaKeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

/** Some RSA key of the size, the same each time: making one takes up to seconds. */
export function rsaKeyPair(bits: 1024 | 2047 | 2048 | 3072 | 4096 = 2048): RsaKeyPair {
  const file = new URL(`../../fixtures/keys/rsa${bits}.pem`, import.meta.url)
  const privateKey = createPrivateKey(readFileSync(file))
  return { privateKey, publicKey: createPublicKey(privateKey) }
}
