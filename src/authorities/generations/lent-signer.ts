import type { OpenSigner } from '../../signing/signers/open-signer.ts'
import type { Signer } from '../../signing/signers/signer.ts'
import type { Authorities, Authority } from '../authority.ts'
import { openProvenSigner } from './proven-signer.ts'

export interface SignerSources {
  readonly authorities: Pick<Authorities, 'issuingById'>
  readonly openSigner: OpenSigner
}

/** A signer that others open and close. */
export type LentSigner = Pick<Signer, 'assertUsable' | 'sign' | 'signatureAlgorithm'>

/**
 * Works with the key of a generation that has issued: of one that may issue still it is open already, and of one that is
 * retired, or compromised, it is opened for this alone.
 *
 * @throws MintlineError as `issuingById` and `openProvenSigner`, and what `work` throws.
 */
export async function withLentSigner<Result>(
  { authorities, openSigner }: SignerSources,
  { id, name, state, signerReference: reference, certificate: { spkiDer } }: Authority,
  work: (signer: LentSigner) => Promise<Result>
): Promise<Result> {
  if (state !== 'retired' && state !== 'compromised') return work((await authorities.issuingById(id)).signer)
  const signer = await openProvenSigner(openSigner, { name, reference, spkiDer })
  try {
    return await work(signer)
  } finally {
    await signer.close()
  }
}
