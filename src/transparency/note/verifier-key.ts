import { toBase64, toHex } from '../../pki/der/octet-text.ts'
import { encodeUtf8 } from '../../pki/der/octets.ts'
import { decodeBase64, malformed, quoted } from '../text.ts'

import { digest } from '#crypto'

/**
 * What a key signs, by the octet that its key id and its text name: a note (c2sp.org/signed-note), or that a checkpoint was
 * consistent at a time (c2sp.org/tlog-cosignature).
 */
export const signatureTypes = {
  note: { octet: 0x01, algorithm: 'Ed25519', publicKeyOctets: 32 },
  cosignature: { octet: 0x04, algorithm: 'Ed25519', publicKeyOctets: 32 },
  postQuantumCosignature: { octet: 0x06, algorithm: 'ML-DSA-44', publicKeyOctets: 1_312 }
} as const

export type SignatureType = keyof typeof signatureTypes

/** A key that is trusted, and in whose name. */
export interface VerifierKey {
  readonly name: string
  /** The first four octets of a digest of all the rest, in lower-case hexadecimal: it tells keys apart, and proves nothing. */
  readonly keyIdHex: string
  readonly type: SignatureType
  readonly publicKey: Uint8Array
}

/** By which it is told apart in texts. */
export const labelOf = ({ name, keyIdHex }: Pick<VerifierKey, 'name' | 'keyIdHex'>): string =>
  `${name}+${keyIdHex}`

/** Whether it may be the name of a key: not empty, without white space and plus. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}+]/u.test(name)
}

export function verifierKeyOf(name: string, type: SignatureType, publicKey: Uint8Array): VerifierKey {
  const named = encodeUtf8(`${name}\n`)
  const octets = Uint8Array.of(...named, signatureTypes[type].octet, ...publicKey)
  return { name, type, publicKey, keyIdHex: toHex(digest('sha256', octets).subarray(0, 4)) }
}

const expected = 'a verifier key, NAME+KEYID+KEY, of Ed25519 (types 01, 04) or ML-DSA-44 (06)'

/**
 * @param line for a refusal: where it stands.
 * @throws MintlineError `note_malformed`; also for a key of another type, and for a key id that is not that of the key.
 */
export function parseVerifierKey(text: string, line: number): VerifierKey {
  const [, name = '', keyIdHex = '', base64 = ''] = /^([^+]*)\+([0-9a-f]{8})\+([^ ]+)$/.exec(text) ?? []
  const octets = decodeBase64(base64)
  const type = typeOf(octets)
  if (!isKeyName(name) || octets === undefined || type === undefined)
    throw malformed({ line, expected, found: quoted(text) })
  const key = verifierKeyOf(name, type, octets.slice(1))
  if (key.keyIdHex === keyIdHex) return key
  throw malformed({
    line,
    expected: `the key id ${key.keyIdHex}, which is that of this key`,
    found: keyIdHex
  })
}

function typeOf(octets: Uint8Array | undefined): SignatureType | undefined {
  const types = Object.keys(signatureTypes) as SignatureType[]
  return types.find(type => {
    const { octet, publicKeyOctets } = signatureTypes[type]
    return octets?.[0] === octet && octets.length === 1 + publicKeyOctets
  })
}

export function formatVerifierKey({ name, keyIdHex, type, publicKey }: VerifierKey): string {
  return `${name}+${keyIdHex}+${toBase64(Uint8Array.of(signatureTypes[type].octet, ...publicKey))}`
}
