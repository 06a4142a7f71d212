import type { DatabaseLog } from '../../../database/database-log.ts'
import type { MintlineError } from '../../../errors/mintline-error.ts'
import { type Stopwatch, systemStopwatch } from '../../../sources/clock.ts'
import { providerUnavailable } from '../refusals.ts'
import { type FetchKeys, fetchKeys, type KeySet } from './document.ts'
import type { ProviderSettings } from './settings.ts'

export interface ProviderKeysDependencies {
  readonly settings: Pick<ProviderSettings, 'issuer' | 'caPem'>
  readonly log: Pick<DatabaseLog, 'warn'>
  readonly stopwatch?: Stopwatch
  readonly fetch?: FetchKeys
}

/** Older keys are fetched anew beside the requests, which go by the old ones meanwhile. */
export const freshMs = 600_000
/** Older keys are not gone by: the provider may have withdrawn one, and not be heard. */
export const trustedMs = 3_600_000
/** Between two fetches, so that tokens of made-up keys do not make one each. */
export const pauseMs = 30_000
export const pauseAfterFailureMs = 5_000
/** Of both documents together. */
const fetchTimeoutMs = 5_000
/** Requests that wait for a fetch; each has at most the rest of its time to wait. */
export const maximumWaiting = 200

/** The public keys of the identity provider, fetched where needed and no more often than that. */
export class ProviderKeys {
  readonly #dependencies: Required<ProviderKeysDependencies>
  #known: KeySet | undefined
  #knownAt = -Infinity
  #failure: MintlineError | undefined
  #askedAt = -Infinity
  #fetching: Promise<void> | undefined
  #waiting = 0
  readonly #stopping = new AbortController()

  constructor(dependencies: ProviderKeysDependencies) {
    this.#dependencies = { stopwatch: systemStopwatch, fetch: fetchKeys, ...dependencies }
  }

  /**
   * Those that are known. The same object for as long as they are the same.
   *
   * @throws MintlineError `identity_provider_unavailable` where none are known that may still be gone by.
   */
  async current(): Promise<KeySet> {
    const age = this.#age()
    if (age >= freshMs) void this.#begin()
    if (age < trustedMs) return this.#known!
    await this.#fetched()
    if (this.#age() < trustedMs) return this.#known!
    throw this.#failure ?? providerUnavailable('its keys are too old.')
  }

  /**
   * Those after these, for a token whose key is not among them. They may be the same: when they were fetched a moment ago.
   *
   * @throws MintlineError `identity_provider_unavailable` where the provider is not heard: the key may be a new one.
   */
  async after(seen: KeySet): Promise<KeySet> {
    if (this.#known === seen) await this.#fetched()
    if (this.#known === seen && this.#failure !== undefined) throw this.#failure
    return this.#known ?? seen
  }

  /** For readiness: whether it was heard when it was asked last. */
  examine(): { readonly ok: boolean; readonly detail: string } {
    if (this.#failure !== undefined) return { ok: false, detail: this.#failure.detail }
    if (this.#known === undefined) return { ok: true, detail: 'not asked yet' }
    return { ok: true, detail: `${this.#known.count} keys are known` }
  }

  /** Ends a fetch that is under way. */
  close(): void {
    this.#stopping.abort()
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(fetchTimeoutMs), this.#stopping.signal])
  }

  #age(): number {
    return this.#dependencies.stopwatch() - this.#knownAt
  }

  /** Once what is under way, or may begin, is over. */
  async #fetched(): Promise<void> {
    const running = this.#begin()
    if (running === undefined) return
    if (this.#waiting >= maximumWaiting) throw providerUnavailable('too many requests wait for its keys.')
    this.#waiting++
    await running.finally(() => this.#waiting--)
  }

  /** Undefined where it is too soon. Never rejects. */
  #begin(): Promise<void> | undefined {
    const pause = this.#failure === undefined ? pauseMs : pauseAfterFailureMs
    if (this.#fetching === undefined && this.#dependencies.stopwatch() - this.#askedAt >= pause) {
      this.#fetching = this.#fetch().finally(() => (this.#fetching = undefined))
    }
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    const { settings, log, stopwatch, fetch } = this.#dependencies
    try {
      const found = await fetch(settings, this.#deadline())
      if (found.text !== this.#known?.text) this.#known = found
      this.#knownAt = stopwatch()
      this.#failure = undefined
    } catch (error) {
      const what = error instanceof Error ? error.message : 'its keys cannot be had.'
      this.#failure = providerUnavailable(what, error)
      log.warn({ err: error }, `the keys of the identity provider cannot be had: ${what}`)
    } finally {
      this.#askedAt = stopwatch()
    }
  }
}
