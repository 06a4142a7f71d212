import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory
} from '@prisma/driver-adapter-utils'
import pg from 'pg'

export interface MigrationAdapter extends SqlMigrationAwareDriverAdapterFactory {
  /** The schema engine leaves its connections open; this closes them. */
  dispose(): Promise<void>
}

/** Prisma's PostgreSQL adapter, mended in three places for the schema engine. */
export function createMigrationAdapter(connectionString: string): MigrationAdapter {
  const { provider, adapterName } = new PrismaPg(connectionString)
  const open = new Set<SqlDriverAdapter>()
  const opened = async (connecting: Promise<SqlDriverAdapter>): Promise<SqlDriverAdapter> => {
    const adapter = await connecting
    const disposeOnce = adapter.dispose.bind(adapter)
    adapter.dispose = async () => {
      if (open.delete(adapter)) await disposeOnce()
    }
    open.add(adapter)
    return adapter
  }
  return {
    provider,
    adapterName,
    connect: () => opened(connect(connectionString)),
    connectToShadowDb: () => opened(connectToShadowDatabase(connectionString)),
    async dispose() {
      for (const adapter of open) await adapter.dispose()
    }
  }
}

async function connect(connectionString: string): Promise<SqlDriverAdapter> {
  const factory = new PrismaPg({ connectionString, max: 1, application_name: 'mintline-migrations' })
  const adapter = await factory.connect()
  sendScriptsWhole(adapter, adapter.underlyingDriver())
  readCharacters(adapter)
  return adapter
}

/** An empty database to try migrations in. The driver's own would, with a connection string, be the real one. */
async function connectToShadowDatabase(connectionString: string): Promise<SqlDriverAdapter> {
  const name = `mintline_shadow_${randomUUID()}`
  const server = await connect(connectionString)
  await server.executeScript(`CREATE DATABASE "${name}"`)
  const address = new URL(connectionString)
  address.pathname = name
  const shadow = await connect(address.href)
  const disconnect = shadow.dispose.bind(shadow)
  shadow.dispose = async () => {
    await disconnect()
    await server.executeScript(`DROP DATABASE "${name}" WITH (FORCE)`)
    await server.dispose()
  }
  return shadow
}

/**
 * The driver cuts scripts at every semicolon, which breaks function bodies, and runs the pieces one by one. Sent
 * whole, a script is one implicit transaction: a migration that fails leaves nothing of itself behind.
 */
function sendScriptsWhole(adapter: SqlDriverAdapter, pool: pg.Pool): void {
  adapter.executeScript = async script => {
    try {
      await pool.query(script)
    } catch (error) {
      throw asDriverError(error)
    }
  }
}

const characterColumns: ReadonlySet<string> = new Set(['constraint_type', 'confdeltype', 'confupdtype'])

/** The engine reads the catalog's "char" columns as characters; the driver does not know the type. */
function readCharacters(adapter: SqlDriverAdapter): void {
  const queryRaw = adapter.queryRaw.bind(adapter)
  adapter.queryRaw = async query => {
    const sql = query.sql.replace(/\bcon\w*\.(contype|confdeltype|confupdtype)(?=,| AS)/g, '$&::text')
    const result = await queryRaw({ ...query, sql })
    for (const [i, name] of result.columnNames.entries()) {
      if (characterColumns.has(name)) result.columnTypes[i] = ColumnTypeEnum.Character
    }
    return result
  }
}

/** The one shape in which the engine reads what PostgreSQL said. */
function asDriverError(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error
  return new DriverAdapterError({
    kind: 'postgres',
    code: error.code ?? 'N/A',
    severity: error.severity ?? 'N/A',
    message: error.message,
    detail: error.detail,
    column: error.column,
    hint: error.hint
  })
}
