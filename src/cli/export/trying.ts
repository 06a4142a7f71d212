import { setTimeout as delay } from 'node:timers/promises'
import { waitOf } from '../enroll/exchange/exchange.ts'
import type { Failure } from '../enroll/exchange/outcome.ts'

/** The service, or the way to it, does not let it go on. */
export class ExportFailed extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.detail)
    this.failure = failure
  }
}

export interface Trying {
  /** Without any progress. */
  readonly deadlineMs: number
  readonly onWait: (failure: Failure, waitMs: number) => void
}

/**
 * Goes on with what may be cut off, until it is done. As long as there is progress, there is time.
 *
 * @param attempt goes on from where it is; what stops it, or undefined when it is done.
 * @param progress a number that grows with it.
 * @throws ExportFailed with the last failure.
 */
export async function goOn(
  attempt: () => Promise<Failure | undefined>,
  progress: () => number,
  { deadlineMs, onWait }: Trying
): Promise<void> {
  let end = performance.now() + deadlineMs
  let round = 0
  for (let before = progress(); ;) {
    const failure = await attempt()
    if (failure === undefined) return
    if (progress() > before) {
      before = progress()
      end = performance.now() + deadlineMs
      round = 0
    }
    const isLasting = failure.kind === 'refused' || (failure.kind === 'unreachable' && failure.isLasting)
    const waitMs = waitOf(failure, round, Math.random)
    if (isLasting || performance.now() + waitMs >= end) throw new ExportFailed(failure)
    onWait(failure, waitMs)
    await delay(waitMs)
    round += 1
  }
}
