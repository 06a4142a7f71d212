import type pg from 'pg'
import { buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { auditEventStatement } from '../../audit/audit-store.ts'
import type { MonthWork } from './detach-store.ts'
import { forgetIssuers } from './issuer-store.ts'
import { type Month, monthlyTables, monthRefused, partitionOf } from './month.ts'
import {
  attachPartition,
  columnsOf,
  type DetachedTableRow,
  findLack,
  findTables,
  missingChecks,
  missingColumns,
  type MonthTable,
  readDetached
} from './month-store.ts'
import { digestTable, findChanged, rowsOfBlock, type TableDigest } from './row-digest-store.ts'
import { isLockRefused, readClock, withinTransaction } from './transaction-store.ts'

/**
 * Puts a month back into the record, if its rows are those that were detached, each of them, and its tables guard them as
 * before. Columns and checks that the record has got since are added, as migrations add them to what is there.
 *
 * One transaction: a crash leaves the month as it was. Nobody waits for it: what takes long is done on tables that nobody
 * reads yet.
 *
 * @returns what was attached.
 * @throws MintlineError `month_refused`: for a row that is another, its id is told.
 */
export function attachMonth(
  month: Month,
  work: MonthWork
): Promise<readonly (TableDigest & { readonly name: string })[]> {
  const { client, act, randomBytes } = work
  return withinTransaction(work, month, async () => {
    const detached = await readDetached(client, month.name)
    if (detached === undefined)
      throw monthRefused(month.name, 'is not detached. `mintline months list` says which months are.')
    const tables = await requireTables(client, month, detached.tables)
    await lock(client, month, tables)
    for (const { table, was } of tables) await assertSame(table, was, { month, work })
    for (const { table } of tables) await attach(client, table, month)
    await noteChanges(client, month, tables)
    await client.query('DELETE FROM detached_block WHERE month = $1', [month.name])
    await client.query('DELETE FROM detached_table WHERE month = $1', [month.name])
    await client.query('DELETE FROM detached_refusals WHERE month = $1', [month.name])
    await forgetIssuers(client, month)
    await client.query('DELETE FROM detached_month WHERE month = $1', [month.name])
    const { detachedAt, detachedBy } = detached
    const told = detached.tables.map(({ name, rows, sha256 }) => ({
      name,
      rows,
      sha256: sha256.toString('hex')
    }))
    const before = { detachedAt: detachedAt.toISOString(), detachedBy, detached: told }
    const time = await readClock(client)
    const what: ToldAct = { ...act, act: 'month.attach', subject: `month/${month.name}`, before }
    await client.query(auditEventStatement(buildAuditEvent(what, { time, randomBytes })))
    return detached.tables
  })
}

interface Returning {
  readonly table: MonthTable
  readonly was: DetachedTableRow
}

async function requireTables(
  client: pg.Client,
  month: Month,
  detached: readonly DetachedTableRow[]
): Promise<readonly Returning[]> {
  const found = await findTables(client, month)
  const missing = detached.filter(({ name }) => !found.some(table => table.name === name))
  if (missing.length > 0)
    throw monthRefused(
      month.name,
      `the tables ${missing.map(({ name }) => name).join(', ')} are not in this database. Restore them first from where they are kept (psql or pg_restore, as the owner of the tables).`
    )
  const attached = found.find(({ isAttached }) => isAttached)
  if (attached !== undefined)
    throw monthRefused(
      month.name,
      `${attached.name} was attached by hand. Detach it by hand, and run the command again.`
    )
  return monthlyTables.flatMap(parent => {
    const was = detached.find(({ name }) => name === partitionOf(parent, month))
    const table = found.find(each => each.parent === parent)
    return was === undefined || table === undefined ? [] : [{ table, was }]
  })
}

async function lock(client: pg.Client, month: Month, tables: readonly Returning[]): Promise<void> {
  try {
    await client.query(`SET LOCAL lock_timeout = '5s'`)
    const names = tables.map(({ table }) => `public.${table.name}`).join(', ')
    await client.query(`LOCK TABLE ${names} IN ACCESS EXCLUSIVE MODE`)
    // For what follows, which waits for migrations and backups.
    await client.query(`SET LOCAL lock_timeout = '1min'`)
  } catch (error) {
    if (!isLockRefused(error)) throw error
    throw monthRefused(
      month.name,
      'its tables are in use, maybe by a dump or a restore. Run the command again after it.'
    )
  }
}

async function assertSame(
  { name }: MonthTable,
  { columns, rows, sha256 }: DetachedTableRow,
  { month, work: { client, onRows } }: { readonly month: Month; readonly work: MonthWork }
): Promise<void> {
  const lack = await findLack(client, name)
  if (lack !== undefined)
    throw monthRefused(month.name, `${name} is refused: ${lack}. Restore it as it was dumped.`)
  const there = await columnsOf(client, name)
  const gone = columns.filter(column => !there.includes(column))
  if (gone.length > 0)
    throw monthRefused(
      month.name,
      `${name} has lost columns: ${gone.join(', ')}. Restore it as it was dumped.`
    )
  const found = await digestTable(client, { name, columns }, async block => {
    onRows?.(name, block.number * rowsOfBlock + block.ids.length)
    const changed = findChanged(block, await readMarks(client, { month, name }, block.number))
    if (changed !== undefined) throw monthRefused(month.name, anotherRow(name, changed))
  })
  if (found.rows !== rows)
    throw monthRefused(
      month.name,
      `${name} has ${found.rows} rows where ${rows} were detached: the last are missing. ${restore}`
    )
  if (!found.sha256.equals(sha256))
    throw monthRefused(month.name, `the rows of ${name} are not those that were detached. ${restore}`)
}

const restore = 'Nothing was attached. Restore the table from the dump of when it was detached.'

const anotherRow = (name: string, id: string) =>
  `in ${name} the row ${id} is not as it was when the month was detached: it was altered or added, or one before it is missing. ${restore}`

async function readMarks(
  client: pg.Client,
  { month, name }: { readonly month: Month; readonly name: string },
  number: number
): Promise<Buffer | undefined> {
  const { rows } = await client.query<{ marks: Buffer }>(
    'SELECT row_marks AS marks FROM detached_block WHERE month = $1 AND name = $2 AND number = $3',
    [month.name, name, number]
  )
  return rows[0]?.marks
}

/**
 * What is searched by is brought up to date: with records that are not there, since all was made anew while the month was
 * away, and with what had just come to others when it went.
 */
async function noteChanges(
  client: pg.Client,
  { firstId, endId }: Month,
  tables: readonly Returning[]
): Promise<void> {
  for (const { table } of tables) {
    if (table.parent !== 'intent' && table.parent !== 'refusal') continue
    await client.query(
      `INSERT INTO search_change (record_id) SELECT id FROM public.${table.name} AS record
       WHERE NOT EXISTS (SELECT FROM issuance_search WHERE record_id = record.id)`
    )
  }
  await client.query(
    `INSERT INTO search_change (record_id)
     SELECT id FROM (
       SELECT intent_id AS id FROM void UNION SELECT intent_id FROM revocation UNION SELECT refusal_id FROM refusal_purge
       UNION SELECT record_id FROM issuance_search JOIN search_facet ON search_facet.id = facet_id WHERE state = 'unknown'
     ) AS changed WHERE id >= $1 AND id < $2`,
    [firstId, endId]
  )
}

async function attach(client: pg.Client, table: MonthTable, month: Month): Promise<void> {
  for (const column of await missingColumns(client, table))
    await client.query(`ALTER TABLE public.${table.name} ADD COLUMN ${column}`)
  for (const action of await missingChecks(client, table))
    await client.query(`ALTER TABLE public.${table.name} ${action}`)
  await attachPartition(client, table, month)
}
