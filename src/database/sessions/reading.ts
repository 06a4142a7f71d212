import pg from 'pg'
import { isMintlineError } from '../../errors/mintline-error.ts'
import type { Prisma } from '../generated/client.ts'

/** One transaction that only reads, on one connection. */
export interface Reading {
  /** Values as Prisma has them: bytes as `Uint8Array`, `int8` as `bigint`. */
  ask<Row>(statement: Prisma.Sql, options?: AskOptions): Promise<readonly Row[]>
  /** PostgreSQL's name → value, for what is asked from now on. Both are the program's own words. */
  set(settings: Readonly<Record<string, string>>): Promise<void>
}

export interface AskOptions {
  /** Its plan is made once: among few others, so that it keeps its name. */
  readonly isPlannedOnce?: boolean
}

export interface ReadingOptions {
  readonly settings: Readonly<Record<string, string>>
  /** All that is asked sees one moment. Default: each statement sees its own. */
  readonly isOneMoment?: boolean
}

/** The name under which a text is prepared; the empty one where it is not to be kept. */
export type StatementNames = (query: { readonly sql: string }) => string

/** Names of statements that are read by. */
export interface ReadingNames {
  readonly forValues: StatementNames
  readonly once: StatementNames
}

/**
 * Straight through the driver: Prisma's client takes as long again for a page of rows as PostgreSQL, and a statement more
 * for each setting.
 *
 * @throws what `pg` throws, and what `work` does.
 */
export async function read<Result>(
  pool: pg.Pool,
  names: ReadingNames,
  { settings, isOneMoment = false, work }: ReadingOptions & { work: (reading: Reading) => Promise<Result> }
): Promise<Result> {
  const client = await pool.connect()
  // A connection that breaks between two statements; the next one fails and tells.
  const ignore = () => undefined
  client.on('error', ignore)
  let isUsable = true
  try {
    const level = isOneMoment ? 'REPEATABLE READ' : 'READ COMMITTED'
    await client.query(`BEGIN ISOLATION LEVEL ${level} READ ONLY;${statementsOf(settings)}`)
    const result = await work(createReading(client, names))
    await client.query('COMMIT')
    return result
  } catch (error) {
    isUsable = await endTransaction(client, error)
    throw error
  } finally {
    client.off('error', ignore)
    client.release(!isUsable)
  }
}

function createReading(client: pg.PoolClient, names: ReadingNames): Reading {
  return {
    async ask<Row>(statement: Prisma.Sql, { isPlannedOnce = false }: AskOptions = {}) {
      const name = (isPlannedOnce ? names.once : names.forValues)(statement)
      const { text, values } = statement
      const { rows } = await client.query({ text, values, types, ...(name !== '' && { name }) })
      return rows as Row[]
    },
    async set(settings) {
      await client.query(statementsOf(settings))
    }
  }
}

function statementsOf(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `SET LOCAL ${pg.escapeIdentifier(name)} = ${pg.escapeLiteral(value)}`)
    .join(';')
}

/** Whether the connection can be used again: where PostgreSQL did not say what was wrong, nobody knows what it is about. */
async function endTransaction(client: pg.PoolClient, error: unknown): Promise<boolean> {
  if (!(error instanceof pg.DatabaseError) && !isMintlineError(error)) return false
  try {
    await client.query('ROLLBACK')
    return true
  } catch {
    return false
  }
}

const { INT8, BYTEA } = pg.types.builtins
const parseOctets = pg.types.getTypeParser(BYTEA) as (text: string) => Buffer
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  [INT8]: BigInt,
  [BYTEA](text) {
    const { buffer, byteOffset, length } = parseOctets(text)
    return new Uint8Array(buffer, byteOffset, length)
  }
}
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (parsers[oid] ?? pg.types.getTypeParser(oid, format)) as never
}
