import { setTimeout as wait } from 'node:timers/promises'
import type { KmsFailure } from './failure.ts'

/** How often one request is sent at most. */
const maximumAttempts = 5
/** How often it is sent again after a reply that never came. */
const maximumAfterLoss = 1
const firstPauseMs = 100
const longestPauseMs = 1_000

const longestPauseAfter = (attempts: number) => Math.min(longestPauseMs, firstPauseMs * 2 ** (attempts - 1))

/**
 * How long the pauses of one request are in all at the most.
 *
 * @internal A test holds a signature that KMS throttles to it.
 */
export const longestPausesMs = Array.from({ length: maximumAttempts - 1 }, (_, index) =>
  longestPauseAfter(index + 1)
).reduce((sum, pauseMs) => sum + pauseMs)

/**
 * Sends a request, and sends it again where that is safe and of use, after pauses with full jitter.
 *
 * A request that KMS refused or that never reached it (`refused`) is sent up to 5 times in all. After a reply that
 * did not come (`lost`) it is sent once more at the most. So for a signature: KMS makes exactly one unless a reply is
 * lost, two at the most then, and the caller gets one or an error.
 *
 * @param explain what an error of `send` means.
 * @param isClosed once it says so, nothing is sent again.
 */
export async function attempt<Reply>(
  send: () => Promise<Reply>,
  explain: (cause: unknown) => KmsFailure,
  isClosed: () => boolean
): Promise<Reply> {
  let losses = 0
  for (let attempts = 1; ; attempts++) {
    try {
      return await send()
    } catch (cause) {
      const { outcome, error } = explain(cause)
      if (outcome === 'lost') losses++
      if (outcome === 'final' || losses > maximumAfterLoss || attempts >= maximumAttempts) throw error
      await wait(Math.random() * longestPauseAfter(attempts))
      if (isClosed()) throw error
    }
  }
}
