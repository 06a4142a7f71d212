import type pg from 'pg'
import { type Month, monthRefused } from './month.ts'

/** One command upon months at a time. */
const lockStatement = `SELECT pg_try_advisory_xact_lock(x'6d696e74'::int, x'6d6f6e74'::int) AS "isAlone"`

/**
 * Does `work` in one transaction, which it may commit itself: a crash leaves all of it or nothing.
 *
 * @throws MintlineError `month_refused` while another process is at such work; what `work` throws.
 */
export async function withinTransaction<Result>(
  { client }: { readonly client: pg.Client },
  month: Month,
  work: () => Promise<Result>
): Promise<Result> {
  await client.query('BEGIN')
  try {
    const { rows } = await client.query<{ isAlone: boolean }>(lockStatement)
    if (rows[0]?.isAlone !== true)
      throw monthRefused(
        month.name,
        'another `mintline months` is at work. Run the command again when it has ended.'
      )
    const result = await work()
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** The database's, by which all replicas go. */
export async function readClock(client: pg.Client): Promise<Date> {
  const { rows } = await client.query<{ now: Date }>(
    `SELECT date_trunc('milliseconds', clock_timestamp()) AS now`
  )
  return rows[0]!.now
}

/** Somebody else had the lock for longer than was waited for, or two waited for each other. */
export function isLockRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '40P01')
}
