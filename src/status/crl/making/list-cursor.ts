import { createHash } from 'node:crypto'
import { isMintlineError } from '../../../errors/mintline-error.ts'
import { compareOctets, isEqual } from '../../../pki/der/octets.ts'
import { createDerRefusal } from '../../../pki/der/reader.ts'
import {
  type ListedEntry,
  type ListedRevocation,
  parseListedEntry,
  readListedEntries
} from '../../../pki/revocation/list/listed-entries.ts'
import type { CrlScope } from '../scope.ts'

/** A CRL that is on record, before the next one. */
export interface StoredPredecessor {
  readonly intentId: string
  readonly number: number
  readonly tbsOctets: number
  readonly tbsSha256: Uint8Array
}

/** A complete CRL that is on record. */
export interface StoredBase extends StoredPredecessor {
  readonly nextUpdate: Date
  /** Of a shard: the addresses by which it says that certificates name it, with a space between them. */
  readonly distributionPoint: string | null
}

export interface PredecessorSource {
  /** The newest complete one. */
  findPredecessor(scope: CrlScope): Promise<StoredBase | undefined>
  /** The newest delta of that base. */
  findDelta(scope: CrlScope, baseNumber: number): Promise<StoredPredecessor | undefined>
  /** Octets of its TBSCertList, from the position 0 on. Undefined: there are no more of them. */
  readChunk(intentId: string, position: number): Promise<Uint8Array | undefined>
}

const refuse = createDerRefusal('record_damaged', 'CRL before')

/** Passes the entries of a CRL that is on record, in the ascending order of their serial numbers. */
export class ListCursor {
  readonly #stored: StoredPredecessor
  readonly #batches: AsyncGenerator<readonly ListedEntry[], void>
  #batch: readonly ListedEntry[] = []
  #next = 0
  #isAtEnd = false
  #isDamaged = false

  constructor(stored: StoredPredecessor, source: Pick<PredecessorSource, 'readChunk'>) {
    this.#stored = stored
    this.#batches = readListedEntries(this.#readParts(source), refuse)
  }

  get number(): number {
    return this.#stored.number
  }

  /** Whether its octets are not those that were signed: then it says nothing. Known for certain once it is at its end. */
  get isDamaged(): boolean {
    return this.#isDamaged
  }

  /** The next one. Undefined at the end, also where no more can be read. */
  async peek(): Promise<ListedEntry | undefined> {
    while (this.#next >= this.#batch.length) {
      if (this.#isAtEnd) return undefined
      const loaded = await this.#batches.next().catch((error: unknown) => {
        if (!isMintlineError(error, 'record_damaged')) throw error
        this.#isDamaged = true
        return { done: true, value: undefined } as const
      })
      this.#isAtEnd = loaded.done === true
      this.#batch = loaded.value ?? []
      this.#next = 0
    }
    return this.#batch[this.#next]
  }

  /** Passes the one that was looked at. */
  pass(): void {
    this.#next += 1
  }

  /** Passes the next one where it is of that serial number. */
  async take(serialNumber: Uint8Array): Promise<ListedEntry | undefined> {
    const entry = await this.peek()
    if (entry === undefined || compareOctets(entry.serialNumber, serialNumber) !== 0) return undefined
    this.pass()
    return entry
  }

  /** What an entry says; undefined where it cannot be read. */
  parse(entry: ListedEntry): ListedRevocation | undefined {
    try {
      return parseListedEntry(entry, refuse)
    } catch (error) {
      if (!isMintlineError(error, 'record_damaged')) throw error
      this.#isDamaged = true
      return undefined
    }
  }

  async *#readParts(source: Pick<PredecessorSource, 'readChunk'>): AsyncGenerator<Uint8Array, void> {
    const { intentId, tbsOctets, tbsSha256 } = this.#stored
    const hash = createHash('sha256')
    let octets = 0
    for (let position = 0; octets < tbsOctets; position += 1) {
      const chunk = await source.readChunk(intentId, position)
      if (chunk === undefined || chunk.length === 0) break
      octets += chunk.length
      hash.update(chunk)
      yield chunk
    }
    this.#isDamaged ||= octets !== tbsOctets || !isEqual(hash.digest(), tbsSha256)
  }
}
