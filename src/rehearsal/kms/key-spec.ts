import { createHash, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { hashes, type HashName } from '../../pki/key/signature-algorithm.ts'
import { type EcdsaCurve, signEcdsaDigest } from './ecdsa.ts'
import { KmsRefusal } from './kms-refusal.ts'
import { signPkcs1Digest, signPssDigest } from './rsa.ts'

const generateKeyPairAsync = promisify(generateKeyPair)

interface SigningScheme {
  readonly hash: HashName
  readonly signDigest: (key: SigningKey, digest: Uint8Array) => Uint8Array
}

interface SigningKey {
  readonly spec: KeySpec
  readonly privateKey: KeyObject
}

const ecdsa = (hash: HashName): SigningScheme => ({
  hash,
  signDigest: ({ spec, privateKey }, digest) =>
    signEcdsaDigest(curves[spec] as EcdsaCurve, privateKey, digest)
})
const pkcs1 = (hash: HashName): SigningScheme => ({
  hash,
  signDigest: ({ privateKey }, digest) => signPkcs1Digest(privateKey, hash, digest)
})
const pss = (hash: HashName): SigningScheme => ({
  hash,
  signDigest: ({ privateKey }, digest) => signPssDigest(privateKey, hash, digest)
})

const schemes = {
  ECDSA_SHA_256: ecdsa('sha256'),
  ECDSA_SHA_384: ecdsa('sha384'),
  ECDSA_SHA_512: ecdsa('sha512'),
  RSASSA_PKCS1_V1_5_SHA_256: pkcs1('sha256'),
  RSASSA_PKCS1_V1_5_SHA_384: pkcs1('sha384'),
  RSASSA_PKCS1_V1_5_SHA_512: pkcs1('sha512'),
  RSASSA_PSS_SHA_256: pss('sha256'),
  RSASSA_PSS_SHA_384: pss('sha384'),
  RSASSA_PSS_SHA_512: pss('sha512')
} as const satisfies Readonly<Record<string, SigningScheme>>

export type KmsSigningAlgorithm = keyof typeof schemes

const rsaAlgorithms: readonly KmsSigningAlgorithm[] = [
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512'
]

/** The kinds of key that the stand-in makes, and what each signs with. */
const algorithms = {
  ECC_NIST_P256: ['ECDSA_SHA_256'],
  ECC_NIST_P384: ['ECDSA_SHA_384'],
  ECC_NIST_P521: ['ECDSA_SHA_512'],
  ECC_SECG_P256K1: ['ECDSA_SHA_256'],
  RSA_2048: rsaAlgorithms,
  RSA_3072: rsaAlgorithms,
  RSA_4096: rsaAlgorithms
} as const satisfies Readonly<Record<string, readonly KmsSigningAlgorithm[]>>

export type KeySpec = keyof typeof algorithms

const curves: Readonly<Partial<Record<KeySpec, EcdsaCurve>>> = {
  ECC_NIST_P256: {
    name: 'prime256v1',
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  },
  ECC_NIST_P384: {
    name: 'secp384r1',
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n
  },
  ECC_NIST_P521: {
    name: 'secp521r1',
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n
  },
  ECC_SECG_P256K1: {
    name: 'secp256k1',
    order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  }
}

export function isKeySpec(name: string): name is KeySpec {
  return Object.hasOwn(algorithms, name)
}

export function signingAlgorithmsOf(spec: KeySpec): readonly KmsSigningAlgorithm[] {
  return algorithms[spec]
}

export async function generateKey(spec: KeySpec): Promise<KeyObject> {
  const curve = curves[spec]
  const { privateKey } =
    curve === undefined
      ? await generateKeyPairAsync('rsa', { modulusLength: Number(spec.slice('RSA_'.length)) })
      : await generateKeyPairAsync('ec', { namedCurve: curve.name })
  return privateKey
}

/** The name of an algorithm that KMS has and the stand-in makes. Throws `ValidationException`. */
export function parseSigningAlgorithm(name: string): KmsSigningAlgorithm {
  if (Object.hasOwn(schemes, name)) return name as KmsSigningAlgorithm
  throw new KmsRefusal('ValidationException', `There is no signing algorithm ${name}.`)
}

/**
 * What is signed: a `RAW` message is hashed here, a `DIGEST` is taken as it is. A digest sent as `RAW` is hashed
 * again, and its signature is not one over the message.
 */
export function digestOfMessage(algorithm: KmsSigningAlgorithm, messageType: string, message: Uint8Array) {
  const { hash } = schemes[algorithm]
  if (messageType === 'RAW') return createHash(hash).update(message).digest()
  if (messageType !== 'DIGEST')
    throw new KmsRefusal('ValidationException', `The message type ${messageType} does not fit this key.`)
  if (message.length === hashes[hash].octets) return Buffer.from(message)
  throw new KmsRefusal('ValidationException', `Digest is invalid length for algorithm ${algorithm}.`)
}

export function signDigest(key: SigningKey, algorithm: KmsSigningAlgorithm, digest: Uint8Array): Uint8Array {
  return schemes[algorithm].signDigest(key, digest)
}
