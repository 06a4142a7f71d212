import { concatenate, decodeUtf8, encodeUtf8 } from '../pki/der/octets.ts'
import { hashDisclosure, headOctets, revisionAt, saltOctets } from './disclosure.ts'
import { malformedEvidence } from './field.ts'
import { revision } from './kinds.ts'

export interface Seal {
  readonly revision: number
  readonly salt: Uint8Array
  /** SHA-256 of the disclosure. */
  readonly hash: Uint8Array
  /** Version of the program that sealed; empty where a trigger did. */
  readonly software: string
}

const hashAt = 1 + saltOctets
const softwareAt = hashAt + 32

/** Longest version of the program, in octets. */
const maximumSoftware = 64

/**
 * Revision, salt, hash, version: docs/ledger-format.md, "The seal".
 *
 * @throws RangeError for a version of more than 64 octets.
 */
export function sealOf(disclosure: Uint8Array, software: string): Uint8Array {
  const version = encodeUtf8(software)
  if (version.length > maximumSoftware) throw new RangeError(`A version has up to ${maximumSoftware} octets`)
  return concatenate([disclosure.subarray(revisionAt, headOctets), hashDisclosure(disclosure), version])
}

/** @throws MintlineError `evidence_malformed`. */
export function readSeal(seal: Uint8Array): Seal {
  const software = decodeUtf8(seal.subarray(softwareAt))
  if (seal.length < softwareAt || seal.length > softwareAt + maximumSoftware || software === undefined)
    throw malformedEvidence('seal', '49 to 113 octets, from the 50th on text', `${seal.length} octets`)
  if (seal[0] !== revision)
    throw malformedEvidence('revision', `${revision}, or a newer version of Mintline`, String(seal[0]))
  return {
    revision: seal[0],
    salt: seal.slice(1, hashAt),
    hash: seal.slice(hashAt, softwareAt),
    software
  }
}
