import { setImmediate as nextTurn } from 'node:timers/promises'

/** What takes long to make, and is made for whoever needs it first or, by and by, once the server listens. */
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

  /** Makes what nobody has needed yet, each in a turn of its own: one takes up to a tenth of a second. */
  async makeRest(): Promise<void> {
    for (const provide of this.#waiting) {
      await nextTurn()
      provide()
    }
  }
}
