import { MintlineError } from '../../errors/mintline-error.ts'

/** Each waits for some milliseconds for each before it. */
const mostWaiting = 100

/**
 * Does one thing after the other. Changes of one row that are begun at once would each lose to another's, and be begun
 * again, so that a hundred of them took ten thousand transactions.
 *
 * @returns what does `work` when its turn has come. @throws MintlineError `overloaded` where too many wait.
 */
export function createTurns(): <Outcome>(work: () => Promise<Outcome>) => Promise<Outcome> {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async work => {
    if (waiting >= mostWaiting) {
      throw new MintlineError(
        'overloaded',
        'Too many changes of stations are under way. Send this one again.',
        {
          retryAfterSeconds: 1
        }
      )
    }
    waiting++
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      waiting--
    }
  }
}
