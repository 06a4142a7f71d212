import { compareOctets } from '../../../pki/der/octets.ts'
import type { ListedEntry } from '../../../pki/revocation/list/listed-entries.ts'
import { reasonCodes } from '../../../pki/revocation/reason.ts'
import type { ReadEntry } from './entries-store.ts'
import type { ListCursor } from './list-cursor.ts'

/**
 * What a delta CRL says (RFC 5280 §5.2.4): of all that is revoked or on hold, what its base does not say like that; and that back into
 * use is what the base, or the delta before, says and is not any more (removeFromCRL, §5.3.1). It goes by the octets that were
 * signed, not by times, so that neither a clock nor an act that was committed late makes it miss one.
 */
export class Difference {
  readonly #base: ListCursor
  /** The delta before, of the same base: what it told, the next one tells too. */
  readonly #before: ListCursor | undefined

  constructor(base: ListCursor, before: ListCursor | undefined) {
    this.#base = base
    this.#before = before
  }

  /** @param page of all entries, behind those that were passed before. @returns those of the delta. */
  async pass(page: readonly ReadEntry[]): Promise<readonly ReadEntry[]> {
    const told: ReadEntry[] = []
    for (const entry of page) {
      await this.#removeUntil(entry.serialNumber, told)
      const inBase = await this.#base.take(entry.serialNumber)
      const inBefore = await this.#before?.take(entry.serialNumber)
      if (inBase === undefined || inBefore !== undefined || !this.#isSame(inBase, entry)) told.push(entry)
    }
    return told
  }

  /** What is left of both. */
  async finish(): Promise<readonly ReadEntry[]> {
    const told: ReadEntry[] = []
    await this.#removeUntil(undefined, told)
    return told
  }

  /** Whether the octets of one of them are not those that were signed. Known once it is finished. */
  get isDamaged(): boolean {
    return this.#base.isDamaged || this.#before?.isDamaged === true
  }

  async #removeUntil(serialNumber: Uint8Array | undefined, told: ReadEntry[]): Promise<void> {
    for (;;) {
      const [inBase, inBefore] = [await this.#base.peek(), await this.#before?.peek()]
      const next = firstOf(inBase, inBefore)
      if (next === undefined) return
      if (serialNumber !== undefined && compareOctets(next.serialNumber, serialNumber) >= 0) return
      await this.#base.take(next.serialNumber)
      await this.#before?.take(next.serialNumber)
      const revocationDate = this.#base.parse(next)?.revocationDate
      if (revocationDate === undefined) continue
      const { serialNumber: removed } = next
      told.push({ serialNumber: removed, revocationDate, reason: 'removeFromCRL', isByClock: false })
    }
  }

  #isSame(listed: ListedEntry, { reason, revocationDate, invalidityDate }: ReadEntry): boolean {
    const told = this.#base.parse(listed)
    return (
      told !== undefined &&
      (told.reasonCode ?? reasonCodes.unspecified) === reasonCodes[reason] &&
      secondOf(told.revocationDate) === secondOf(revocationDate) &&
      secondOf(told.invalidityDate) === secondOf(invalidityDate)
    )
  }
}

function firstOf(one: ListedEntry | undefined, other: ListedEntry | undefined): ListedEntry | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return compareOctets(other.serialNumber, one.serialNumber) < 0 ? other : one
}

/** Times of a list are whole seconds. */
function secondOf(date: Date | undefined): number | undefined {
  return date && Math.floor(date.getTime() / 1000)
}
