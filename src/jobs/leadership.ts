import { setTimeout as delay } from 'node:timers/promises'
import { type LockSession, openLockSession } from '../database/sessions/session-lock.ts'
import type { JobLog } from './run.ts'

export interface LeadershipOptions {
  readonly connectionString: string
  /** Of the lock; see `SessionLockOptions`. */
  readonly name: string
  /** Begins the work of whoever leads. What it hands to `stops` is stopped when this process leads no longer. */
  readonly lead: (stops: AsyncDisposableStack) => Promise<void>
  readonly log: JobLog & { readonly info: JobLog['warn'] }
  /** How often one who does not lead asks whether it may. */
  readonly pollMs?: number
}

export interface Leadership {
  /** Ends the work, then gives the lead to another. */
  close(): Promise<void>
}

/**
 * Of all processes on a database that call this, one leads: it holds a lock of the database. Another follows within
 * seconds when it ends, or loses its connection. One that lost it notices and stops, but may work on for a moment
 * beside its successor: what is written must bear that.
 *
 * Resolves when it is known whether this process leads to begin with, and its work has begun if it does.
 *
 * @throws MintlineError `database_unavailable`; what `lead` throws at this first time.
 */
export async function seekLeadership(options: LeadershipOptions): Promise<Leadership> {
  const candidate = new Candidate(options)
  const isLeading = await candidate.stand()
  const closing = new AbortController()
  const ended = candidate.serve(isLeading, closing.signal)
  return {
    async close() {
      closing.abort()
      await ended
    }
  }
}

class Candidate {
  readonly #options: LeadershipOptions
  #session: LockSession | undefined
  #work = new AsyncDisposableStack()
  #isTroubleTold = false

  constructor(options: LeadershipOptions) {
    this.#options = options
  }

  /** @returns whether it leads now. */
  async stand(): Promise<boolean> {
    const { connectionString, name, lead, log } = this.#options
    try {
      if (this.#session?.lost.aborted === true) this.#session = undefined
      this.#session ??= await openLockSession({ connectionString, name })
      if (!(await this.#session.tryLock())) return false
      await lead(this.#work)
      log.info({}, 'this process does the background duties of the database from now on')
      return true
    } catch (error) {
      await this.#resign()
      throw error
    }
  }

  async serve(isFirst: boolean, closing: AbortSignal): Promise<void> {
    const { pollMs = 2_000, log } = this.#options
    for (let isLeading = isFirst; !closing.aborted; isLeading = await this.#tryToStand(closing)) {
      if (isLeading) {
        await aborted([this.#session!.lost, closing])
        await this.#resign()
        if (!closing.aborted) log.warn({}, 'this process lost its lock: another may do the background duties')
      }
      await delay(pollMs, undefined, { signal: closing }).catch(() => undefined)
    }
    await this.#resign()
  }

  async #tryToStand(closing: AbortSignal): Promise<boolean> {
    if (closing.aborted) return false
    try {
      const isLeading = await this.stand()
      this.#isTroubleTold = false
      return isLeading
    } catch (error) {
      if (!this.#isTroubleTold)
        this.#options.log.warn({ err: error }, 'the background duties could not be begun; tried again')
      this.#isTroubleTold = true
      return false
    }
  }

  /** The work ends before another may begin it. */
  async #resign(): Promise<void> {
    const work = this.#work
    this.#work = new AsyncDisposableStack()
    try {
      await work.disposeAsync()
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the background duties did not all stop well')
    }
    await this.#session?.close()
    this.#session = undefined
  }
}

/** Resolves when one of them is. */
async function aborted(signals: readonly AbortSignal[]): Promise<void> {
  const either = AbortSignal.any([...signals])
  if (either.aborted) return
  await new Promise(resolve => either.addEventListener('abort', resolve, { once: true }))
}
