import type { Config } from '../../config/config.ts'
import { settings } from '../../config/settings.ts'
import type { DatabaseLog } from '../../database/database-log.ts'
import { startEmbeddedPostgres } from '../../database/embedded/embedded-postgres.ts'
import type { DatabaseRoles } from '../../database/roles/roles.ts'

/** The connection strings of its roles, for every process that works on it. */
export interface FoundDatabase extends DatabaseRoles {
  /** What the owner was set by. */
  readonly ownerSetting: string
  /** Of the embedded one: where its files are. */
  readonly directory?: string
}

export interface FindOptions {
  readonly config: Config
  readonly log: DatabaseLog
  /** Told as soon as the embedded one has been started: for a while it does not need us. */
  readonly onSpawned?: () => void
}

/**
 * The database of the settings: the one at DATABASE_URL, or the embedded one, which is started. Of the program little is
 * loaded for it.
 */
export async function findDatabase(
  options: FindOptions,
  stops: AsyncDisposableStack
): Promise<FoundDatabase> {
  return rolesOf(options.config) ?? (await startOwnPostgres(options, stops))
}

function rolesOf({ databaseUrl, databaseOwnerUrl }: Config): FoundDatabase | undefined {
  if (databaseUrl === undefined) return undefined
  return databaseOwnerUrl === undefined
    ? { owner: databaseUrl, service: databaseUrl, ownerSetting: settings.databaseUrl.name }
    : { owner: databaseOwnerUrl, service: databaseUrl, ownerSetting: settings.databaseOwnerUrl.name }
}

async function startOwnPostgres(
  { config: { dataDirectory }, log, onSpawned }: FindOptions,
  stops: AsyncDisposableStack
): Promise<FoundDatabase> {
  const postgres = await startEmbeddedPostgres({ dataDirectory, log, ...(onSpawned && { onSpawned }) })
  stops.defer(() => postgres.stop())
  const { connectionString: owner, directory } = postgres
  const { makeServiceRole } = await import('../../database/roles/roles.ts')
  return {
    owner,
    service: await makeServiceRole(owner),
    ownerSetting: settings.dataDirectory.name,
    directory
  }
}
