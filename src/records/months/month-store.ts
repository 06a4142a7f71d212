import type pg from 'pg'
import { type Month, monthlyTables, partitionOf } from './month.ts'

/*
 * Statements of the commands upon months. They run as the owner of the tables, in the one transaction of the command; what
 * is put together here are names of tables and columns of our own.
 */

/** A partition, or the table that was one. */
export interface MonthTable {
  /** The table above it. */
  readonly parent: string
  readonly name: string
  readonly isAttached: boolean
}

/** What of the month is there. @returns those that are. */
export async function findTables(client: pg.Client, month: Month): Promise<readonly MonthTable[]> {
  const { rows } = await client.query<MonthTable>(
    `SELECT parent, name, EXISTS (
       SELECT FROM pg_inherits WHERE inhrelid = found.oid AND inhparent = ('public.' || parent)::regclass
     ) AS "isAttached"
     FROM unnest($1::text[], $2::text[]) AS asked(parent, name)
     JOIN pg_class AS found ON found.relname = name AND found.relnamespace = 'public'::regnamespace
     ORDER BY parent`,
    [monthlyTables, monthlyTables.map(table => partitionOf(table, month))]
  )
  return rows
}

export interface DetachedTableRow {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: number
  readonly sha256: Buffer
}

export interface DetachedMonthRow {
  readonly month: string
  readonly detachedAt: Date
  readonly detachedBy: string
  readonly tables: readonly DetachedTableRow[]
}

export async function readDetached(client: pg.Client, month: string): Promise<DetachedMonthRow | undefined> {
  const { rows } = await client.query<Omit<DetachedMonthRow, 'tables'>>(
    `SELECT month, detached_at AS "detachedAt", detached_by AS "detachedBy" FROM detached_month WHERE month = $1`,
    [month]
  )
  const [row] = rows
  if (row === undefined) return undefined
  const tables = await client.query<DetachedTableRow>(
    'SELECT name, columns, rows, sha256 FROM detached_table WHERE month = $1 ORDER BY name',
    [month]
  )
  return { ...row, tables: tables.rows }
}

/** How many whole months ago the month was, by the database's clock; below 0 for what is to come. */
export async function ageInMonths(client: pg.Client, { name }: Month): Promise<number> {
  const { rows } = await client.query<{ age: number }>(
    `SELECT (extract(year FROM today) * 12 + extract(month FROM today)
       - extract(year FROM of) * 12 - extract(month FROM of))::int AS age
     FROM (SELECT now() AT TIME ZONE 'UTC' AS today, ($1 || '-01')::timestamp AS of) AS t`,
    [name]
  )
  return rows[0]!.age
}

/** What may still be begun while the rows are read. */
export interface Begun {
  /** Issuances that are to take the place of a certificate of the month. */
  readonly succeeding: number
  /** Certificates that are superseded and have not ended yet. */
  readonly ending: number
  /** Orders to revoke that are under way: they would pass over it. */
  readonly orders: number
}

export interface Obstacles extends Begun {
  readonly open: number
  readonly events: number
  /** Some of the lots that are not closed. */
  readonly lots: readonly string[]
}

/** What of the month is still to come to something. @param tables the partitions, locked against writers. */
export async function findObstacles(
  client: pg.Client,
  { firstId, endId }: Month,
  tables: readonly MonthTable[]
): Promise<Obstacles> {
  const ofLots = tables
    .filter(({ parent }) => parent === 'intent' || parent === 'refusal')
    .map(({ name }) => `SELECT lot FROM ${name} WHERE lot IS NOT NULL`)
  const named = ofLots.length === 0 ? 'SELECT NULL::text AS lot' : ofLots.join(' UNION ')
  const { rows } = await client.query<Obstacles>(
    `SELECT
       (SELECT count(*)::int FROM open_intent WHERE intent_id >= $1 AND intent_id < $2) AS open,
       ${begunColumns},
       (SELECT count(*)::int FROM outgoing_event
          WHERE record_id >= $1 AND record_id < $2 AND type IN ('mintline.issuance.issued', 'mintline.issuance.rejected')
            OR type = 'mintline.issuance.revoked' AND EXISTS (
              SELECT FROM revocation_act WHERE id = record_id AND intent_id >= $1 AND intent_id < $2
            )) AS events,
       ARRAY(
         SELECT lot FROM (${named}) AS named
         WHERE EXISTS (SELECT FROM lot WHERE lot.id = named.lot)
           AND NOT EXISTS (SELECT FROM lot_statement WHERE lot_id = named.lot)
         ORDER BY lot LIMIT 5
       ) AS lots`,
    [firstId, endId]
  )
  return rows[0]!
}

const begunColumns = `
  (SELECT count(*)::int FROM open_intent JOIN succession ON succession.intent_id = open_intent.intent_id
    WHERE succeeds >= $1 AND succeeds < $2) AS succeeding,
  (SELECT count(*)::int FROM certificate_status
    WHERE intent_id >= $1 AND intent_id < $2 AND ends_at IS NOT NULL AND state <> 'revoked') AS ending,
  (SELECT count(*)::int FROM revocation_order WHERE finished_at IS NULL) AS orders`

/** As of `findObstacles`, again: at a moment when nobody can begin one. */
export async function findBegun(client: pg.Client, { firstId, endId }: Month): Promise<Begun> {
  const { rows } = await client.query<Begun>(`SELECT ${begunColumns}`, [firstId, endId])
  return rows[0]!
}

export async function columnsOf(client: pg.Client, table: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = ('public.' || $1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname`,
    [table]
  )
  return rows.map(({ name }) => name)
}

/** The columns that the table above has and this one has not: those that came while it was away. */
export async function missingColumns(
  client: pg.Client,
  { parent, name }: MonthTable
): Promise<readonly string[]> {
  const { rows } = await client.query<{ definition: string }>(
    `SELECT format('%I %s%s', attname, format_type(atttypid, atttypmod), coalesce(
       ' DEFAULT ' || (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum), ''
     )) AS definition
     FROM pg_attribute AS above
     WHERE attrelid = ('public.' || $1)::regclass AND attnum > 0 AND NOT attisdropped AND NOT EXISTS (
       SELECT FROM pg_attribute AS own
       WHERE own.attrelid = ('public.' || $2)::regclass AND own.attname = above.attname AND NOT own.attisdropped
     )`,
    [parent, name]
  )
  return rows.map(({ definition }) => definition)
}

/**
 * What gives the table the checks of the table above, as parts of ALTER TABLE: those that it has not, and those that it has in
 * other words, of before a migration, or as a dump has written them. By what they say, PostgreSQL tells whether they are the same.
 */
export async function missingChecks(
  client: pg.Client,
  { parent, name }: MonthTable
): Promise<readonly string[]> {
  const { rows } = await client.query<{ action: string }>(
    `SELECT
       CASE WHEN own.oid IS NULL THEN '' ELSE format('DROP CONSTRAINT %I, ', own.conname) END
         || format('ADD CONSTRAINT %I %s', above.conname, pg_get_constraintdef(above.oid)) AS action
     FROM pg_constraint AS above
     LEFT JOIN pg_constraint AS own
       ON own.conrelid = ('public.' || $2)::regclass AND own.contype = 'c' AND own.conname = above.conname
     WHERE above.conrelid = ('public.' || $1)::regclass AND above.contype = 'c'
       AND pg_get_constraintdef(own.oid) IS DISTINCT FROM pg_get_constraintdef(above.oid)`,
    [parent, name]
  )
  return rows.map(({ action }) => action)
}

/** Why the table does not guard its rows as a partition does; undefined where it does. */
export async function findLack(client: pg.Client, name: string): Promise<string | undefined> {
  const { rows } = await client.query<{ guarded: boolean; others: string[]; twisted: boolean }>(
    `SELECT
       EXISTS (
         SELECT FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
         WHERE tgrelid = found.oid AND tgname = 'append_only' AND tgenabled = 'A'
           AND proname IN ('refuse_change', 'refuse_change_but_purge') AND pronamespace = 'public'::regnamespace
           -- A statement's, before it; of updates, deletes and truncations.
           AND tgtype = 2 + 8 + 16 + 32
       ) AS guarded,
       ARRAY(
         SELECT tgname::text FROM pg_trigger
         WHERE tgrelid = found.oid AND NOT tgisinternal AND tgname <> 'append_only' ORDER BY 1
       ) AS others,
       relkind <> 'r' OR relrowsecurity OR relhasrules AS twisted
     FROM pg_class AS found WHERE oid = ('public.' || $1)::regclass`,
    [name]
  )
  const { guarded, others, twisted } = rows[0]!
  if (twisted) return 'it is no plain table, or has rules or policies'
  if (!guarded) return 'its trigger append_only, by which its rows stay as they are, is missing or off'
  return others.length === 0 ? undefined : `it has triggers that are not ours: ${others.join(', ')}`
}

export async function attachPartition(
  client: pg.Client,
  { parent, name }: MonthTable,
  month: Month
): Promise<void> {
  const bounds = `FROM ('${month.firstId}') TO ('${month.endId}')`
  await client.query(`ALTER TABLE public.${parent} ATTACH PARTITION public.${name} FOR VALUES ${bounds}`)
}
