import { setTimeout as delay } from 'node:timers/promises'
import { MintlineError } from '../../errors/mintline-error.ts'
import { type Stopwatch, systemStopwatch } from '../../sources/clock.ts'

export interface SharedAnswerSettings {
  /** Between the end of one and the beginning of the next. */
  readonly restMs: number
  /** How many different questions may wait. */
  readonly maximumWaiting?: number
  readonly stopwatch?: Stopwatch
}

/**
 * For what anybody may ask, however often: one question is asked at a time, and all who ask the same while it waits
 * share its answer. An answer is never older than the question of who gets it.
 *
 * @throws MintlineError `overloaded` where too many others wait.
 */
export function shareAnswers<Question, Answer>(
  ask: (question: Question) => Promise<Answer>,
  { restMs, maximumWaiting = 16, stopwatch = systemStopwatch }: SharedAnswerSettings
): (question: Question) => Promise<Answer> {
  const waiting = new Map<Question, PromiseWithResolvers<Answer>>()
  let isAsking = false
  let endedAt = -Infinity

  async function askAll(): Promise<void> {
    isAsking = true
    for (;;) {
      const restLeftMs = endedAt + restMs - stopwatch()
      if (restLeftMs > 0) await delay(restLeftMs)
      const [next] = waiting
      if (next === undefined) break
      const [question, { resolve, reject }] = next
      waiting.delete(question)
      await ask(question).then(resolve, reject)
      endedAt = stopwatch()
      if (waiting.size === 0) break
    }
    isAsking = false
  }

  return async question => {
    const shared = waiting.get(question)
    if (shared !== undefined) return shared.promise
    if (waiting.size >= maximumWaiting) {
      throw new MintlineError(
        'overloaded',
        'This is asked for more often than it can be answered. Ask again in 1 s.',
        {
          retryAfterSeconds: 1
        }
      )
    }
    const own = Promise.withResolvers<Answer>()
    waiting.set(question, own)
    if (!isAsking) void askAll()
    return own.promise
  }
}
