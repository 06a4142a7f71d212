import { Readable } from 'node:stream'
import { MintlineError } from '../../../errors/mintline-error.ts'
import type { LotProgressView } from './schemas.ts'

/** How often a lot that somebody looks at is read, whoever and however many they are. */
const pollMs = 1_000
/** A line that says nothing, so that whoever is between knows that the stream lives. */
const heartbeatMs = 15_000
/** Of the service. A screen at the line takes one. */
const maximumListeners = 500
/** To who does not read as fast as the lot changes, the last state is worth more than all of them. */
const maximumUnreadBytes = 65_536

export interface ProgressStreamDependencies {
  /** @throws MintlineError. */
  readonly read: (lot: string) => Promise<LotProgressView>
}

interface Watch {
  readonly listeners: Set<Listener>
  timer: NodeJS.Timeout
  /** What was told last. */
  last: string
}

interface Listener {
  readonly stream: Readable
  /** @throws MintlineError once it may not listen any more. */
  readonly assertAdmitted: () => Promise<unknown>
}

/**
 * The progress of lots as server-sent events (WHATWG HTML, section 9.2): `progress` with what `GET /v1/lots/{id}` answers,
 * at once and after each change, not more than one a second. A lot is read once for all that listen to it.
 */
export class ProgressStreams {
  readonly #read: ProgressStreamDependencies['read']
  readonly #watches = new Map<string, Watch>()
  #count = 0

  constructor({ read }: ProgressStreamDependencies) {
    this.#read = read
  }

  /** @throws MintlineError `overloaded`. */
  open(lot: string, first: LotProgressView, assertAdmitted: Listener['assertAdmitted']): Readable {
    if (this.#count >= maximumListeners) {
      throw new MintlineError(
        'overloaded',
        `${maximumListeners} streams are open. Close one, or ask again later.`,
        {
          retryAfterSeconds: 10
        }
      )
    }
    const stream = new Readable({ read: () => undefined })
    const listener = { stream, assertAdmitted }
    this.#count += 1
    const beat = setInterval(() => void this.#beat(listener), heartbeatMs)
    stream.once('close', () => {
      clearInterval(beat)
      this.#leave(lot, listener)
    })
    stream.push('retry: 2000\n\n')
    const event = eventOf(first)
    stream.push(event)
    this.#watch(lot, event).listeners.add(listener)
    return stream
  }

  /** Ends all of them: who listens comes back, to whoever answers then. */
  close(): void {
    for (const { listeners } of this.#watches.values()) for (const { stream } of listeners) stream.push(null)
  }

  async #beat({ stream, assertAdmitted }: Listener): Promise<void> {
    try {
      await assertAdmitted()
      stream.push(':\n\n')
    } catch {
      stream.push(null)
    }
  }

  /** @param told to who is the first to listen. */
  #watch(lot: string, told: string): Watch {
    const known = this.#watches.get(lot)
    if (known !== undefined) return known
    const watch: Watch = { listeners: new Set(), last: told, timer: this.#next(lot) }
    this.#watches.set(lot, watch)
    return watch
  }

  #next(lot: string): NodeJS.Timeout {
    return setTimeout(() => void this.#poll(lot), pollMs)
  }

  async #poll(lot: string): Promise<void> {
    const watch = this.#watches.get(lot)
    if (watch === undefined) return
    try {
      const event = eventOf(await this.#read(lot))
      if (event !== watch.last) tellAll(watch, event)
    } catch {
      // The database is away, or busy: the next look tells. Who listens sees the heartbeat go on.
    }
    if (watch.listeners.size > 0) watch.timer = this.#next(lot)
  }

  #leave(lot: string, listener: Listener): void {
    this.#count -= 1
    const watch = this.#watches.get(lot)
    watch?.listeners.delete(listener)
    if (watch === undefined || watch.listeners.size > 0) return
    clearTimeout(watch.timer)
    this.#watches.delete(lot)
  }
}

function tellAll(watch: Watch, event: string): void {
  watch.last = event
  for (const { stream } of watch.listeners) {
    if (stream.readableLength < maximumUnreadBytes) stream.push(event)
  }
}

function eventOf(progress: LotProgressView): string {
  return `event: progress\ndata: ${JSON.stringify(progress)}\n\n`
}
