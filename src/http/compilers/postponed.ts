import { setTimeout as delay } from 'node:timers/promises'

/**
 * How long the server listens before the rest is made, and the time from one to the next: one takes up to a tenth of a
 * second. In the first minute after a start the stations that have waited come back, and are not to wait for what none
 * of them needs; a service that runs for less, as many a test's, spends a quarter of its start on nothing else.
 */
const restingTimes = { firstMs: 60_000, nextMs: 250 } as const

type RestingTimes = Readonly<Record<keyof typeof restingTimes, number>>

/** What takes long to make, and is made for whoever needs it first or, by and by, when the server has listened for long. */
export class Postponed {
  readonly #waiting = new Set<() => unknown>()

  /** @returns gives what `make` makes; it is called once. */
  postpone<Value>(make: () => Value): () => Value {
    let made: { readonly value: Value } | undefined
    const provide = () => {
      this.#waiting.delete(provide)
      made ??= { value: make() }
      return made.value
    }
    this.#waiting.add(provide)
    return provide
  }

  /** Makes what nobody has needed yet, one after the other, until `signal` comes. Keeps no process alive. */
  async makeRest(signal: AbortSignal, { firstMs, nextMs }: RestingTimes = restingTimes): Promise<void> {
    const pause = (milliseconds: number) =>
      delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined)
    await pause(firstMs)
    for (const provide of this.#waiting) {
      if (signal.aborted) return
      provide()
      await pause(nextMs)
    }
  }
}
