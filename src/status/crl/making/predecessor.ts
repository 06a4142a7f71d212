import { createHash } from 'node:crypto'
import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import { compareOctets, isEqual } from '../../../pki/der/octets.ts'
import { createDerRefusal } from '../../../pki/der/reader.ts'
import {
  type ListedEntry,
  parseListedEntry,
  readListedEntries
} from '../../../pki/revocation/list/listed-entries.ts'
import { reasonCodes } from '../../../pki/revocation/reason.ts'
import type { CrlScope } from '../scope.ts'
import type { ReadEntry } from './entries-store.ts'

/** The newest CRL of an authority, before the next one. */
export interface StoredPredecessor {
  readonly intentId: string
  readonly number: number
  readonly tbsOctets: number
  readonly tbsSha256: Uint8Array
}

export interface PredecessorSource {
  findPredecessor(scope: CrlScope): Promise<StoredPredecessor | undefined>
  /** Octets of its TBSCertList, from the position 0 on. Undefined: there are no more of them. */
  readChunk(intentId: string, position: number): Promise<Uint8Array | undefined>
}

const refuse = createDerRefusal('record_damaged', 'CRL before')

/**
 * Holds the entries of a new CRL against those of the one before, as they are read: none that is for good may be gone, or be on
 * hold. Both have their serial numbers in ascending order, so that each is passed once.
 */
export class Predecessor {
  readonly #stored: StoredPredecessor
  readonly #batches: AsyncGenerator<readonly ListedEntry[], void>
  /** What ends later has not ended: where the clock was set back, it had before. */
  readonly #at: Date
  #batch: readonly ListedEntry[] = []
  #next = 0
  #isAtEnd = false
  #isDamaged = false
  #missing = 0
  #firstMissing: string | undefined

  constructor(stored: StoredPredecessor, source: PredecessorSource, at: Date) {
    this.#stored = stored
    this.#batches = readListedEntries(this.#readParts(source), refuse)
    this.#at = at
  }

  /** @param page of the new one's entries, behind those that were passed before. */
  async pass(page: readonly ReadEntry[]): Promise<void> {
    for (const entry of page) {
      for (;;) {
        const before = this.#batch[this.#next] ?? (await this.#load())
        if (before === undefined) return
        const order = compareOctets(before.serialNumber, entry.serialNumber)
        if (order > 0) break
        const isKept = order === 0 && entry.reason !== 'certificateHold'
        if (!isKept && this.#isForGood(before)) this.#miss(before)
        this.#next += 1
      }
    }
  }

  /**
   * Passes what is left of it.
   *
   * @returns false where its octets are not those that were signed: then they say nothing.
   * @throws MintlineError `record_damaged` where the new one leaves out what it may not.
   */
  async finish(): Promise<boolean> {
    for (;;) {
      const before = this.#batch[this.#next] ?? (await this.#load())
      if (before === undefined) break
      if (this.#isForGood(before)) this.#miss(before)
      this.#next += 1
    }
    if (this.#isDamaged) return false
    if (this.#missing === 0) return true
    throw new MintlineError(
      'record_damaged',
      `The next CRL would leave out ${this.#missing} of the certificates that the CRL ${this.#stored.number} revokes for good, the first of serial number ${this.#firstMissing}: rows are missing in the database. Nothing is signed until they are restored.`
    )
  }

  /** Undefined at the end. */
  async #load(): Promise<ListedEntry | undefined> {
    while (!this.#isAtEnd) {
      const loaded = await this.#batches.next().catch((error: unknown) => {
        if (!isMintlineError(error, 'record_damaged')) throw error
        this.#isDamaged = true
        return { done: true, value: undefined } as const
      })
      this.#isAtEnd = loaded.done === true
      this.#batch = loaded.value ?? []
      this.#next = 0
      if (this.#batch.length > 0) return this.#batch[0]
    }
    return undefined
  }

  #isForGood(entry: ListedEntry): boolean {
    try {
      const { reasonCode, revocationDate } = parseListedEntry(entry, refuse)
      if (reasonCode === reasonCodes.certificateHold) return false
      // Times of a list are whole seconds.
      return reasonCode !== reasonCodes.superseded || revocationDate.getTime() + 1_000 <= this.#at.getTime()
    } catch (error) {
      if (!isMintlineError(error, 'record_damaged')) throw error
      this.#isDamaged = true
      return false
    }
  }

  #miss({ serialNumber }: ListedEntry): void {
    this.#missing += 1
    this.#firstMissing ??= toHex(serialNumber)
  }

  async *#readParts(source: PredecessorSource): AsyncGenerator<Uint8Array, void> {
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
