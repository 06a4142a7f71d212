import type { Signer } from './signer.ts'

/** A signer whose errors are put into other words, such as those of the authority whose key it is. */
export function explainedSigner(signer: Signer, explain: (error: unknown) => unknown): Signer {
  const fail = (error: unknown): never => {
    throw explain(error)
  }
  const { signatureAlgorithm, publicKeySpkiDer } = signer
  return {
    signatureAlgorithm,
    publicKeySpkiDer,
    sign: toBeSignedDer => signer.sign(toBeSignedDer).catch(fail),
    assertUsable: () => signer.assertUsable().catch(fail),
    close: () => signer.close()
  }
}
