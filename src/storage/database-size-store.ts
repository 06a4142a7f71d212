import type { Database } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'

/** Bytes that the files of the database take, its write-ahead log aside. @throws MintlineError `database_unavailable`. */
export async function readDatabaseSize({ prisma }: Database): Promise<number> {
  const [row] = await runQuery(
    () => prisma.$queryRaw<{ size: bigint }[]>`SELECT pg_database_size(current_database()) AS size`
  )
  return Number(row!.size)
}
