import './planning/query-compiler.ts'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { connectionConfig } from './connection.ts'
import { PrismaClient } from './generated/client.ts'
import { runQuery } from './run-query.ts'
import { read, type Reading, type ReadingOptions, type StatementNames } from './sessions/reading.ts'

export {
  isCheckViolation,
  isConnectionLost,
  isDiskFull,
  isPrivilegeMissing,
  isRefusedByGuard,
  isSerializationOrDeadlock,
  isStatementTimeout,
  isUniqueViolation,
  translateDatabaseError
} from './database-error.ts'
export type { Prisma } from './generated/client.ts'

/** Of a transaction of several statements, in milliseconds: for a connection, and in all. */
export const transactionLimits = { maxWait: 5_000, timeout: 20_000 } as const

export interface DatabaseOptions {
  readonly connectionString: string
  /** The most connections held open at once. */
  readonly poolSize: number
  /** Default `commit`. */
  readonly purpose?: 'commit' | 'search'
  /** Told when an idle connection breaks; the pool replaces it by itself. */
  readonly onConnectionLost?: (error: Error) => void
}

export interface Database {
  readonly prisma: PrismaClient
  /**
   * What is read of many rows, or by many statements, in one transaction.
   *
   * @throws as `runQuery`, and what `work` throws.
   */
  read<Result>(options: ReadingOptions, work: (reading: Reading) => Promise<Result>): Promise<Result>
  /** Resolves when PostgreSQL answers. Throws `database_unavailable`. */
  ping(): Promise<void>
  /** Whether PostgreSQL survives a power cut: `fsync` and `full_page_writes` are on. Throws like `ping`. */
  isDurable(): Promise<boolean>
  /** Waits for running statements and closes every connection. Queries fail from then on. */
  close(): Promise<void>
}

/**
 * Connects on first use, so an absent database shows in `ping()` or the first query, not here; when it comes back,
 * queries work again. A query never waits without end: neither for a connection nor for PostgreSQL, nor for a peer
 * that fell silent.
 */
export function createDatabase(options: DatabaseOptions): Database {
  const { connectionString, poolSize, purpose = 'commit', onConnectionLost } = options
  const pool = new pg.Pool({
    ...connectionConfig(connectionString, purpose),
    max: poolSize,
    query_timeout: queryTimeoutSeconds * 1000
  })
  // An 'error' event without a listener would end the process.
  pool.on('error', onConnectionLost ?? (() => undefined))
  const nameOf = createStatementNames('mintline')
  const names = { forValues: nameOf, once: createStatementNames('mintline_once') }
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { statementNameGenerator: nameOf }) })
  return {
    prisma,
    read: (reading, work) => runQuery(() => read(pool, names, { ...reading, work })),
    async ping() {
      await runQuery(() => prisma.$queryRaw`SELECT 1`)
    },
    async isDurable() {
      const [row] = await runQuery(
        () => prisma.$queryRaw<{ durable: boolean }[]>`
          SELECT current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS durable`
      )
      return row?.durable === true
    },
    async close() {
      await prisma.$disconnect()
      await pool.end()
    }
  }
}

/** Longer than any statement may take: it ends the wait for a server that no longer answers at all. */
const queryTimeoutSeconds = 20

const maximumStatementNames = 200

/**
 * A named statement is parsed and planned once per connection. Names are never given back, so only the first few
 * texts get one; queries that are put together at run time must not fill the server's memory.
 */
function createStatementNames(prefix: string): StatementNames {
  const names = new Map<string, string>()
  return ({ sql }) => {
    const known = names.get(sql)
    if (known !== undefined) return known
    if (names.size >= maximumStatementNames) return unnamed
    const name = `${prefix}_${names.size + 1}`
    names.set(sql, name)
    return name
  }
}

const unnamed = ''
