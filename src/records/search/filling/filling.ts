import type { Clock } from '../../../sources/clock.ts'
import { firstIdentifierOf, timeOfIdentifier } from '../../../sources/identifier.ts'
import { fillBatch } from './fill.ts'
import type { FillRange, FillStore } from './fill-store.ts'

/** Fills in what the records are searched by. Several at once do not harm each other: one goes on after the other. */
export interface Filling {
  /**
   * One step: at most `batchSize` new records, and as many changes.
   *
   * @returns whether there may be more to do at once.
   * @throws MintlineError `database_unavailable`.
   */
  step(): Promise<boolean>
}

export interface FillingDependencies {
  readonly store: FillStore
  /** What new ids are made by, or one like it. */
  readonly clock: Clock
  readonly batchSize?: number
}

/** New records are looked for from so long before the last one that was found, since some are committed late. */
const lookBacksMs = {
  /** Each time. */
  soon: 4_000,
  /** Where clocks differ, and commits take as long as they may. */
  often: 30_000,
  /** And whatever else there may be. */
  seldom: 180_000
}
const oftenEachMs = 1_200
const seldomEachMs = 20_000
/** What is later is of a wrong future, and looked for seldom. */
const aheadMs = 60_000
/** That there was nothing to do is noted this often: reading it must not make the database write on and on. */
const noteEachMs = 5_000

/**
 * The id below which all records that there are are filled in.
 *
 * @param position as progress has it. @param now where that is later, the clock went wrong once: what is made now is below it.
 */
export function watermarkOf(position: string, now: Date): Date {
  const at = Math.min(timeOfIdentifier(position).getTime(), now.getTime())
  return new Date(Math.max(0, at - lookBacksMs.often))
}

export function createFilling({ store, clock, batchSize = 500 }: FillingDependencies): Filling {
  /** Where a batch that was full ended, and from which position: the next one begins there, unless it is time to look back. */
  let going: { readonly after: string; readonly from: string } | undefined
  const lastAt = { often: -Infinity, seldom: -Infinity, noted: -Infinity }

  /** @param after the id behind which a chain of full batches goes on. */
  function rangeFrom(position: string, now: number, after?: string): FillRange {
    // Nothing is committed any more of what is so old.
    if (after !== undefined && timeOfIdentifier(after).getTime() < now - lookBacksMs.seldom) return { after }
    // Whoever filled before may have ended in the middle of anything: the first look is that of seldom.
    if (now - lastAt.seldom >= seldomEachMs) {
      lastAt.seldom = lastAt.often = now
      return { after: before(position, now, lookBacksMs.seldom) }
    }
    const ahead = firstIdentifierOf(new Date(now + aheadMs))
    if (now - lastAt.often >= oftenEachMs) {
      lastAt.often = now
      return { after: before(position, now, lookBacksMs.often), before: ahead }
    }
    return after === undefined ? { after: before(position, now, lookBacksMs.soon), before: ahead } : { after }
  }

  async function noteFilled(from: string, now: number): Promise<void> {
    if (now - lastAt.noted < noteEachMs) return
    await store.noteFilled(from)
    lastAt.noted = now
  }

  return {
    async step() {
      const now = clock().getTime()
      const { position: from, filledAt } = await store.readProgress()
      if (filledAt === null) lastAt.noted = -Infinity
      // Where everything was emptied meanwhile, it begins anew.
      const after = going !== undefined && from >= going.from ? going.after : undefined
      const { newIds: ids, hasChanges } = await store.look(rangeFrom(from, now, after), batchSize)
      let hasMoreChanges = false
      if (ids.length > 0 || hasChanges) {
        const batch = { ids, position: lastUpTo(ids, now), maximumChanges: batchSize }
        const filled = await store.alone(from, transaction => fillBatch(transaction, batch))
        // Where everything was emptied meanwhile, there is all to do.
        hasMoreChanges = filled?.hasMoreChanges ?? true
      }
      const isFull = ids.length === batchSize
      going = isFull ? { after: ids.at(-1)!, from } : undefined
      if (!isFull && !hasMoreChanges) await noteFilled(from, now)
      return isFull || hasChanges
    }
  }
}

/** Of the ids those that are no further than now; those of a wrong future say nothing of what is still to come. */
function lastUpTo(ids: readonly string[], now: number): string | undefined {
  const bound = firstIdentifierOf(new Date(now + aheadMs))
  return ids.findLast(id => id < bound)
}

function before(position: string, now: number, byMs: number): string {
  const at = Math.min(timeOfIdentifier(position).getTime(), now)
  return firstIdentifierOf(new Date(at - byMs))
}
