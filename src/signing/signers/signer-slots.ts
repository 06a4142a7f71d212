import { MintlineError } from '../../errors/mintline-error.ts'

export interface SlotSettings {
  /** How many tasks may be under way at once. */
  readonly maximumConcurrent: number
  /** How many more may wait for their turn. */
  readonly maximumWaiting: number
  /** What to tell those that cannot even wait. */
  readonly busy?: string
}

export interface Slots {
  /**
   * Runs the task when a slot is free, in the order of the calls.
   *
   * @throws MintlineError `overloaded` when too many wait already, `signer_unavailable` after `close`; the task was
   *   then not started.
   */
  run<Result>(task: () => Promise<Result>): Promise<Result>
  /** Refuses those that wait and all that come, and resolves when those under way have ended. */
  close(): Promise<void>
}

export function createSlots({
  maximumConcurrent,
  maximumWaiting,
  busy = 'More signatures are asked for than the CA key can make.'
}: SlotSettings): Slots {
  const waiting: PromiseWithResolvers<void>[] = []
  let underWay = 0
  let ended: PromiseWithResolvers<void> | undefined

  async function takeSlot(): Promise<void> {
    if (ended !== undefined) throw closedError()
    if (underWay < maximumConcurrent) {
      underWay++
      return
    }
    if (waiting.length >= maximumWaiting) {
      throw new MintlineError('overloaded', busy, { retryAfterSeconds: 1 })
    }
    const turn = Promise.withResolvers<void>()
    waiting.push(turn)
    await turn.promise
  }

  function returnSlot(): void {
    const next = waiting.shift()
    if (next !== undefined) {
      // The slot goes straight to the next in line, so that a newcomer cannot overtake.
      next.resolve()
      return
    }
    underWay--
    if (underWay === 0) ended?.resolve()
  }

  return {
    async run(task) {
      await takeSlot()
      try {
        return await task()
      } finally {
        returnSlot()
      }
    },
    async close() {
      ended ??= Promise.withResolvers<void>()
      for (const turn of waiting.splice(0)) turn.reject(closedError())
      if (underWay === 0) ended.resolve()
      await ended.promise
    }
  }
}

export function closedError(): MintlineError {
  return new MintlineError('signer_unavailable', 'The CA key has been closed.')
}
