import { MintlineError } from '../errors.ts'
import { parseAuthorityCertificate } from '../pki/authority-certificate.ts'
import type { StoredAuthority } from './authority-store.ts'
import type { OpenSigner } from './signers/open-signer.ts'
import type { Signer } from './signers/signer.ts'

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
  const signer = await openSigner(reference)
  try {
    const { spkiDer } = parseAuthorityCertificate(certificateDer)
    if (Buffer.compare(signer.publicKeySpkiDer, spkiDer) !== 0) {
      throw new MintlineError('key_unusable', `The key of ${name} does not belong to its certificate.`)
    }
    await signer.assertUsable()
    return await work(signer)
  } finally {
    await signer.close()
  }
}
