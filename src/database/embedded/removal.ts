import { rm } from 'node:fs/promises'
import path from 'node:path'
import { possibleHomesOf } from './cluster.ts'
import { findOrphan, shutDown } from './server.ts'

/**
 * Removes a data directory, with the cluster that may be kept for it elsewhere. A PostgreSQL that a killed Mintline left
 * behind on it is stopped first. Only where no Mintline is at work on it any more; without the directory nothing is done.
 */
export async function removeDataDirectory(dataDirectory: string): Promise<void> {
  for (const home of await possibleHomesOf(dataDirectory)) {
    const orphan = await findOrphan({ directory: path.join(home, 'cluster') })
    if (orphan !== undefined) await shutDown(orphan)
    await remove(home)
  }
  await remove(dataDirectory)
}

/** A server on its way out may still make a file. */
function remove(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
