import type pg from 'pg'

export interface MonthOverview {
  /** As `2026-01`. */
  readonly month: string
  /** ISO 8601; undefined while it is attached. */
  readonly detachedAt?: string
  readonly detachedBy?: string
  /** Of `intent`: as many as were detached; of what is attached, about, as PostgreSQL has last counted, if it has. */
  readonly rows?: number
  /** Whether the tables of a detached one are in the database. */
  readonly isHere?: boolean
}

interface Row {
  readonly month: string
  readonly detachedAt: Date | null
  readonly detachedBy: string | null
  readonly rows: number | null
  readonly isHere: boolean
}

const statement = `
SELECT month, detached_at AS "detachedAt", detached_by AS "detachedBy",
  (SELECT rows FROM detached_table WHERE detached_table.month = detached_month.month AND name LIKE 'intent%') AS rows,
  EXISTS (
    SELECT FROM detached_table
    WHERE detached_table.month = detached_month.month AND to_regclass('public.' || name) IS NOT NULL
  ) AS "isHere"
FROM detached_month
UNION ALL
SELECT replace(substr(relname, 8), '_', '-'), NULL, NULL, CASE WHEN reltuples >= 0 THEN reltuples::int END, true
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'public.intent'::regclass
ORDER BY month`

/** The months of the record, the oldest first. */
export async function listMonths(client: pg.Client): Promise<readonly MonthOverview[]> {
  const { rows } = await client.query<Row>(statement)
  return rows.map(({ month, detachedAt, detachedBy, rows: count, isHere }) => ({
    month,
    ...(count !== null && { rows: count }),
    ...(detachedAt !== null &&
      detachedBy !== null && { detachedAt: detachedAt.toISOString(), detachedBy, isHere })
  }))
}
