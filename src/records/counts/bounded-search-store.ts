import { type Database, isStatementTimeout } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import { addConditions, searchTooBroad } from './too-broad.ts'

const mostMs = 2_000

/**
 * Runs statements that read, one after the other and all of the same moment, for two seconds each at the most.
 *
 * @returns the rows of each.
 * @throws MintlineError `search_too_broad`, `database_unavailable`, `internal_error`.
 */
export async function searchBounded(
  { prisma }: Database,
  statements: readonly Prisma.Sql[]
): Promise<readonly (readonly unknown[])[]> {
  const limit = Prisma.raw(`SET LOCAL statement_timeout = ${mostMs}`)
  const run = () =>
    prisma.$transaction(
      [prisma.$executeRaw(limit), ...statements.map(statement => prisma.$queryRaw<unknown[]>(statement))],
      { isolationLevel: Prisma.TransactionIsolationLevel.RepeatableRead }
    )
  const [, ...answers] = await runQuery(async () => {
    try {
      return await run()
    } catch (error) {
      if (!isStatementTimeout(error)) throw error
      throw searchTooBroad('This takes longer than two seconds.', addConditions)
    }
  })
  return answers
}
