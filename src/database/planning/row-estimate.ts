import { Prisma } from '../generated/client.ts'

/**
 * About how many rows a statement finds, as the planner believes: from the statistics, without a look at the rows.
 *
 * @param ask what runs a statement.
 * @throws what `ask` throws.
 */
export async function estimateRows(
  ask: <Row>(statement: Prisma.Sql) => Promise<readonly Row[]>,
  select: Prisma.Sql
): Promise<number> {
  const [row] = await ask<Explained>(Prisma.sql`EXPLAIN (FORMAT JSON) ${select}`)
  return Number(row?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0)
}

interface Explained {
  readonly 'QUERY PLAN': readonly { readonly Plan: Readonly<Record<string, unknown>> }[]
}
