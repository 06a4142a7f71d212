import { createPublicKey, type KeyObject } from 'node:crypto'
import { MintlineError } from '../../errors/mintline-error.ts'
import { assertKeySupported } from '../key/public-key.ts'
import { isSignatureValid } from '../key/signature.ts'
import { type SignatureAlgorithm, signatureAlgorithms, signatureScheme } from '../key/signature-algorithm.ts'
import type { CertificationRequest } from './certification-request.ts'

/**
 * Proves that whoever made the CSR holds its private key (RFC 2986 §3 note 2) and returns the imported public key.
 *
 * Throws `csr_signature_algorithm_refused` for any algorithm but RSA PKCS#1 v1.5, RSASSA-PSS and ECDSA with
 * SHA-256, SHA-384 or SHA-512; `key_refused` for a key that no policy accepts or that is not on its curve;
 * `csr_signature_invalid` when the signature does not hold.
 */
export async function verifyProofOfPossession(request: CertificationRequest): Promise<KeyObject> {
  const { signatureAlgorithm, publicKey, spkiDer, infoDer, signature } = request
  const { algorithm, saltLength } = signatureAlgorithm
  if (algorithm === undefined) throw algorithmRefused(signatureAlgorithm.found)
  assertKeySupported(publicKey)
  if (signatureScheme(algorithm).keyType !== publicKey.type) {
    throw algorithmRefused(`${algorithm} with an ${publicKey.type.toUpperCase()} key`)
  }
  const key = importPublicKey(spkiDer)
  if (!(await isSignatureValid({ algorithm, saltLength, key, signed: infoDer, signature }))) {
    throw new MintlineError(
      'csr_signature_invalid',
      'The CSR is not signed by the private key that belongs to its public key. It was changed after signing, or key and CSR got mixed up: make the CSR again.'
    )
  }
  return key
}

function algorithmRefused(found: string): MintlineError {
  const accepted: readonly SignatureAlgorithm[] = signatureAlgorithms
  const expected = accepted.join(', ')
  return new MintlineError(
    'csr_signature_algorithm_refused',
    `The CSR is signed with ${found}. Accepted are ${expected}. Make the CSR again with SHA-256.`,
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

/** OpenSSL refuses points off the curve here, so this also guards a caller that has not checked the key yet. */
function importPublicKey(spkiDer: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' })
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
