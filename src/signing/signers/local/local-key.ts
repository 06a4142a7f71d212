import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { runOnKeyThread } from './key-thread.ts'

export const localKeyTypes = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'RSA-4096'] as const
export type LocalKeyType = (typeof localKeyTypes)[number]

const generateKeyPairAsync = promisify(generateKeyPair)

/**
 * A new CA key in the memory of this process.
 *
 * @throws MintlineError `overloaded` when several RSA keys are being made already.
 */
export async function generateLocalKey(keyType: LocalKeyType): Promise<KeyObject> {
  if (keyType.startsWith('RSA-')) {
    return runOnKeyThread({ kind: 'generate-rsa', modulusLength: Number(keyType.slice('RSA-'.length)) })
  }
  const { privateKey } = await generateKeyPairAsync('ec', { namedCurve: keyType })
  return privateKey
}
