import { MintlineError } from '../errors.ts'
import { parseAuthorityCertificate } from '../pki/authority-certificate.ts'
import { isEqual } from '../pki/octets.ts'
import type { StoredAuthority } from './authority-store.ts'
import type { OpenSigner } from './signers/open-signer.ts'
import type { SignerReference } from './signers/signer-reference.ts'
import type { Signer } from './signers/signer.ts'

/** The key that a generation should have. */
export interface ExpectedKey {
  readonly name: string
  readonly reference: SignerReference
  /** In its certificate. */
  readonly spkiDer: Uint8Array
}

/** Opens the key of a generation. @throws MintlineError `key_unusable` when it is another, and what the key's store throws. */
export async function openProvenSigner(
  openSigner: OpenSigner,
  { name, reference, spkiDer }: ExpectedKey
): Promise<Signer> {
  const signer = await openSigner(reference)
  if (isEqual(signer.publicKeySpkiDer, spkiDer)) return signer
  await signer.close()
  throw new MintlineError(
    'key_unusable',
    `The key of ${name} does not belong to its certificate. Restore the right key.`
  )
}

/**
 * Works with the key of a generation, opened for this alone, once it is proven to be the certificate's and to answer.
 *
 * @throws MintlineError `key_unusable`, `signer_unavailable`, `signer_disabled`, and what `work` throws.
 */
export async function withProvenSigner<Result>(
  openSigner: OpenSigner,
  { name, certificateDer, signer: reference }: StoredAuthority,
  work: (signer: Signer) => Promise<Result>
): Promise<Result> {
  const { spkiDer } = parseAuthorityCertificate(certificateDer)
  const signer = await openProvenSigner(openSigner, { name, reference, spkiDer })
  try {
    await signer.assertUsable()
    return await work(signer)
  } finally {
    await signer.close()
  }
}
