import { MintlineError } from '../../errors/mintline-error.ts'
import { readMisencodedSignature } from '../key/ecdsa-signature.ts'
import { fieldOctetsOf } from '../key/elliptic-curve.ts'
import { assertKeySupported, type EcPublicKey, type RsaPublicKey } from '../key/public-key.ts'
import { isEcdsaSignature, isSignatureValid } from '../key/signature.ts'
import { type SignatureAlgorithm, signatureAlgorithms, signatureScheme } from '../key/signature-algorithm.ts'
import { importVerificationKey, type VerificationKey } from '../key/verification-key.ts'
import type { CertificationRequest } from './certification-request.ts'

/**
 * Proves that whoever made the CSR holds its private key (RFC 2986 §3 note 2) and returns the imported public key.
 *
 * Throws `csr_signature_algorithm_refused` for any algorithm but RSA PKCS#1 v1.5, RSASSA-PSS and ECDSA with
 * SHA-256, SHA-384 or SHA-512; `key_refused` for a key that no policy accepts or that is not on its curve;
 * `csr_signature_invalid` when the signature does not hold, saying so where it would hold in its right encoding.
 */
export async function verifyProofOfPossession(request: CertificationRequest): Promise<VerificationKey> {
  const { signatureAlgorithm, publicKey, spkiDer, infoDer, signature } = request
  const { algorithm, saltLength } = signatureAlgorithm
  if (algorithm === undefined) throw algorithmRefused(signatureAlgorithm.found)
  assertKeySupported(publicKey)
  if (signatureScheme(algorithm).keyType !== publicKey.type) {
    const found = `${algorithm}, over an ${publicKey.type.toUpperCase()} key`
    throw algorithmRefused(found, 'Name the algorithm that the key signs with.')
  }
  const key = await importKey(spkiDer, publicKey)
  const signedBytes = { algorithm, saltLength, key, signed: infoDer }
  if (await isSignatureValid({ ...signedBytes, signature })) return key
  const misencoded = findMisencoding(publicKey, signature)
  if (misencoded === undefined) throw signatureInvalid()
  const holds = await isSignatureValid({ ...signedBytes, signature: misencoded.rewritten })
  throw holds ? signatureMisencoded(misencoded) : signatureInvalid(misencoded.found)
}

interface Misencoding {
  readonly expected: string
  readonly found: string
  readonly remedy: string
  readonly rewritten: Uint8Array
}

/** What the signature may be if it is no fault of the key: devices fail here whose code writes it in its own way. */
function findMisencoding(key: EcPublicKey | RsaPublicKey, signature: Uint8Array): Misencoding | undefined {
  if (key.type === 'ec') {
    if (isEcdsaSignature(signature)) return undefined
    const loose = readMisencodedSignature(signature, fieldOctetsOf(key.curve))
    return loose && { expected: 'an Ecdsa-Sig-Value in DER', rewritten: loose.der, ...loose }
  }
  const length = key.modulus.length
  if (signature.length >= length) return undefined
  const rewritten = new Uint8Array(length)
  rewritten.set(signature, length - signature.length)
  return {
    expected: `${length} octets, as many as the modulus has`,
    found: `${signature.length} octets`,
    remedy:
      'Keep its leading zero octets (RFC 8017 §8.2.1). It shows only in the signatures that begin with zero, so other units pass.',
    rewritten
  }
}

function signatureMisencoded({ expected, found, remedy }: Misencoding): MintlineError {
  return new MintlineError(
    'csr_signature_invalid',
    `The signature of the CSR is by the right key, but in the wrong encoding: expected ${expected}; found ${found}. ${remedy} Key and CSR are not mixed up: correct the code that writes the CSR.`,
    { violations: [{ pointer: '/signature', expected, found, message: remedy }] }
  )
}

/** `found`: an encoding that is wrong besides. */
function signatureInvalid(found?: string): MintlineError {
  const also = found === undefined ? '' : ` It is not in DER either: found ${found}.`
  return new MintlineError(
    'csr_signature_invalid',
    `The CSR is not signed by the private key that belongs to its public key. It was changed after signing, or key and CSR got mixed up: make the CSR again.${also}`
  )
}

function algorithmRefused(found: string, remedy = 'Make the CSR again with SHA-256.'): MintlineError {
  const accepted: readonly SignatureAlgorithm[] = signatureAlgorithms
  const expected = accepted.join(', ')
  return new MintlineError(
    'csr_signature_algorithm_refused',
    `The CSR is signed with ${found}. Accepted are ${expected}. ${remedy}`,
    {
      violations: [
        {
          pointer: '/signatureAlgorithm',
          expected,
          found,
          message: `The signature algorithm ${found} is not accepted.`
        }
      ]
    }
  )
}

async function importKey(
  spkiDer: Uint8Array,
  publicKey: EcPublicKey | RsaPublicKey
): Promise<VerificationKey> {
  try {
    return await importVerificationKey(spkiDer, publicKey)
  } catch (cause) {
    throw new MintlineError(
      'key_refused',
      'The public key of the CSR is not a valid key. Make a new key pair and CSR.',
      {
        violations: [
          {
            pointer: '/publicKey',
            expected: 'a valid public key',
            found: 'one that cannot be imported',
            message: 'The public key cannot be imported.'
          }
        ],
        cause
      }
    )
  }
}
