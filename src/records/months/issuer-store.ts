import type pg from 'pg'
import type { Month } from './month.ts'
import type { MonthTable } from './month-store.ts'

/**
 * Keeps which authority issued what is of the month: the one of most of it, and each serial number of another. While the
 * record is elsewhere, OCSP answers by that.
 */
export async function keepIssuers(
  client: pg.Client,
  { name: month }: Month,
  tables: readonly MonthTable[]
): Promise<void> {
  const { name: intents } = tables.find(({ parent }) => parent === 'intent')!
  await client.query(
    `INSERT INTO detached_issuer (month, authority_id)
     SELECT $1, authority_id FROM public.${intents} GROUP BY authority_id ORDER BY count(*) DESC, authority_id LIMIT 1`,
    [month]
  )
  await client.query(
    `INSERT INTO detached_serial (serial_number, month, authority_id)
     SELECT intent.serial_number, $1, intent.authority_id
     FROM public.${intents} AS intent JOIN detached_issuer ON detached_issuer.month = $1
     WHERE intent.authority_id <> detached_issuer.authority_id`,
    [month]
  )
}

export async function forgetIssuers(client: pg.Client, { name: month }: Month): Promise<void> {
  await client.query('DELETE FROM detached_serial WHERE month = $1', [month])
  await client.query('DELETE FROM detached_issuer WHERE month = $1', [month])
}
