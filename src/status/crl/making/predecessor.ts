import { MintlineError } from '../../../errors/mintline-error.ts'
import { toHex } from '../../../pki/der/octet-text.ts'
import { compareOctets } from '../../../pki/der/octets.ts'
import type { ListedEntry } from '../../../pki/revocation/list/listed-entries.ts'
import { reasonCodes } from '../../../pki/revocation/reason.ts'
import type { ReadEntry } from './entries-store.ts'
import { ListCursor, type PredecessorSource, type StoredPredecessor } from './list-cursor.ts'

/** Neither is for good. */
const passingCodes: ReadonlySet<number | undefined> = new Set([
  reasonCodes.certificateHold,
  reasonCodes.removeFromCRL
])

/**
 * Holds the entries of a new CRL against those of one before, as they are read: none that is for good may be gone, or be on
 * hold. Both have their serial numbers in ascending order, so that each is passed once.
 */
export class Predecessor {
  readonly #list: ListCursor
  /** What ends later has not ended: where the clock was set back, it had before. */
  readonly #at: Date
  #missing = 0
  #firstMissing: string | undefined

  constructor(stored: StoredPredecessor, source: Pick<PredecessorSource, 'readChunk'>, at: Date) {
    this.#list = new ListCursor(stored, source)
    this.#at = at
  }

  get number(): number {
    return this.#list.number
  }

  /** @param page of the entries that there are now, behind those that were passed before. */
  async pass(page: readonly ReadEntry[]): Promise<void> {
    for (const entry of page) {
      for (;;) {
        const before = await this.#list.peek()
        if (before === undefined) return
        const order = compareOctets(before.serialNumber, entry.serialNumber)
        if (order > 0) break
        const isKept = order === 0 && entry.reason !== 'certificateHold'
        if (!isKept && this.#isForGood(before)) this.#miss(before)
        this.#list.pass()
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
      const before = await this.#list.peek()
      if (before === undefined) break
      if (this.#isForGood(before)) this.#miss(before)
      this.#list.pass()
    }
    if (this.#list.isDamaged) return false
    if (this.#missing === 0) return true
    throw new MintlineError(
      'record_damaged',
      `The next CRL would leave out ${this.#missing} of the certificates that the CRL ${this.number} revokes for good, the first of serial number ${this.#firstMissing}: rows are missing in the database. Nothing is signed until they are restored.`
    )
  }

  #isForGood(entry: ListedEntry): boolean {
    const told = this.#list.parse(entry)
    if (told === undefined || passingCodes.has(told.reasonCode)) return false
    // Times of a list are whole seconds.
    return (
      told.reasonCode !== reasonCodes.superseded ||
      told.revocationDate.getTime() + 1_000 <= this.#at.getTime()
    )
  }

  #miss({ serialNumber }: ListedEntry): void {
    this.#missing += 1
    this.#firstMissing ??= toHex(serialNumber)
  }
}
