import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

export const localKeyTypes = ['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'RSA-4096'] as const
export type LocalKeyType = (typeof localKeyTypes)[number]

const generateKeyPairAsync = promisify(generateKeyPair)

/** A new CA key in the memory of this process. */
export async function generateLocalKey(keyType: LocalKeyType): Promise<KeyObject> {
  const { privateKey } = keyType.startsWith('RSA-')
    ? await generateKeyPairAsync('rsa', { modulusLength: Number(keyType.slice('RSA-'.length)) })
    : await generateKeyPairAsync('ec', { namedCurve: keyType })
  return privateKey
}
