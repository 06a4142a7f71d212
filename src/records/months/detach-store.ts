import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { type Act, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { auditEventStatement } from '../../audit/audit-store.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { keepIssuers } from './issuer-store.ts'
import { leastAgeMonths, type Month, monthlyTables, monthRefused } from './month.ts'
import {
  ageInMonths,
  type Begun,
  columnsOf,
  findBegun,
  findObstacles,
  findTables,
  type MonthTable,
  type Obstacles,
  readDetached
} from './month-store.ts'
import { digestTable, type TableDigest } from './row-digest-store.ts'
import { isLockRefused, readClock, withinTransaction } from './transaction-store.ts'

export interface MonthWork {
  /** Connection of the owner of the tables. */
  readonly client: pg.Client
  readonly act: Act
  readonly randomBytes: RandomBytes
  /** Told of rows as they are read. */
  readonly onRows?: (table: string, rows: number) => void
}

export interface DetachedMonth {
  readonly tables: readonly (TableDigest & { readonly name: string })[]
  /** For how long nobody could read or write records. */
  readonly lockedMs: number
  /** How often the lock was not to be had at once. */
  readonly waits: number
}

/**
 * Takes a month's partitions out of the record and keeps what their rows were like. The tables stay, with their guards, under
 * the same names; nothing reads them any more.
 *
 * One transaction: a crash leaves the month as it was. The rows are read under a lock that keeps writers of that month alone
 * away. The lock that takes the partitions out keeps everybody away, and is asked for at the very end: for a tenth of a
 * second at a time, so that nobody waits longer behind it.
 *
 * @throws MintlineError `month_refused`; what keeps the database away.
 */
export function detachMonth(month: Month, work: MonthWork): Promise<DetachedMonth> {
  const { client, act, randomBytes } = work
  return withinTransaction(work, month, async () => {
    const tables = await assertDetachable(client, month)
    await lockAgainstWriters(client, month, tables)
    assertFinished(month, await findObstacles(client, month, tables))
    const time = await readClock(client)
    await client.query(
      `INSERT INTO detached_month (month, detached_at, detached_by, last_record_id) SELECT $1, $2, $3, greatest(${lastIds(tables)})`,
      [month.name, time, act.actor]
    )
    await keepRefusals(client, month, tables)
    await keepIssuers(client, month, tables)
    const digests: (TableDigest & { readonly name: string })[] = []
    for (const table of tables) digests.push({ name: table.name, ...(await keepDigest(table, month, work)) })
    const after = {
      detached: digests.map(({ name, rows, sha256 }) => ({ name, rows, sha256: sha256.toString('hex') }))
    }
    const what: ToldAct = { ...act, act: 'month.detach', subject: `month/${month.name}`, after }
    await client.query(auditEventStatement(buildAuditEvent(what, { time, randomBytes })))
    const lock = await detach(client, month, tables)
    return { tables: digests, ...lock }
  })
}

const lastIds = (tables: readonly MonthTable[]) =>
  tables
    .filter(({ parent }) => parent === 'intent' || parent === 'refusal')
    .map(({ name }) => `(SELECT id FROM public.${name} ORDER BY id DESC LIMIT 1)`)
    .join(', ')

async function assertDetachable(client: pg.Client, month: Month): Promise<readonly MonthTable[]> {
  const before = await readDetached(client, month.name)
  if (before !== undefined)
    throw monthRefused(month.name, `is detached already, since ${before.detachedAt.toISOString()}.`)
  if ((await ageInMonths(client, month)) < leastAgeMonths)
    throw monthRefused(
      month.name,
      `is not old enough: the latest month that can be detached is the one ${leastAgeMonths} months before this.`
    )
  const tables = await findTables(client, month)
  const loose = tables.find(({ isAttached }) => !isAttached)
  if (loose !== undefined)
    throw monthRefused(
      month.name,
      `there is a table ${loose.name} which is no part of ${loose.parent}, and not by this command. Rename or drop it, or attach it by hand as it was.`
    )
  if (!['intent', 'issued', 'refusal'].every(parent => tables.some(table => table.parent === parent)))
    throw monthRefused(
      month.name,
      'has no partitions: nothing of it is on record. See `mintline months list`.'
    )
  return tables
}

async function lockAgainstWriters(
  client: pg.Client,
  month: Month,
  tables: readonly MonthTable[]
): Promise<void> {
  try {
    await client.query(`SET LOCAL lock_timeout = '5s'`)
    await client.query(`LOCK TABLE ${tables.map(({ name }) => `public.${name}`).join(', ')} IN SHARE MODE`)
  } catch (error) {
    if (!isLockRefused(error)) throw error
    throw monthRefused(
      month.name,
      'somebody writes into it at this moment, or alters it. Nothing was changed; run the command again.'
    )
  }
}

function assertFinished(month: Month, { open, events, lots, ...begun }: Obstacles): void {
  const { name } = month
  if (open > 0)
    throw monthRefused(
      name,
      `${open} of its issuances are open. Let the stations send their CSRs again, or declare them void: GET /v1/issuances?outcome=unknown lists them.`
    )
  assertNothingBegun(month, begun)
  if (events > 0)
    throw monthRefused(
      name,
      `the webhook is owed ${events} events of it. Have them delivered first: GET /v1/events/status tells how they stand, and POST /v1/events/deliver has those that are set aside tried again.`
    )
  if (lots.length > 0)
    throw monthRefused(
      name,
      `it has devices or refusals of lots that are not closed, whose statements are to count them: ${lots.join(', ')}${lots.length === 5 ? ' and maybe others' : ''}. Close them first: POST /v1/lots/{id}/close.`
    )
}

function assertNothingBegun({ name }: Month, { succeeding, ending, orders }: Begun): void {
  if (succeeding > 0)
    throw monthRefused(
      name,
      `${succeeding} open issuances are to take the place of certificates of it. Let the stations send their CSRs again, or declare them void: GET /v1/issuances?outcome=unknown lists them.`
    )
  if (ending > 0)
    throw monthRefused(
      name,
      `${ending} of its certificates are superseded and end later (supersededEnds). Detach it when they have ended.`
    )
  if (orders > 0)
    throw monthRefused(
      name,
      `${orders} orders to revoke are under way, which would pass over it. Detach it when they are done: GET /v1/revocations lists them.`
    )
}

/** Those of lots, whose counts are to stay. Nothing repeats what is so old. */
async function keepRefusals(client: pg.Client, month: Month, tables: readonly MonthTable[]): Promise<void> {
  const refusals = tables.find(({ parent }) => parent === 'refusal')!
  await client.query(
    `INSERT INTO detached_refusals (lot, station, month, refused)
     SELECT lot, station, $1, count(*) + coalesce(sum(repeats), 0)
     FROM public.${refusals.name} AS refusal LEFT JOIN LATERAL (
       SELECT sum(count) AS repeats FROM refusal_count WHERE refusal_count.refusal_id = refusal.id
     ) AS repeated ON true
     WHERE lot IS NOT NULL GROUP BY lot, station`,
    [month.name]
  )
}

async function keepDigest(
  table: MonthTable,
  month: Month,
  { client, onRows }: MonthWork
): Promise<TableDigest> {
  const { name } = table
  const columns = await columnsOf(client, name)
  const keep = `INSERT INTO detached_table (month, name, columns, rows, sha256) VALUES ($1, $2, $3, $4, $5)`
  const blocks: { readonly number: number; readonly marks: Buffer }[] = []
  const write = async () => {
    const part = blocks.splice(0)
    if (part.length === 0) return
    await client.query(
      'INSERT INTO detached_block (month, name, number, row_marks) SELECT $1, $2, * FROM unnest($3::int[], $4::bytea[])',
      [month.name, name, part.map(({ number }) => number), part.map(({ marks }) => marks)]
    )
  }
  // The blocks refer to the row of their table, whose sums are known at the end alone.
  await client.query(keep, [month.name, name, columns, 0, Buffer.alloc(32)])
  const digest = await digestTable(client, { name, columns }, async ({ number, ids, marks }) => {
    blocks.push({ number, marks })
    if (blocks.length === 100) await write()
    onRows?.(name, number * 1000 + ids.length)
  })
  await write()
  await client.query('UPDATE detached_table SET rows = $3, sha256 = $4 WHERE month = $1 AND name = $2', [
    month.name,
    name,
    digest.rows,
    digest.sha256
  ])
  return digest
}

/** How long the lock is waited for at a time: as long as whoever comes meanwhile waits as well. */
const lockWaitMs = 100
/** Between two tries everybody else goes on. */
const betweenTriesMs = 400
const deadlineMs = 120_000

/** Ends the transaction: the lock is held for the statements that take the partitions out, and the commit. */
async function detach(
  client: pg.Client,
  month: Month,
  tables: readonly MonthTable[]
): Promise<Pick<DetachedMonth, 'lockedMs' | 'waits'>> {
  const end = performance.now() + deadlineMs
  await client.query(`SET LOCAL lock_timeout = '${lockWaitMs}ms'`)
  for (let waits = 0; ; waits++) {
    await client.query('SAVEPOINT before_lock')
    try {
      await client.query(`LOCK TABLE ONLY ${monthlyTables.join(', ONLY ')} IN ACCESS EXCLUSIVE MODE`)
      const lockedAt = performance.now()
      assertNothingBegun(month, await findBegun(client, month))
      const statements = tables.map(
        ({ parent, name }) => `ALTER TABLE public.${parent} DETACH PARTITION public.${name}`
      )
      await client.query(statements.join('; '))
      await client.query('COMMIT')
      return { lockedMs: performance.now() - lockedAt, waits }
    } catch (error) {
      if (!isLockRefused(error)) throw error
      await client.query('ROLLBACK TO SAVEPOINT before_lock')
      if (performance.now() > end)
        throw monthRefused(
          month.name,
          'somebody reads or writes records without a pause, maybe a backup or a long search. Nothing was changed; run the command again.'
        )
    }
    await pause(betweenTriesMs)
  }
}
