import type { Config } from '../../config/config.ts'
import type { AdmittedRole } from '../../database/roles/roles.ts'
import { standByForDuties } from '../background-duties.ts'
import { followChanges } from '../change-following.ts'
import { createCore, loadAuthorities, type ServiceLog } from '../core.ts'
import { openDatabase, prepareDatabase } from '../open-database.ts'
import { makeStarterSet } from '../starter-set.ts'
import { tellUnaddressed } from '../status/addresses.ts'
import { startWorker } from '../worker.ts'
import type { FoundDatabase } from './find-database.ts'

export interface StartedParts {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  /** Whether this start made the starter set. */
  readonly madeStarterSet: boolean
  /** Names of the generations that issued when it started. */
  readonly activeAuthorities: readonly string[]
}

export interface Given {
  readonly config: Config
  readonly log: ServiceLog
  readonly found: FoundDatabase
}

/**
 * The supervisor's part (the database, migrated, and the starter set), the duties in the background, or standing by for
 * them, and one worker.
 */
export async function startParts(
  { config, log, found }: Given,
  stops: AsyncDisposableStack
): Promise<StartedParts> {
  const { service: connectionString, directory } = found
  const opening = openDatabase({ connectionString, poolSize: config.databasePoolSize, log }, stops)
  // What fails in parallel is told when it is waited for.
  opening.catch(() => undefined)
  const serviceRole = await prepareDatabase(found, log)
  if (serviceRole.isOwner) warnOfOwner(serviceRole, log)
  const core = createCore({ config, log, ...(await opening), databaseDirectory: directory }, stops)
  const madeStarterSet = await makeStarterSet(core)
  await tellUnaddressed(core)
  // Keys are opened in a thread of their own, while the rest is put together in this one.
  const loading = loadAuthorities(core)
  loading.catch(() => undefined)
  followChanges(core, await standByForDuties(core, stops), stops)
  const { url } = await startWorker(core, stops, loading)
  const active = core.authorities.list().filter(({ state }) => state === 'active')
  return { url, madeStarterSet, activeAuthorities: active.map(({ name }) => name).sort() }
}

function warnOfOwner({ role }: AdmittedRole, log: ServiceLog): void {
  log.warn(
    { role },
    "the service's role owns the tables of the record, or is a superuser: who takes over the service could take their " +
      'guards off. Give DATABASE_URL a role without rights of its own, and MINTLINE_DATABASE_OWNER_URL the one that owns the tables'
  )
}
