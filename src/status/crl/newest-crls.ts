import { MintlineError } from '../../errors/mintline-error.ts'
import { type Stopwatch, systemStopwatch } from '../../sources/clock.ts'
import type { CrlStore, StoredCrl } from './crl-store.ts'
import { ChunkMemory, isWhole, readOctets } from './octets.ts'
import { type CrlSeries, scopeKey } from './scope.ts'

interface Dependencies {
  readonly store: CrlStore
  readonly stopwatch?: Stopwatch
}

/** However often somebody asks, the database is asked once in this time. */
const freshMs = 1_000
/** One that is damaged is read again after this, for somebody may have restored it. */
const damagedMs = 60_000

/** What this process knows of the newest CRL of each authority. */
export class NewestCrls {
  readonly #store: CrlStore
  readonly #stopwatch: Stopwatch
  readonly #chunks: ChunkMemory
  readonly #known = new Map<string, Known>()
  /** The last whose octets were found to be whole, of each authority. */
  readonly #proven = new Map<string, string>()
  /** The last whose octets were not, of each authority, and when they were read. */
  readonly #damaged = new Map<string, { readonly intentId: string; readonly atMs: number }>()

  constructor({ store, stopwatch = systemStopwatch }: Dependencies) {
    this.#store = store
    this.#stopwatch = stopwatch
    this.#chunks = new ChunkMemory(store)
  }

  find(scope: CrlSeries): Promise<StoredCrl | undefined> {
    const key = scopeKey(scope)
    const last = this.#known.get(key)
    if (last !== undefined && this.#stopwatch() < last.askedAtMs + freshMs) return last.crl
    const crl = this.#ask(scope, key)
    this.#known.set(key, { crl, askedAtMs: this.#stopwatch() })
    // The next one asks again.
    crl.catch(() => this.#known.delete(key))
    return crl
  }

  read(crl: StoredCrl): AsyncGenerator<Uint8Array> {
    return readOctets(crl, this.#chunks)
  }

  isDamaged(crl: StoredCrl): boolean {
    return this.#damaged.get(scopeKey(crl))?.intentId === crl.intentId
  }

  async #ask(scope: CrlSeries, key: string): Promise<StoredCrl | undefined> {
    const found = await this.#store.findNewest(scope)
    if (found === undefined || this.#proven.get(key) === found.intentId) return found
    const { intentId } = found
    const damaged = this.#damaged.get(key)
    const isDamagedStill = damaged?.intentId === intentId && this.#stopwatch() < damaged.atMs + damagedMs
    if (isDamagedStill || !(await isWhole(found, this.#chunks))) {
      if (!isDamagedStill) this.#damaged.set(key, { intentId, atMs: this.#stopwatch() })
      await this.#store.haveNextMade(scope)
      throw damage(found)
    }
    this.#damaged.delete(key)
    this.#proven.set(key, intentId)
    return found
  }
}

function damage({ number }: StoredCrl): MintlineError {
  return new MintlineError(
    'record_damaged',
    `The CRL ${number} was changed in the database: its octets are not those that were signed. It is not handed out; the next one will be, and is being made.`
  )
}

interface Known {
  readonly crl: Promise<StoredCrl | undefined>
  readonly askedAtMs: number
}
