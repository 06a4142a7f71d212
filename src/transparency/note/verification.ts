import { encodeUtf8 } from '../../pki/der/octets.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { cosignedMessage, decodeTimestamped, fitsCosignature } from './cosignature.ts'
import type { NoteSignature } from './signed-note.ts'
import { signatureTypes, type VerifierKey } from './verifier-key.ts'

import { verifyMessage } from '#crypto'

/** A signature on a checkpoint, and what verifying it came to. */
export interface KeyVerdict {
  readonly key: VerifierKey
  readonly signature: NoteSignature
  readonly isValid: boolean
  /** Seconds since 1970; of a cosignature. */
  readonly time: number | undefined
}

/**
 * Verifies the signatures of those keys on a checkpoint, the first of each. Those of other keys are passed over, also where
 * they share the name or the key id with one of them.
 *
 * @returns one for each key that signed, in the order of the keys.
 * @throws what the platform throws where it does not know the algorithm.
 */
export async function verifyCheckpoint(
  checkpoint: Checkpoint,
  keys: readonly VerifierKey[]
): Promise<readonly KeyVerdict[]> {
  const signed = keys.flatMap(key => {
    const signature = checkpoint.note.signatures.find(
      ({ name, keyIdHex }) => name === key.name && keyIdHex === key.keyIdHex
    )
    return signature === undefined ? [] : [{ key, signature }]
  })
  return Promise.all(
    signed.map(async ({ key, signature }) => ({
      key,
      signature,
      ...(await judge(checkpoint, key, signature))
    }))
  )
}

async function judge(
  checkpoint: Checkpoint,
  key: VerifierKey,
  { octets }: NoteSignature
): Promise<Pick<KeyVerdict, 'isValid' | 'time'>> {
  const { algorithm } = signatureTypes[key.type]
  const { publicKey } = key
  if (key.type === 'note') {
    const message = encodeUtf8(checkpoint.note.text)
    return {
      isValid: await verifyMessage({ algorithm, publicKey, message, signature: octets }),
      time: undefined
    }
  }
  const timestamped = decodeTimestamped(octets)
  if (timestamped === undefined || !fitsCosignature(key.name) || !fitsCosignature(checkpoint.origin))
    return { isValid: false, time: undefined }
  const { time, signature } = timestamped
  const message = cosignedMessage({ type: key.type, cosigner: key.name, time, checkpoint })
  return { isValid: await verifyMessage({ algorithm, publicKey, message, signature }), time }
}
