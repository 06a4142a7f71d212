import { MintlineError } from '../../errors/mintline-error.ts'
import { parseAuthorityCertificate } from '../../pki/certificate/authority/certificate.ts'
import { isEqual } from '../../pki/der/octets.ts'
import type { OpenSigner } from '../../signing/signers/open-signer.ts'
import type { Signer } from '../../signing/signers/signer.ts'
import type { SignerReference } from '../../signing/signers/signer-reference.ts'
import type { StoredAuthority } from '../authority-store.ts'

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
