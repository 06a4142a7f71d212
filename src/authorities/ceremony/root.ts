import type { KeyObject } from 'node:crypto'
import type { Subject } from '../../pki/subject-field.ts'
import { generateLocalKey, type LocalKeyType } from '../local-key.ts'
import { issueAuthority } from '../self-signed.ts'
import { createLocalSigner } from '../signers/local.ts'

export interface RootRequest {
  readonly keyType: LocalKeyType
  readonly subject: Subject
  readonly notBefore: Date
  readonly notAfter: Date
  /** How many CAs may stand between the root and a device's issuer, that one included. */
  readonly pathLength: number
  readonly randomBytes: (size: number) => Uint8Array
}

export interface Root {
  readonly privateKey: KeyObject
  readonly certificateDer: Uint8Array
}

/**
 * A new key and its self-signed CA certificate, linted and verified.
 *
 * @throws MintlineError `subject_refused`, `lint_failed`.
 */
export async function createRoot({ keyType, randomBytes, ...content }: RootRequest): Promise<Root> {
  const privateKey = await generateLocalKey(keyType)
  const signer = createLocalSigner(privateKey)
  const certificateDer = await issueAuthority(
    signer,
    { ...content, spkiDer: signer.publicKeySpkiDer },
    randomBytes
  )
  return { privateKey, certificateDer }
}
