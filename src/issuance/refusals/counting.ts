import type { DatabaseLog } from '../../database/database-log.ts'
import { isMintlineError, type MintlineError } from '../../errors/mintline-error.ts'
import type { CountedRefusal, CountReason, RefusalCount } from '../../records/refusal-counts/refusal-count.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { createPendingCounts, type PendingCounts } from './pending-counts.ts'

/** Counts refusals that are not recorded, and writes what it has counted within seconds. */
export interface RefusalCounting {
  count(counted: CountedRefusal): void
  /** Writes what there is. What cannot be written now is kept for the next time. Never rejects. */
  flush(): Promise<void>
  /** Writes what there is for the last time; what cannot be written is told and lost. */
  close(): Promise<void>
}

export interface RefusalCountingDependencies {
  /** Rows that are there already, by their id, count as written. */
  readonly insert: (counts: readonly RefusalCount[]) => Promise<void>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly log: Pick<DatabaseLog, 'warn' | 'error'>
  /** Told of each. */
  readonly observe?: (reason: CountReason) => void
  readonly pending?: PendingCounts
  readonly intervalMs?: number
}

const rowsOfStatement = 200
/** Statements in a row without one row taken, after which it is not the rows that something is wrong with. */
const mostFailures = 20

/**
 * A kill loses what was counted since the last time it was written: `intervalMs`, or as long as the database is away.
 * What could not be written keeps its ids: where it was written all the same, it is not written twice.
 */
export function createRefusalCounting(dependencies: RefusalCountingDependencies): RefusalCounting {
  const { clock, randomBytes, log, observe = () => undefined } = dependencies
  const { pending = createPendingCounts(), intervalMs = 10_000 } = dependencies
  let unwritten: readonly RefusalCount[] = []
  let flushing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let waitsForTimer = false

  function toRows(): readonly RefusalCount[] {
    const createdAt = clock()
    return pending.drain().map(tally => ({ ...tally, id: newId(createdAt, randomBytes), createdAt }))
  }

  async function writeRows(): Promise<void> {
    while (unwritten.length > 0) {
      const rows = unwritten.slice(0, rowsOfStatement)
      await insertTogetherOrApart(dependencies, rows)
      unwritten = unwritten.slice(rows.length)
    }
  }

  /** What comes meanwhile waits for the next time, or a steady stream would get a row for each. */
  async function write(): Promise<void> {
    try {
      if (unwritten.length >= rowsOfStatement) await writeRows()
      // Beside a few that were not taken go new ones, which show whether it is those.
      unwritten = [...unwritten, ...toRows()]
      await writeRows()
    } catch (err) {
      waitsForTimer = true
      log.warn({ err }, 'counts of refusals cannot be written; they are kept for the next time')
    }
  }

  function flush(): Promise<void> {
    flushing ??= write().finally(() => {
      flushing = undefined
      if (unwritten.length > 0 || pending.size > 0) startTimer()
    })
    return flushing
  }

  function startTimer(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      waitsForTimer = false
      void flush()
    }, intervalMs).unref()
  }

  return {
    count(counted) {
      observe(counted.reason)
      pending.add(counted, clock())
      if (pending.isFull && !waitsForTimer) void flush()
      else startTimer()
    },
    flush,
    async close() {
      // One that is under way may have begun before the last was counted.
      await flushing
      await flush()
      clearTimeout(timer)
      const lost = [...unwritten, ...pending.drain()].reduce((sum, { count }) => sum + count, 0)
      if (lost > 0)
        log.error({ lost }, 'counts of refusals could not be written before the end; they are lost')
    }
  }
}

/**
 * One row that the database does not take must not keep back all the others, and is lost: of rows that cannot be written
 * together, each half is tried. Where none is taken, nothing is known to be wrong with any.
 *
 * @throws MintlineError `internal_error` when it took none; any other at once.
 */
async function insertTogetherOrApart(
  { insert, log }: Pick<RefusalCountingDependencies, 'insert' | 'log'>,
  rows: readonly RefusalCount[]
): Promise<void> {
  const refused: { readonly row: RefusalCount; readonly err: MintlineError }[] = []
  let failures = 0
  let hasTaken = false

  async function insertSome(some: readonly RefusalCount[]): Promise<void> {
    try {
      await insert(some)
      hasTaken = true
    } catch (err) {
      if (!isMintlineError(err, 'internal_error')) throw err
      failures += 1
      if (!hasTaken && failures >= mostFailures) throw err
      const [row] = some
      if (some.length === 1 && row !== undefined) return void refused.push({ row, err })
      const middle = Math.ceil(some.length / 2)
      await insertSome(some.slice(0, middle))
      await insertSome(some.slice(middle))
    }
  }

  await insertSome(rows)
  if (!hasTaken && refused[0] !== undefined) throw refused[0].err
  for (const { row, err } of refused) {
    const { reason, station, code, count } = row
    log.error(
      { err, reason, station, code, count },
      'the database does not take a count of refusals; it is lost'
    )
  }
}
