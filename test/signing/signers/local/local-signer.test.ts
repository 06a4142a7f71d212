import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createLocalSigner } from '../../../../src/signing/signers/local/local-signer.ts'
import { rsaKeyPair } from '../../../pki/key/rsa-key.ts'
import { describeSigner } from '../signer-contract.ts'

const keys: Readonly<Record<string, KeyObject>> = {
  'EC P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'EC P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  'EC P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  'RSA 2048': rsaKeyPair().privateKey
}

for (const [name, key] of Object.entries(keys)) {
  describeSigner(`local, ${name}`, () => Promise.resolve(createLocalSigner(key)))
}
