import { mkdir } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import type { AdmittedRole } from '../database/roles/roles.ts'
import { standByForDuties } from './background-duties.ts'
import { followChanges } from './change-following.ts'
import { createCore, loadAuthorities, type ServiceLog } from './core.ts'
import { hold } from './holding.ts'
import { findDatabase, openDatabase } from './open-database.ts'
import { makeStarterSet } from './starter-set.ts'
import { startWorker } from './worker.ts'

export interface Service {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  /** Whether this start made the starter set. */
  readonly madeStarterSet: boolean
  /** Names of the generations that issued when it started. */
  readonly activeAuthorities: readonly string[]
  /** Takes no new requests, lets those in flight finish, then closes everything. */
  stop(): Promise<void>
}

/**
 * The whole service in one process: the supervisor's part (the database, migrated, and the starter set), the duties in
 * the background, or standing by for them, and one worker.
 */
export async function startService(config: Config, log: ServiceLog): Promise<Service> {
  const { result, stop } = await hold(log, stops => startParts(config, log, stops))
  return { ...result, stop }
}

async function startParts(config: Config, log: ServiceLog, stops: AsyncDisposableStack) {
  await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
  const { connectionString, directory, prepare } = await findDatabase(config, log, stops)
  const opening = openDatabase({ connectionString, poolSize: config.databasePoolSize, log }, stops)
  // What fails in parallel is told when it is waited for.
  opening.catch(() => undefined)
  const serviceRole = await prepare()
  if (serviceRole.isOwner) warnOfOwner(serviceRole, log)
  const core = createCore({ config, log, ...(await opening), databaseDirectory: directory }, stops)
  const madeStarterSet = await makeStarterSet(core)
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
