import { concatenate, encodeUtf8 } from '../../pki/der/octets.ts'
import type { Checkpoint } from '../checkpoint.ts'
import type { SignatureType } from './verifier-key.ts'

const timestampOctets = 8

/** Who states when that a checkpoint goes on from all that it has seen of the log. */
export interface CosignatureStatement {
  readonly type: Exclude<SignatureType, 'note'>
  readonly cosigner: string
  /** Seconds since 1970. */
  readonly time: number
  readonly checkpoint: Checkpoint
}

/** What is signed: c2sp.org/tlog-cosignature. That of Ed25519 holds the whole text, that of ML-DSA-44 the cosigner's name. */
export function cosignedMessage({ type, cosigner, time, checkpoint }: CosignatureStatement): Uint8Array {
  if (type === 'cosignature') return encodeUtf8(`cosignature/v1\ntime ${time}\n${checkpoint.note.text}`)
  const { origin, size, root } = checkpoint
  return concatenate([
    encodeUtf8('subtree/v1\n\0'),
    withLength(cosigner),
    encodeUint64(time),
    withLength(origin),
    encodeUint64(0),
    encodeUint64(size),
    root
  ])
}

/** The longest that `cosignedMessage` has room for, in octets: of a cosigner's name and of an origin. */
export const maximumNameOctets = 255

export const fitsCosignature = (name: string): boolean => encodeUtf8(name).length <= maximumNameOctets

/** The time and the signature behind it, as a note holds them. */
export function encodeTimestamped(time: number, signature: Uint8Array): Uint8Array {
  return concatenate([encodeUint64(time), signature])
}

/** Undefined for what is too short, or for a time from 2^53 on. */
export function decodeTimestamped(
  octets: Uint8Array
): { readonly time: number; readonly signature: Uint8Array } | undefined {
  if (octets.length <= timestampOctets) return undefined
  const { buffer, byteOffset } = octets
  const time = Number(new DataView(buffer, byteOffset, timestampOctets).getBigUint64(0))
  if (!Number.isSafeInteger(time)) return undefined
  return { time, signature: octets.slice(timestampOctets) }
}

function withLength(text: string): Uint8Array {
  const octets = encodeUtf8(text)
  return Uint8Array.of(octets.length, ...octets)
}

function encodeUint64(value: number): Uint8Array {
  const octets = new Uint8Array(8)
  new DataView(octets.buffer).setBigUint64(0, BigInt(value))
  return octets
}
