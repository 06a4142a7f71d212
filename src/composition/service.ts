import { mkdir } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import type { ServiceLog } from './core.ts'
import { hold } from './holding.ts'
import { findDatabase } from './start/find-database.ts'
import type { StartedParts } from './start/parts.ts'

export interface Service extends StartedParts {
  /** Takes no new requests, lets those in flight finish, then closes everything. */
  stop(): Promise<void>
}

/**
 * The whole service in one process. All that takes long to load is loaded while the embedded PostgreSQL starts beside it.
 */
export async function startService(config: Config, log: ServiceLog): Promise<Service> {
  const { result, stop } = await hold(log, async stops => {
    await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
    const spawned = Promise.withResolvers<void>()
    const finding = findDatabase({ config, log, onSpawned: spawned.resolve }, stops)
    // It fails where it is waited for, or is found without starting anything.
    await Promise.race([spawned.promise, finding])
    const [found, { startParts }] = await Promise.all([finding, import('./start/parts.ts')])
    return startParts({ config, log, found }, stops)
  })
  return { ...result, stop }
}
