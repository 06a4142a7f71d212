import type { Signer } from '../../../src/signing/signers/signer.ts'

/** A key store that can be taken away, and a count of what it has signed. */
export class WatchedSigning {
  isAway = false
  signatures = 0

  readonly wrap = (signer: Signer): Signer => ({
    ...signer,
    sign: toBeSignedDer => {
      if (this.isAway) throw new Error('the key store is away')
      this.signatures++
      return signer.sign(toBeSignedDer)
    }
  })
}
