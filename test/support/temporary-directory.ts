import { lstat, mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string
  remove(): Promise<void>
}

const prefix = 'mintline-test-'

/** With mode 0700, as `mktemp -d` makes them. @param parent where it is made; default: where temporary files are. */
export async function createTemporaryDirectory(parent = tmpdir()): Promise<TemporaryDirectory> {
  const directory = await mkdtemp(path.join(parent, prefix))
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
  return { path: directory, remove, [Symbol.asyncDispose]: remove }
}

const inMemory = '/dev/shm'
const roomInMemory = 6 * 1024 ** 3
const leftBehindAfterMs = 24 * 60 * 60 * 1000

/**
 * Where a database that may be lost is best made. Each test file's is a thousand files, which a file system on a disk takes
 * ten times as long to make and to remove as one in memory; the latter is taken where there is plenty of room, and where
 * programs may be run, as those of PostgreSQL may have to be.
 */
export async function fastestParent(): Promise<string> {
  const { bavail, bsize } = await statfs(inMemory).catch(() => ({ bavail: 0, bsize: 0 }))
  if (bavail * bsize < roomInMemory) return tmpdir()
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '')
  const options = /^\S+ \/dev\/shm tmpfs (\S+)/m.exec(mounts)?.[1]?.split(',') ?? ['noexec']
  if (options.includes('noexec')) return tmpdir()
  await removeLeftBehind(inMemory)
  return inMemory
}

/** What runs that were killed have left: no run takes a day. That of others cannot be removed, and stays. */
async function removeLeftBehind(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const directory = path.join(parent, name)
    const madeAt = await lstat(directory).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity
    )
    if (Date.now() - madeAt < leftBehindAfterMs) continue
    await rm(directory, { recursive: true, force: true }).catch(() => undefined)
  }
}
