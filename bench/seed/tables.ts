import type pg from 'pg'
import { lotIdOf, lotsOfProfile, productionLines, products, type Span } from './factory.ts'
import { type SeededTable, seededTables } from './rows/copy-rows.ts'
import type { LotCount } from './rows/records.ts'

const tables = Object.keys(seededTables) as SeededTable[]
/** Their primary keys do not come in their order: made once, at the end, they cost a fifth. */
const keyedAtRandom: readonly SeededTable[] = [
  'certified_key',
  'certified_device',
  'certified_serial',
  'certified_id',
  'search_term'
]

/**
 * Takes off, for as long as rows are copied, the triggers of the tables and the primary keys of those whose keys come in no order.
 *
 * @returns what puts all of it back as it was.
 */
export async function layOpen(client: pg.Client): Promise<() => Promise<void>> {
  const restoring: string[] = []
  for (const table of keyedAtRandom) {
    const { rows } = await client.query<{ name: string; definition: string }>(
      `SELECT quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = $1::regclass AND contype = 'p'`,
      [table]
    )
    for (const { name, definition } of rows) {
      await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`)
      restoring.push(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`)
    }
  }
  for (const table of tables) {
    const { rows } = await client.query<{ name: string; enabled: string }>(
      `SELECT quote_ident(tgname) AS name, tgenabled AS enabled FROM pg_trigger
       WHERE tgrelid = $1::regclass AND NOT tgisinternal AND tgparentid = 0`,
      [table]
    )
    await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
    for (const { name, enabled } of rows) restoring.push(enabling(table, name, enabled))
  }
  return async () => {
    for (const statement of restoring) await client.query(statement)
  }
}

/** @param enabled as pg_trigger has it. */
function enabling(table: string, name: string, enabled: string): string {
  const how = { O: 'ENABLE', A: 'ENABLE ALWAYS', R: 'ENABLE REPLICA', D: 'DISABLE' }[enabled]!
  return `ALTER TABLE ${table} ${how} TRIGGER ${name}`
}

export async function makePartitions(client: pg.Client, months: readonly Span[]): Promise<void> {
  for (const { start } of months) {
    await client.query('SELECT ensure_partitions($1::timestamptz, 1)', [new Date(start).toISOString()])
  }
}

/** Lots that are closed, but for the last of each product, with as many places taken as there are records. */
export async function insertLots(
  client: pg.Client,
  months: readonly Span[],
  counts: ReadonlyMap<string, LotCount>
): Promise<void> {
  const [start, end] = [months[0]!.start, months.at(-1)!.end]
  const length = (end - start) / lotsOfProfile
  for (const product of products) {
    const stations = product.lines.flatMap(line => productionLines[line]!.stations)
    for (let position = 0; position < lotsOfProfile; position++) {
      const id = lotIdOf(product, position)
      const shares = stations.map(station => ({
        station,
        ...(counts.get(`${id} ${station}`) ?? { taken: 0, scrapped: 0 })
      }))
      const taken = shares.reduce((sum, share) => sum + share.taken, 0)
      const [createdAt, closedAt] = [start + position * length, start + (position + 1) * length]
      const isOpen = position === lotsOfProfile - 1
      await client.query(
        `INSERT INTO lot (id, profile, quantity, taken, stations, state, created_at, created_by, changed_at, changed_by)
         VALUES ($1, $2, $3, $4, '{}', $5, $6, 'operator/planning', $7, 'operator/planning')`,
        [
          ...[id, product.profile, isOpen ? taken + 10_000_000 : Math.max(taken, 1), taken],
          isOpen ? 'open' : 'closed',
          ...[createdAt, isOpen ? createdAt : closedAt].map(time => new Date(time).toISOString())
        ]
      )
      await client.query(
        `INSERT INTO lot_station (lot_id, station, taken, scrapped)
         SELECT $1, * FROM unnest($2::text[], $3::int[], $4::int[])`,
        [
          id,
          shares.map(each => each.station),
          shares.map(each => each.taken),
          shares.map(each => each.scrapped)
        ]
      )
    }
  }
}

/** Has what ended come to its end by the service's own function, and what was copied counted as filled in for the search. */
export async function finishRecords(client: pg.Client, searched: bigint): Promise<void> {
  await client.query(
    `SELECT count(end_certificate(intent_id)) FROM revocation WHERE cause = 'scrap' OR ends_at <= now()`
  )
  // The rows of the search say already what these changes would come to.
  await client.query('DELETE FROM search_change')
  await client.query(
    `UPDATE search_progress SET records = records + $1,
       valued_facets = (SELECT count(*) FROM search_facet WHERE value_ids <> '{}')`,
    [String(searched)]
  )
}
