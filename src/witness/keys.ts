import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { MintlineError } from '../errors/mintline-error.ts'
import type { Checkpoint } from '../transparency/checkpoint.ts'
import {
  type CosignatureStatement,
  cosignedMessage,
  encodeTimestamped
} from '../transparency/note/cosignature.ts'
import type { NoteSignature } from '../transparency/note/signed-note.ts'
import { signatureTypes, type VerifierKey, verifierKeyOf } from '../transparency/note/verifier-key.ts'

const signMessage = promisify(sign)

/** The two kinds of keys that a witness signs with, the first of them always. */
export type WitnessKeyType = CosignatureStatement['type']

/** A key of a witness: what it signs with, and what others verify by. */
export interface WitnessKey {
  readonly verifierKey: VerifierKey & { readonly type: WitnessKeyType }
  readonly privateKey: KeyObject
}

/** Undefined where this Node.js does not know the algorithm. */
export function generateWitnessKey(type: WitnessKeyType): KeyObject | undefined {
  if (type === 'cosignature') return generateKeyPairSync('ed25519').privateKey
  try {
    return generateKeyPairSync('ml-dsa-44').privateKey
  } catch {
    return undefined
  }
}

/**
 * @param file for a refusal. @throws MintlineError `key_unusable` for what is no private key of that type in PEM without a
 * passphrase.
 */
export function readWitnessKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new MintlineError(
      'key_unusable',
      `${file} holds no private key in PEM that can be read without a passphrase. Put the one there that \`mintline witness init\` made.`
    )
  }
}

/** @throws MintlineError `key_unusable` for a key of another algorithm. */
export function witnessKeyOf(name: string, type: WitnessKeyType, privateKey: KeyObject): WitnessKey {
  const { algorithm, publicKeyOctets } = signatureTypes[type]
  const found = privateKey.asymmetricKeyType ?? 'none'
  if (found !== algorithm.toLowerCase())
    throw new MintlineError('key_unusable', `Expected a key of ${algorithm}; found one of ${found}.`)
  const spkiDer = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const publicKey = new Uint8Array(spkiDer.subarray(-publicKeyOctets))
  return { privateKey, verifierKey: { ...verifierKeyOf(name, type, publicKey), type } }
}

/** States that the checkpoint goes on from all that was seen of its log. Runs in the thread pool. @param time seconds since 1970. */
export async function cosign(
  { privateKey, verifierKey }: WitnessKey,
  checkpoint: Checkpoint,
  time: number
): Promise<NoteSignature> {
  const { name, keyIdHex, type } = verifierKey
  const message = cosignedMessage({ type, cosigner: name, time, checkpoint })
  const signature = await signMessage(null, message, privateKey)
  return { name, keyIdHex, octets: encodeTimestamped(time, signature) }
}
