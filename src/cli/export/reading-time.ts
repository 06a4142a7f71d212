/** From when to when rows are read, by the clock of the service, as far as its answers tell: in whole seconds. */
export class ReadingTime {
  #since: string | undefined
  #told: { readonly timeMs: number; readonly atMs: number } | undefined

  /** @param since where an earlier run has begun. */
  constructor(since: string | undefined) {
    this.#since = since
  }

  /** @param date of an answer that is to be read (RFC 9110 §6.6.1). */
  begin(date: string | undefined): void {
    const told = Date.parse(date ?? '')
    const timeMs = Number.isNaN(told) ? Date.now() : told
    this.#told = { timeMs, atMs: performance.now() }
    this.#since ??= new Date(timeMs).toISOString()
  }

  get since(): string | undefined {
    return this.#since
  }

  get until(): string {
    const { timeMs, atMs } = this.#told ?? { timeMs: Date.now(), atMs: performance.now() }
    // Up to the end of the second that it told.
    return new Date(timeMs + 1_000 + Math.round(performance.now() - atMs)).toISOString()
  }
}
