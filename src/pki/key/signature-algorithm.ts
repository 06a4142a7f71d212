import { MintlineError } from '../../errors/mintline-error.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { tags } from '../der/tag.ts'
import {
  encodeElement,
  encodeExplicit,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence
} from '../der/writer.ts'
import { parseSubjectPublicKeyInfo } from './public-key.ts'

/** The signature algorithms that Mintline verifies and makes: all that AWS IoT accepts, less DSA. */
export const signatureAlgorithms = [
  'ecdsa-with-SHA256',
  'ecdsa-with-SHA384',
  'ecdsa-with-SHA512',
  'sha256WithRSAEncryption',
  'sha384WithRSAEncryption',
  'sha512WithRSAEncryption',
  'rsassa-pss-sha256',
  'rsassa-pss-sha384',
  'rsassa-pss-sha512'
] as const

export type SignatureAlgorithm = (typeof signatureAlgorithms)[number]
export type HashName = 'sha256' | 'sha384' | 'sha512'

export interface SignatureScheme {
  readonly keyType: 'ec' | 'rsa'
  readonly padding: 'none' | 'pkcs1-v1_5' | 'pss'
  /** As node:crypto names it. */
  readonly hash: HashName
}

const schemes: Readonly<Record<SignatureAlgorithm, SignatureScheme>> = {
  'ecdsa-with-SHA256': { keyType: 'ec', padding: 'none', hash: 'sha256' },
  'ecdsa-with-SHA384': { keyType: 'ec', padding: 'none', hash: 'sha384' },
  'ecdsa-with-SHA512': { keyType: 'ec', padding: 'none', hash: 'sha512' },
  sha256WithRSAEncryption: { keyType: 'rsa', padding: 'pkcs1-v1_5', hash: 'sha256' },
  sha384WithRSAEncryption: { keyType: 'rsa', padding: 'pkcs1-v1_5', hash: 'sha384' },
  sha512WithRSAEncryption: { keyType: 'rsa', padding: 'pkcs1-v1_5', hash: 'sha512' },
  'rsassa-pss-sha256': { keyType: 'rsa', padding: 'pss', hash: 'sha256' },
  'rsassa-pss-sha384': { keyType: 'rsa', padding: 'pss', hash: 'sha384' },
  'rsassa-pss-sha512': { keyType: 'rsa', padding: 'pss', hash: 'sha512' }
}

export function signatureScheme(algorithm: SignatureAlgorithm): SignatureScheme {
  return schemes[algorithm]
}

const curveAlgorithms = {
  'P-256': 'ecdsa-with-SHA256',
  'P-384': 'ecdsa-with-SHA384',
  'P-521': 'ecdsa-with-SHA512'
} as const

/** As node:crypto names it. */
export function hashNameOf(algorithm: SignatureAlgorithm): HashName {
  return schemes[algorithm].hash
}

/**
 * What an authority with this key signs with. The hash of an EC key is the one of its strength, and the only one
 * that AWS KMS allows it. Throws `key_unusable` when an authority cannot have such a key.
 */
export function authoritySignatureAlgorithm(spkiDer: Uint8Array): SignatureAlgorithm {
  const reader = new DerReader(spkiDer, createDerRefusal('key_unusable', 'public key of the authority'))
  const { key } = parseSubjectPublicKeyInfo(reader)
  reader.assertEnd('subjectPublicKeyInfo')
  if (key.type === 'ec') return curveAlgorithms[key.curve]
  if (key.type === 'rsa') return 'sha256WithRSAEncryption'
  throw new MintlineError('key_unusable', `An authority needs an EC or RSA key; found ${key.found}.`)
}

export const rsassaPssOid = '1.2.840.113549.1.1.10'
export const mgf1Oid = '1.2.840.113549.1.1.8'

export const hashes: Readonly<Record<HashName, { readonly oid: string; readonly octets: number }>> = {
  sha256: { oid: '2.16.840.1.101.3.4.2.1', octets: 32 },
  sha384: { oid: '2.16.840.1.101.3.4.2.2', octets: 48 },
  sha512: { oid: '2.16.840.1.101.3.4.2.3', octets: 64 }
}

/** The OIDs whose parameters are fixed: absent for ECDSA (RFC 5758 §3.2), NULL for RSA PKCS#1 v1.5 (RFC 4055 §5). */
export const signatureOids: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['1.2.840.10045.4.3.2', 'ecdsa-with-SHA256'],
  ['1.2.840.10045.4.3.3', 'ecdsa-with-SHA384'],
  ['1.2.840.10045.4.3.4', 'ecdsa-with-SHA512'],
  ['1.2.840.113549.1.1.11', 'sha256WithRSAEncryption'],
  ['1.2.840.113549.1.1.12', 'sha384WithRSAEncryption'],
  ['1.2.840.113549.1.1.13', 'sha512WithRSAEncryption']
])

/** The AlgorithmIdentifier in DER. RSASSA-PSS has MGF1 with the same hash and a salt as long as the hash. */
export function signatureAlgorithmDer(algorithm: SignatureAlgorithm): Uint8Array {
  return identifiers[algorithm]
}

const identifiers = Object.fromEntries(
  signatureAlgorithms.map(algorithm => [algorithm, encodeIdentifier(algorithm)])
) as Readonly<Record<SignatureAlgorithm, Uint8Array>>

function encodeIdentifier(algorithm: SignatureAlgorithm): Uint8Array {
  const { padding, hash } = schemes[algorithm]
  if (padding === 'pss') return encodePssIdentifier(hash)
  const oid = [...signatureOids].find(([, name]) => name === algorithm)?.[0] as string
  return encodeSequence(encodeObjectIdentifier(oid), ...(padding === 'none' ? [] : [encodeNull()]))
}

function encodePssIdentifier(hash: HashName): Uint8Array {
  const hashIdentifier = encodeSequence(encodeObjectIdentifier(hashes[hash].oid), encodeNull())
  const maskGeneration = encodeSequence(encodeObjectIdentifier(mgf1Oid), hashIdentifier)
  const saltLength = encodeElement(tags.integer, Uint8Array.of(hashes[hash].octets))
  const parameters = encodeSequence(
    encodeExplicit(0, hashIdentifier),
    encodeExplicit(1, maskGeneration),
    encodeExplicit(2, saltLength)
  )
  return encodeSequence(encodeObjectIdentifier(rsassaPssOid), parameters)
}
