import type { Violation } from '../errors/mintline-error.ts'
import type { Clock } from '../sources/clock.ts'

/** Files that are read again and again, and what is made of them. */
export interface WatchedFiles<Text, Value> {
  /** All of them as they are now. Rejects with the error of the file system. */
  readonly read: () => Promise<Text>
  readonly judge: (text: Text) => Judged<Value> | Promise<Judged<Value>>
  readonly isSame: (text: Text, value: Value) => boolean
  /** For the log. */
  readonly describe: (value: Value) => object
  /** What is to be said of it at this time; undefined while there is nothing. */
  readonly findFault: (value: Value, now: Date) => string | undefined
  /** What is told of it while there is no fault. */
  readonly tellSound: (value: Value) => string
  readonly words: WatchWords
}

interface Judged<Value> {
  readonly value?: Value | undefined
  /** Why there is no value: they, or a sentence. */
  readonly refusal?: string | readonly Violation[]
  readonly warnings?: readonly Violation[]
}

/** For log and readiness. */
interface WatchWords {
  readonly taken: string
  readonly mend: string
  readonly refused: string
  readonly refusedBriefly: string
  readonly fault: string
  readonly notLookedAt: string
}

interface WatchLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface WatchOptions {
  readonly log: WatchLog
  readonly clock: Clock
  /** Between two looks. */
  readonly intervalMs?: number | undefined
}

const defaultIntervalMs = 2_000
const millisecondsPerDay = 86_400_000

/**
 * What is in use, and what becomes of it when its files change. It reads them now and then: notices of the file
 * system are lost on network drives, and do not follow the symbolic links that certbot and Kubernetes switch. What is new
 * counts when two looks in a row agree, so that neither half a file nor one without the other is taken. What
 * cannot be used is told once, and the one before stays.
 */
export class FileWatch<Text, Value> {
  readonly #files: WatchedFiles<Text, Value>
  readonly #options: WatchOptions
  readonly #followers = new Set<(value: Value) => void>()
  #value: Value
  /** At the last look: the files, or why they could not be read. */
  #seen = ''
  /** The refusal that has been told. */
  #told = ''
  #toldOfFaultAt: number
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(value: Value, files: WatchedFiles<Text, Value>, options: WatchOptions) {
    this.#value = value
    this.#files = files
    this.#options = options
    // Of what it starts with, the checks of the settings tell.
    this.#toldOfFaultAt = options.clock().getTime()
    this.#schedule()
  }

  current(): Value {
    return this.#value
  }

  /** Not ok while new files are refused, or there is something to be said of those in use. */
  examine(): { readonly ok: boolean; readonly detail: string } {
    const { words, findFault, tellSound } = this.#files
    const fault = findFault(this.#value, this.#options.clock())
    const refused = this.#told === '' ? undefined : words.refusedBriefly
    const details = [refused, fault].filter(each => each !== undefined)
    return details.length > 0
      ? { ok: false, detail: details.join('; ') }
      : { ok: true, detail: tellSound(this.#value) }
  }

  /** @returns a function that ends it. */
  follow(take: (value: Value) => void): () => void {
    this.#followers.add(take)
    return () => void this.#followers.delete(take)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    const { intervalMs = defaultIntervalMs, log } = this.#options
    this.#timer = setTimeout(() => {
      this.#look()
        .catch((error: unknown) => log.error({ err: error }, this.#files.words.notLookedAt))
        .finally(() => {
          if (!this.#isStopped) this.#schedule()
        })
    }, intervalMs).unref()
  }

  async #look(): Promise<void> {
    this.#warnOfFault()
    const found = await this.#files.read().then(
      text => ({ text }),
      (error: unknown) => ({ failure: describeFailure(error) })
    )
    if (this.#isStopped) return
    const seen = JSON.stringify(found)
    const isSettled = seen === this.#seen
    this.#seen = seen
    if ('failure' in found) {
      if (isSettled) this.#refuse(found.failure)
    } else if (this.#files.isSame(found.text, this.#value)) {
      this.#told = ''
    } else if (isSettled) {
      await this.#judge(found.text)
    }
  }

  async #judge(text: Text): Promise<void> {
    const { log, clock } = this.#options
    const { judge, describe, words } = this.#files
    const { value, refusal = [], warnings = [] } = await judge(text)
    if (this.#isStopped) return
    if (value === undefined) return this.#refuse(refusal)
    this.#value = value
    this.#told = ''
    for (const take of this.#followers) take(value)
    log.info(describe(value), words.taken)
    for (const warning of warnings) log.warn(warning, words.mend)
    this.#toldOfFaultAt = clock().getTime()
  }

  #refuse(reason: string | readonly Violation[]): void {
    const told = JSON.stringify(reason)
    if (told === this.#told) return
    this.#told = told
    this.#options.log.error({ reason, kept: this.#files.describe(this.#value) }, this.#files.words.refused)
  }

  /** Once a day. */
  #warnOfFault(): void {
    const { log, clock } = this.#options
    const now = clock()
    if (now.getTime() - this.#toldOfFaultAt < millisecondsPerDay) return
    const found = this.#files.findFault(this.#value, now)
    if (found === undefined) return
    this.#toldOfFaultAt = now.getTime()
    log.warn({ found }, this.#files.words.fault)
  }
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) throw error
  return `${'path' in error ? String(error.path) : 'a file'} cannot be read (${String(error.code)})`
}
