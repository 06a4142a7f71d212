import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Checkpoint } from '../../src/transparency/checkpoint.ts'
import { readCheckpoint } from '../../src/transparency/checkpoint.ts'
import { cosignedMessage, encodeTimestamped } from '../../src/transparency/note/cosignature.ts'
import { formatSignature, parseSignedNote } from '../../src/transparency/note/signed-note.ts'
import {
  type SignatureType,
  signatureTypes,
  type VerifierKey,
  verifierKeyOf
} from '../../src/transparency/note/verifier-key.ts'
import { naiveConsistency, naiveRoot } from './naive-tree.ts'

export interface TestKey {
  readonly verifierKey: VerifierKey
  readonly privateKey: KeyObject
}

export function createKey(name: string, type: SignatureType = 'note'): TestKey {
  const isPostQuantum = type === 'postQuantumCosignature'
  const { publicKey, privateKey } = isPostQuantum
    ? generateKeyPairSync('ml-dsa-44')
    : generateKeyPairSync('ed25519')
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const octets = new Uint8Array(spki.subarray(-signatureTypes[type].publicKeyOctets))
  return { privateKey, verifierKey: verifierKeyOf(name, type, octets) }
}

/** The text of a checkpoint, and behind it the signatures of the keys. */
export function signedCheckpoint(text: string, keys: readonly TestKey[], time = 1_800_000_000): string {
  return `${text}\n${keys.map(key => signatureLine(text, key, time)).join('')}`
}

export function signatureLine(text: string, { verifierKey, privateKey }: TestKey, time: number): string {
  const { name, keyIdHex, type } = verifierKey
  if (type === 'note')
    return formatSignature({ name, keyIdHex, octets: sign(null, Buffer.from(text), privateKey) })
  const checkpoint = bare(text)
  const message = cosignedMessage({ type, cosigner: name, time, checkpoint })
  return formatSignature({ name, keyIdHex, octets: encodeTimestamped(time, sign(null, message, privateKey)) })
}

function bare(text: string): Checkpoint {
  return readCheckpoint(parseSignedNote(`${text}\n— nobody AAAAAAA=\n`))
}

export function checkpointText(origin: string, entries: readonly Uint8Array[]): string {
  return `${origin}\n${entries.length}\n${naiveRoot(entries).toBase64()}\n`
}

/** What a log asks a witness for that has cosigned `oldSize` of its entries. */
export function addCheckpointBody(key: TestKey, oldSize: number, entries: readonly Uint8Array[]): string {
  return addCheckpointOf(key.verifierKey.name, oldSize, { key, entries })
}

/** The same, under whatever origin. */
export function addCheckpointOf(
  origin: string,
  oldSize: number,
  { key, entries }: { readonly key: TestKey; readonly entries: readonly Uint8Array[] }
): string {
  const proof = oldSize === 0 ? [] : naiveConsistency(oldSize, entries)
  const lines = proof.map(hash => `${hash.toBase64()}\n`).join('')
  return `old ${oldSize}\n${lines}\n${signedCheckpoint(checkpointText(origin, entries), [key])}`
}
