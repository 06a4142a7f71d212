import { MintlineError } from '../../errors/mintline-error.ts'

export interface FuseSettings {
  /** So many failures in a row blow it. */
  readonly failures: number
  /** How long it lets nothing through then; twice as long after each trial that failed, up to `longestPauseMs`. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** Whether an error says that the store itself is sick, and not one request. */
  readonly isSickness: (error: unknown) => boolean
}

/**
 * Keeps calls from waiting for a key store that answers nobody: once it has blown, they fail at once. After a pause one
 * call is let through as a trial, and when it succeeds, all are.
 */
export interface Fuse {
  /** @throws MintlineError as the last failure, with the time that is left of the pause; and what the task throws. */
  run<Result>(task: () => Promise<Result>): Promise<Result>
}

export function createFuse({ failures, firstPauseMs, longestPauseMs, isSickness }: FuseSettings): Fuse {
  let inARow = 0
  let pauseMs = firstPauseMs
  /** Set while it has blown. */
  let blown: { readonly error: unknown; untilMs: number; isTrialUnderWay: boolean } | undefined

  function assertWhole(): void {
    if (blown === undefined || (performance.now() >= blown.untilMs && !blown.isTrialUnderWay)) return
    throw again(blown.error, blown.untilMs - performance.now())
  }

  function countFailure(error: unknown, isTrial: boolean): void {
    inARow++
    if (isTrial) pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    if (isTrial || (blown === undefined && inARow >= failures)) {
      blown = { error, untilMs: performance.now() + pauseMs, isTrialUnderWay: false }
    }
  }

  function heal(): void {
    inARow = 0
    pauseMs = firstPauseMs
    blown = undefined
  }

  return {
    async run(task) {
      assertWhole()
      const isTrial = blown !== undefined
      if (blown !== undefined) blown.isTrialUnderWay = true
      try {
        const result = await task()
        heal()
        return result
      } catch (error) {
        if (isSickness(error)) countFailure(error, isTrial)
        // An answer, if not the one that was hoped for.
        else heal()
        throw error
      }
    }
  }
}

function again(error: unknown, leftMs: number): unknown {
  if (!(error instanceof MintlineError)) return error
  const retryAfterSeconds = Math.max(Math.ceil(leftMs / 1_000), error.retryAfterSeconds ?? 1)
  return new MintlineError(error.code, error.detail, { cause: error, retryAfterSeconds })
}
