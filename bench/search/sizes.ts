import type pg from 'pg'

/** Prints what each table takes, with its indexes, and how much of it each record has. */
export async function showSizes(database: pg.Client): Promise<void> {
  const { rows } = await database.query<{ name: string; bytes: string; indexes: string }>(
    `SELECT coalesce(parent.relname, tables.relname) AS name,
            sum(pg_total_relation_size(tables.oid)) AS bytes, sum(pg_indexes_size(tables.oid)) AS indexes
     FROM pg_class AS tables
     LEFT JOIN pg_inherits ON inhrelid = tables.oid
     LEFT JOIN pg_class AS parent ON parent.oid = inhparent
     WHERE tables.relkind = 'r' AND tables.relnamespace = 'public'::regnamespace
     GROUP BY 1 HAVING sum(pg_total_relation_size(tables.oid)) > 1e6 ORDER BY 2 DESC`
  )
  const { rows: counted } = await database.query<{ records: string }>(
    `SELECT (SELECT count(*) FROM intent) + (SELECT count(*) FROM refusal) AS records`
  )
  const records = Number(counted[0]!.records)
  const show = (name: string, bytes: number, indexes: number) =>
    console.log(
      `| ${name} | ${(bytes / 1e6).toFixed(0)} MB | ${(bytes / records).toFixed(0)} bytes | ${(indexes / records).toFixed(0)} bytes |`
    )
  console.log(
    '\n| table, with its indexes | size | of each record | its indexes alone |\n| --- | --- | --- | --- |'
  )
  for (const { name, bytes, indexes } of rows) show(name, Number(bytes), Number(indexes))
  const sum = (key: 'bytes' | 'indexes') => rows.reduce((all, row) => all + Number(row[key]), 0)
  show('all', sum('bytes'), sum('indexes'))
}
