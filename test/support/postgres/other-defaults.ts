import pg from 'pg'

/**
 * What an administrator may have set for a database or a role, each enough to break a careless client. Those of one
 * line are alternatives.
 */
export const otherDefaults: readonly (readonly string[])[] = [
  ["TimeZone = 'Asia/Kolkata'", "TimeZone = 'America/St_Johns'"],
  ["DateStyle = 'SQL, DMY'", "DateStyle = 'German'"],
  ['IntervalStyle = sql_standard', 'IntervalStyle = iso_8601'],
  ['default_transaction_isolation = serializable', "default_transaction_isolation = 'repeatable read'"],
  ['default_transaction_read_only = on'],
  ['standard_conforming_strings = off'],
  ['bytea_output = escape'],
  ['array_nulls = off'],
  ['extra_float_digits = -15'],
  ['synchronous_commit = off', 'synchronous_commit = local'],
  ["search_path = '$user'", 'search_path = pg_catalog'],
  ["statement_timeout = '1ms'"],
  ["lock_timeout = '1ms'"],
  ["idle_in_transaction_session_timeout = '1ms'"],
  ["idle_session_timeout = '200ms'"],
  ["transaction_timeout = '50ms'"],
  ['exit_on_error = on'],
  ['client_min_messages = debug1', 'client_min_messages = error'],
  ['client_encoding = latin1'],
  ['jit_above_cost = 0'],
  ['plan_cache_mode = force_custom_plan']
]

/** Holds for connections made from then on, unless they say otherwise. */
export async function setDefaults(connectionString: string, settings: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const { pathname } = new URL(connectionString)
  const database = client.escapeIdentifier(pathname.slice(1))
  try {
    for (const setting of settings) {
      await client.query(`ALTER DATABASE ${database} SET ${setting}`)
      await client.query(`ALTER ROLE CURRENT_USER IN DATABASE ${database} SET ${setting}`)
    }
  } finally {
    await client.end()
  }
}

/** Of an issuance, when it was asked for and issued, as told by a client that has nothing of the service's code. */
export async function timesOnRecord(connectionString: string, id: string): Promise<readonly string[]> {
  const client = new pg.Client({
    connectionString,
    options: '-c TimeZone=UTC -c search_path=public -c statement_timeout=10s'
  })
  await client.connect()
  const format = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`
  const { rows } = await client.query<{ requested: string; issued: string }>(
    `SELECT to_char(created_at, ${format}) AS requested, to_char(issued_at, ${format}) AS issued
     FROM intent JOIN issued ON intent_id = id WHERE id = '${id}'`
  )
  await client.end()
  return [rows[0]!.requested, rows[0]!.issued]
}
