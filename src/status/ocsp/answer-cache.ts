import type { Stopwatch } from '../../sources/clock.ts'

export interface AnswerCacheOptions {
  readonly stopwatch: Stopwatch
  /** How long an answer is given again, counted from before it was looked for. */
  readonly freshMs: number
  readonly maximumAnswers: number
}

interface Kept<Answer> {
  readonly answer: Promise<Answer>
  readonly atMs: number
}

/** Answers that are given again for some seconds, also to those who ask while one is looked for. */
export class AnswerCache<Answer> {
  readonly #options: AnswerCacheOptions
  /** In the order in which they were begun, and so in that in which they end. */
  readonly #kept = new Map<string, Kept<Answer>>()

  constructor(options: AnswerCacheOptions) {
    this.#options = options
  }

  /** What `look` gives, or gave a moment ago. What it throws is not kept. */
  find(key: string, look: () => Promise<Answer>): Promise<Answer> {
    const { stopwatch, freshMs } = this.#options
    const now = stopwatch()
    const kept = this.#kept.get(key)
    if (kept !== undefined && now - kept.atMs < freshMs) return kept.answer
    this.#makeRoom(now)
    const answer = look()
    const own = { answer, atMs: now }
    this.#kept.delete(key)
    this.#kept.set(key, own)
    answer.catch(() => {
      if (this.#kept.get(key) === own) this.#kept.delete(key)
    })
    return answer
  }

  get size(): number {
    return this.#kept.size
  }

  #makeRoom(now: number): void {
    const { freshMs, maximumAnswers } = this.#options
    for (const [key, { atMs }] of this.#kept) {
      if (now - atMs < freshMs && this.#kept.size < maximumAnswers) return
      this.#kept.delete(key)
    }
  }
}
