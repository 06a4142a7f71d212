import { translateDatabaseError } from './database-error.ts'

/**
 * Runs a store's query. What the driver throws is translated, so that nothing of PostgreSQL or Prisma is seen
 * outside the stores.
 *
 * @throws MintlineError `database_unavailable` or `internal_error`.
 */
export async function runQuery<Result>(query: () => PromiseLike<Result>): Promise<Result> {
  try {
    return await query()
  } catch (error) {
    throw translateDatabaseError(error)
  }
}
