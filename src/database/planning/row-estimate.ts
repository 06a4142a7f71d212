import { Prisma } from '../generated/client.ts'

/**
 * About how many rows a statement finds, as the planner believes: from the statistics, without a look at the rows. Counted where
 * that reads little: of a young database there are no statistics yet, and what is believed of it is far off.
 *
 * @param ask what runs a statement.
 * @throws what `ask` throws.
 */
export async function countOrEstimateRows(ask: Ask, select: Prisma.Sql): Promise<number> {
  const { rows, cost } = await planOf(ask, select)
  if (cost > mostCountedCost) return rows
  const [row] = await ask<{ count: number }>(
    Prisma.sql`SELECT count(*)::float8 AS count FROM (${select}) AS found`
  )
  return row?.count ?? 0
}

/** About as many pages of 8 KiB one after the other: some hundredths of a second. */
const mostCountedCost = 10_000

type Ask = <Row>(statement: Prisma.Sql) => Promise<readonly Row[]>

async function planOf(ask: Ask, select: Prisma.Sql) {
  const [row] = await ask<Explained>(Prisma.sql`EXPLAIN (FORMAT JSON) ${select}`)
  const plan = row?.['QUERY PLAN'][0]?.Plan
  return { rows: Number(plan?.['Plan Rows'] ?? 0), cost: Number(plan?.['Total Cost'] ?? Infinity) }
}

interface Explained {
  readonly 'QUERY PLAN': readonly { readonly Plan: Readonly<Record<string, unknown>> }[]
}
