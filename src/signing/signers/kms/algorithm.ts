import { MintlineError } from '../../../errors/mintline-error.ts'
import {
  authoritySignatureAlgorithm,
  type HashName,
  hashNameOf,
  type SignatureAlgorithm,
  signatureScheme
} from '../../../pki/key/signature-algorithm.ts'

/** The KMS key specs that an authority's key may have: those whose certificates AWS IoT accepts. */
const kmsKeySpecs = [
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096'
] as const

type KmsKeySpec = (typeof kmsKeySpecs)[number]

export type KmsSigningAlgorithm =
  | 'ECDSA_SHA_256'
  | 'ECDSA_SHA_384'
  | 'ECDSA_SHA_512'
  | 'RSASSA_PKCS1_V1_5_SHA_256'
  | 'RSASSA_PKCS1_V1_5_SHA_384'
  | 'RSASSA_PKCS1_V1_5_SHA_512'

const rsaByHash = {
  sha256: 'RSASSA_PKCS1_V1_5_SHA_256',
  sha384: 'RSASSA_PKCS1_V1_5_SHA_384',
  sha512: 'RSASSA_PKCS1_V1_5_SHA_512'
} as const

/** What KMS signs with, by key spec and hash. An EC key has the one hash of its strength. */
const signingAlgorithms: Readonly<
  Record<KmsKeySpec, Readonly<Record<HashName, KmsSigningAlgorithm | undefined>>>
> = {
  ECC_NIST_P256: { sha256: 'ECDSA_SHA_256', sha384: undefined, sha512: undefined },
  ECC_NIST_P384: { sha256: undefined, sha384: 'ECDSA_SHA_384', sha512: undefined },
  ECC_NIST_P521: { sha256: undefined, sha384: undefined, sha512: 'ECDSA_SHA_512' },
  RSA_2048: rsaByHash,
  RSA_3072: rsaByHash,
  RSA_4096: rsaByHash
}

export interface KmsAlgorithm {
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly kmsSigningAlgorithm: KmsSigningAlgorithm
}

/**
 * What an authority signs with, told from its public key and held against what KMS calls the key.
 *
 * @throws MintlineError `key_unusable`: a spec that an authority cannot have, or one that the public key is not of.
 */
export function kmsAlgorithmOf(keySpec: string | undefined, publicKeySpkiDer: Uint8Array): KmsAlgorithm {
  const known = kmsKeySpecs.find(spec => spec === keySpec)
  if (known === undefined) {
    throw new MintlineError(
      'key_unusable',
      `An authority needs a KMS key with one of the specs ${kmsKeySpecs.join(', ')}; this one has ${keySpec ?? 'none'}.`
    )
  }
  const signatureAlgorithm = authoritySignatureAlgorithm(publicKeySpkiDer)
  const isRsa = signatureScheme(signatureAlgorithm).keyType === 'rsa'
  const kmsSigningAlgorithm = signingAlgorithms[known][hashNameOf(signatureAlgorithm)]
  if (kmsSigningAlgorithm === undefined || isRsa !== known.startsWith('RSA_')) {
    throw new MintlineError(
      'key_unusable',
      `KMS calls the key ${known}, but its public key is of another kind.`
    )
  }
  return { signatureAlgorithm, kmsSigningAlgorithm }
}
