import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { connectionConfig } from '../../../src/database/connection.ts'
import { attachMonth } from '../../../src/records/months/attach-store.ts'
import { detachMonth, type MonthWork } from '../../../src/records/months/detach-store.ts'
import { type Month, monthlyTables, parseMonth, partitionOf } from '../../../src/records/months/month.ts'
import { openRework } from '../../issuance/rework/rework-test.ts'

const now = new Date()

/** A month before this one, and a moment in its middle. */
export function monthsAgo(count: number): { readonly month: Month; readonly middle: Date } {
  const middle = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - count, 15, 12))
  return { month: parseMonth(middle.toISOString().slice(0, 7))!, middle }
}

export type Months = Awaited<ReturnType<typeof openMonths>>

/** Issuing whose clock a test sets, and who detaches and attaches months beside it. It begins five months ago. */
export async function openMonths() {
  let time = monthsAgo(5).middle
  const clock = () => time
  const rework = await openRework({ clock })
  const connect = async () => {
    const client = new pg.Client(connectionConfig(rework.test.connectionString, 'migration'))
    // The database is dropped at the end, whoever is connected.
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  const client = await connect()
  const work: MonthWork = {
    client,
    act: { actor: 'cli/test', reason: 'room' },
    randomBytes: size => new Uint8Array(randomBytes(size))
  }
  return {
    ...rework,
    clock,
    client,
    /** Another connection of the owner. */
    connect,
    at(moment: Date) {
      time = moment
    },
    detach: (month: Month) => detachMonth(month, work),
    attach: (month: Month) => attachMonth(month, work),
    /** By another process. */
    detachBy: (other: pg.Client, month: Month) => detachMonth(month, { ...work, client: other }),
    async close() {
      await client.end()
      await rework.close()
    }
  }
}

/** A table's rows as text, which is what a dump has of them. */
interface Dump {
  readonly name: string
  readonly parent: string
  readonly rows: readonly string[]
  /** In the words of PostgreSQL, as a dump has them. */
  readonly checks: readonly string[]
}

/** What a dump of the month's tables has. The order is none. */
export async function dumpMonth(client: pg.Client, month: Month): Promise<readonly Dump[]> {
  const dumps: Dump[] = []
  for (const parent of monthlyTables) {
    const name = partitionOf(parent, month)
    const { rows } = await client.query<{ row: string }>(`SELECT ${name}::text AS row FROM ${name}`)
    const { rows: checks } = await client.query<{ check: string }>(
      `SELECT format('%I %s', conname, pg_get_constraintdef(oid)) AS check FROM pg_constraint
       WHERE conrelid = $1::regclass AND contype = 'c'`,
      [name]
    )
    dumps.push({ name, parent, rows: rows.map(({ row }) => row), checks: checks.map(({ check }) => check) })
  }
  return dumps
}

export async function dropMonth(client: pg.Client, month: Month): Promise<void> {
  await client.query(`DROP TABLE ${monthlyTables.map(parent => partitionOf(parent, month)).join(', ')}`)
}

/** As `pg_restore` does: the tables, then the rows, then what guards them. */
export async function restoreMonth(client: pg.Client, dumps: readonly Dump[]): Promise<void> {
  for (const { name, parent, rows, checks } of dumps) {
    await client.query(`CREATE TABLE ${name} (LIKE ${parent} INCLUDING ALL EXCLUDING CONSTRAINTS)`)
    for (const check of checks) await client.query(`ALTER TABLE ${name} ADD CONSTRAINT ${check}`)
    for (const row of rows.toReversed())
      await client.query(`INSERT INTO ${name} SELECT ($1::${name}).*`, [row])
    await client.query(
      `CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${name} EXECUTE FUNCTION refuse_change()`
    )
    await client.query(`ALTER TABLE ${name} ENABLE ALWAYS TRIGGER append_only`)
  }
}
