import { execFile } from 'node:child_process'
import { access, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { createTemporaryDirectory, type TemporaryDirectory } from '../temporary-directory.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a data directory in which PostgreSQL's cluster is made and migrated, and nothing else; '' where there is none. */
    madeCluster: string
  }
}

const nameOfCluster = 'postgres'

/**
 * Keeps the cluster of a data directory, whose server is stopped, for services to start from.
 *
 * @returns undefined where it is not in the data directory, as PostgreSQL's user cannot get there
 */
export async function keepMadeCluster(dataDirectory: string): Promise<TemporaryDirectory | undefined> {
  if (!(await exists(join(dataDirectory, nameOfCluster, 'cluster')))) return undefined
  const kept = await createTemporaryDirectory()
  await copy(dataDirectory, kept.path)
  return kept
}

/**
 * Puts a migrated cluster where a service would make its own at its first start, which takes most of that start's time.
 * Where there is one, or a file `postgres-location` says where, nothing is done. What `initdb` and the migrations make is
 * the same, as long as it is the program of the same sources.
 */
export async function placeMadeCluster(dataDirectory: string): Promise<void> {
  const made = inject('madeCluster')
  if (made === '' || !(await canBeReached(dirname(dataDirectory)))) return
  for (const name of [nameOfCluster, 'postgres-location']) if (await exists(join(dataDirectory, name))) return
  await mkdir(dataDirectory, { recursive: true })
  await copy(made, dataDirectory)
}

/** By PostgreSQL's user, who is another where ours is root: else the service makes its database elsewhere. */
async function canBeReached(directory: string): Promise<boolean> {
  const { mode } = await stat(directory).catch(() => ({ mode: 0 }))
  const isOpen = (mode & 0o001) !== 0
  const parent = dirname(directory)
  return isOpen && (parent === directory || (await canBeReached(parent)))
}

/** With its owners and modes: the files are PostgreSQL's user's. */
async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-Rp', join(from, nameOfCluster), to])
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  )
}
