import { createHash } from 'node:crypto'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { Run, RunStore } from './run-store.ts'

/** The export is removed, or another process has begun it anew. */
export class ExportTaken extends Error {}

/** Of a chunk: so much is in memory at once, and is written and read by one statement. */
const chunkOctets = 256 * 1024
/** That its rows are seen to grow. */
const tellAfterMs = 2_000

/** The octets of an export on their way into the database. */
export class ExportFile {
  readonly #store: Pick<RunStore, 'append'>
  readonly #run: Run
  readonly #maximumOctets: number
  readonly #hash = createHash('sha256')
  #waiting: Uint8Array[] = []
  #waitingOctets = 0
  #written = 0
  #rows = 0
  #writtenAt = performance.now()

  constructor(store: Pick<RunStore, 'append'>, run: Run, maximumOctets: number) {
    this.#store = store
    this.#run = run
    this.#maximumOctets = maximumOctets
  }

  get rows(): number {
    return this.#rows
  }

  /** @throws ExportTaken; MintlineError `export_too_large`, `database_unavailable`. */
  async add(octets: readonly Uint8Array[], rows: number): Promise<void> {
    this.#rows += rows
    for (const part of octets) {
      this.#waiting.push(part)
      this.#waitingOctets += part.length
    }
    if (this.#written + this.#waitingOctets > this.#maximumOctets) throw tooLarge()
    const isSlow = performance.now() - this.#writtenAt > tellAfterMs
    if (this.#waitingOctets >= chunkOctets || (isSlow && this.#waitingOctets > 0)) await this.#write()
  }

  /** @returns its SHA-256. */
  async end(): Promise<Uint8Array> {
    await this.#write()
    return this.#hash.digest()
  }

  async #write(): Promise<void> {
    const all = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingOctets = 0
    for (let at = 0; at < all.length; at += chunkOctets) {
      const chunk = all.subarray(at, at + chunkOctets)
      this.#hash.update(chunk)
      this.#written += chunk.length
      const progress = { rows: this.#rows, octets: this.#written }
      if (!(await this.#store.append(this.#run, chunk, progress))) throw new ExportTaken()
    }
    this.#writtenAt = performance.now()
  }
}

function tooLarge(): MintlineError {
  return new MintlineError(
    'export_too_large',
    'All exports together would take more than MINTLINE_EXPORT_MAXIMUM_SIZE. Delete those that nobody needs (DELETE /v1/exports/{id}), ask for fewer rows with `from` and `to`, or have the administrator raise it.'
  )
}
