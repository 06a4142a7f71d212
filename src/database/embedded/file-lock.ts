import { open } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'

export interface FileLock {
  /** Of the file that is locked: under its path there may be another by now. */
  readonly inode: number
  release(): void
}

/**
 * A lock of the kernel on a file, which SQLite takes in the way that each platform has one. The kernel takes it back when the
 * process dies, so it cannot go stale; it holds between containers that share the volume; and who may not write to the file
 * cannot take it. The file's content says nothing.
 *
 * @throws what `isFileLockHeld` knows; what keeps the file from being used.
 */
export async function takeFileLock(file: string): Promise<FileLock> {
  const inode = await makePrivate(file)
  const database = await takeLock(file)
  return { inode, release: () => database.close() }
}

/** Whether another process holds it: SQLITE_BUSY. */
export function isFileLockHeld(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}

/** Before SQLite makes it, with the mode that the umask leaves. */
async function makePrivate(file: string): Promise<number> {
  const handle = await open(file, 'a', 0o600)
  try {
    const { uid, ino } = await handle.stat()
    // A lock that another user can take keeps the service from starting.
    if (uid === process.getuid?.()) await handle.chmod(0o600)
    return ino
  } finally {
    await handle.close()
  }
}

/** Loaded when it is needed: only the embedded database and exports need it. */
async function takeLock(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
