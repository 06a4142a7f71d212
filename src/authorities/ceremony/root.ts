import type { KeyObject } from 'node:crypto'
import { generateLocalKey, type LocalKeyType } from '../../signing/signers/local/local-key.ts'
import { createLocalSigner } from '../../signing/signers/local/local-signer.ts'
import { issueSelfSignedAuthority, type SelfSignedRequest } from '../certificates/self-signed.ts'

export interface RootRequest extends SelfSignedRequest {
  readonly keyType: LocalKeyType
  /** How many CAs may stand between the root and a device, its issuer included. */
  readonly pathLength: number
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
export async function createRoot({ keyType, ...request }: RootRequest): Promise<Root> {
  const privateKey = await generateLocalKey(keyType)
  const certificateDer = await issueSelfSignedAuthority(createLocalSigner(privateKey), request)
  return { privateKey, certificateDer }
}
