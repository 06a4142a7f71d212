import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { MintlineError } from '../errors/mintline-error.ts'
import { withClient } from './connection.ts'
import { translateDatabaseError } from './database-error.ts'
import { pendingMigrations, readHistory } from './migrations/history.ts'
import { loadMigrations } from './migrations/migration.ts'
import { assertSameDatabase, type DatabaseRoles, identify } from './roles/roles.ts'

export interface DatabaseInspection {
  /** PostgreSQL's, e.g. `18.4`. */
  readonly version: string
  /** The role that serves, and whether it owns the tables or is a superuser. */
  readonly serviceRole: string
  readonly serviceRoleOwns: boolean
  /** The role that migrates; the same where there is but one. */
  readonly ownerRole: string
  /** Names of the migrations that the next start would apply. */
  readonly pending: readonly string[]
  /** Whether there is no table yet. */
  readonly isEmpty: boolean
}

const waitMs = 8_000

/**
 * Looks at a database with both of its roles, and changes nothing. Answers within eight seconds.
 *
 * @throws MintlineError `database_unavailable`; `database_incompatible` as a start would; `config_invalid` when a
 *   connection does not take the session settings.
 */
export async function inspectDatabase(roles: DatabaseRoles): Promise<DatabaseInspection> {
  const given = new AbortController()
  const deadline = pause(waitMs, undefined, { signal: given.signal }).then((): never => {
    throw new MintlineError('database_unavailable', 'The database did not answer in time.')
  })
  // Lost, it has nobody to tell.
  deadline.catch(() => undefined)
  try {
    return await Promise.race([inspect(roles), deadline])
  } catch (error) {
    throw translateDatabaseError(error)
  } finally {
    given.abort()
  }
}

async function inspect({ owner, service }: DatabaseRoles): Promise<DatabaseInspection> {
  const served = await withClient(service, 'search', async client => ({
    ...(await identify(client)),
    version: await readVersion(client)
  }))
  const migrations = await loadMigrations()
  return withClient(owner, 'search', async client => {
    const owned = await identify(client)
    assertSameDatabase(owned, served)
    const { applied, isEmpty } = await readHistory(client)
    return {
      version: served.version,
      serviceRole: served.role,
      serviceRoleOwns: served.isOwner,
      ownerRole: owned.role,
      pending: pendingMigrations(migrations, applied).map(({ name }) => name),
      isEmpty
    }
  })
}

async function readVersion(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version`
  )
  return rows[0]!.version
}
