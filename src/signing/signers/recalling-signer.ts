import { isMintlineError, type MintlineError } from '../../errors/mintline-error.ts'
import type { Signer } from './signer.ts'

/** How long a signature that failed counts, in ms: a store that may be well at the next try is not held to it for long. */
const recalledMs = {
  signer_unavailable: 10_000,
  signer_disabled: 60_000,
  key_unusable: 60_000,
  certificate_mismatch: 60_000
} as const

export interface RecallingSigner extends Signer {
  /** Has a signature count as failed that was had and is not what it should be. */
  recall(error: unknown): void
}

interface Failure {
  readonly error: MintlineError
  readonly untilMs: number
}

/**
 * A signer whose `assertUsable` tells of a signature that could not be had as well: a store may show a key that it does
 * not let sign. What it says of the key itself comes first. A signature that succeeds ends it, and so does time, since
 * only a request can try.
 */
export function recallingSigner(signer: Signer): RecallingSigner {
  let failure: Failure | undefined
  function recall(error: unknown): void {
    failure = failureOf(error) ?? failure
  }
  return {
    ...signer,
    recall,
    async sign(toBeSignedDer) {
      try {
        const signature = await signer.sign(toBeSignedDer)
        failure = undefined
        return signature
      } catch (error) {
        recall(error)
        throw error
      }
    },
    async assertUsable() {
      await signer.assertUsable()
      if (failure !== undefined && performance.now() < failure.untilMs) throw failure.error
    }
  }
}

/** Undefined for an error that says nothing of the store, such as `overloaded`. */
function failureOf(error: unknown): Failure | undefined {
  if (!isMintlineError(error)) return undefined
  const ms = recalledMs[error.code as keyof typeof recalledMs] as number | undefined
  return ms === undefined ? undefined : { error, untilMs: performance.now() + ms }
}
