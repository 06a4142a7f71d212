import type { Stopwatch } from '../../sources/clock.ts'

export interface AnswerCacheOptions {
  readonly stopwatch: Stopwatch
  /** How long an answer is given again, counted from before it was looked for. */
  readonly freshMs: number
  readonly maximumAnswers: number
}

/** Whether an answer is still true, however fresh it is. */
type IsCurrent<Answer> = (answer: Answer) => boolean

interface Kept<Answer> {
  readonly answer: Promise<Answer>
  readonly atMs: number
}

/** Answers that are given again for some seconds, also to those who ask while one is looked for. */
export class AnswerCache<Answer> {
  readonly #options: AnswerCacheOptions
  readonly #isCurrent: IsCurrent<Answer>
  /** In the order in which they were begun, and so in that in which they end. */
  readonly #kept = new Map<string, Kept<Answer>>()

  constructor(options: AnswerCacheOptions, isCurrent: IsCurrent<Answer>) {
    this.#options = options
    this.#isCurrent = isCurrent
  }

  /** What `look` gives, or gave a moment ago and is still true. What it throws is not kept. */
  async find(key: string, look: () => Promise<Answer>): Promise<Answer> {
    const { stopwatch, freshMs } = this.#options
    const kept = this.#kept.get(key)
    if (kept === undefined || stopwatch() - kept.atMs >= freshMs) return this.#look(key, look)
    const answer = await kept.answer
    if (this.#isCurrent(answer)) return answer
    if (this.#kept.get(key) === kept) this.#kept.delete(key)
    return this.find(key, look)
  }

  #look(key: string, look: () => Promise<Answer>): Promise<Answer> {
    const now = this.#options.stopwatch()
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
