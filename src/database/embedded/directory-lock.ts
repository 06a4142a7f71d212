import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { isMintlineError, MintlineError } from '../../errors/mintline-error.ts'
import { isFileLockHeld, takeFileLock } from './file-lock.ts'

export interface DirectoryLock {
  release(): Promise<void>
}

/**
 * Makes this process the only one to work on the directory, until it releases the lock or ends in whatever way.
 *
 * The proof is a lock of the kernel on a file in the directory.
 *
 * @throws MintlineError `data_directory_unusable`: another process holds it, which is named, or the file cannot be used.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const file = path.join(directory, 'lock')
  const holder = path.join(directory, 'lock-holder')
  try {
    const lock = await takeFileLock(file)
    // For people; the lock does not depend on it.
    await writeFile(holder, String(process.pid), { mode: 0o600 })
    return {
      async release() {
        lock.release()
      }
    }
  } catch (error) {
    if (!isFileLockHeld(error)) throw refuse(`${file} cannot be used as a lock.`, error)
    throw refuse(`Another Mintline (process ${await readHolder(holder)}) is working on ${directory}.`, error)
  }
}

/** Whether it is the error of `lockDirectory` that another process works on the directory. */
export function isHeldByAnother(error: unknown): error is MintlineError {
  return isMintlineError(error, 'data_directory_unusable') && isFileLockHeld(error.cause)
}

/**
 * Which process works on the directory, if one does. Makes nothing, and holds up nobody who starts longer than it takes
 * to read a file.
 *
 * @returns its id, or `unknown`.
 */
export async function findHolder(directory: string): Promise<string | undefined> {
  const file = path.join(directory, 'lock')
  if ((await stat(file).catch(() => undefined)) === undefined) return undefined
  const { DatabaseSync } = await import('node:sqlite')
  try {
    const database = new DatabaseSync(file, { timeout: 0, readOnly: true })
    try {
      database.exec('SELECT count(*) FROM sqlite_schema')
      return undefined
    } finally {
      database.close()
    }
  } catch (error) {
    if (!isFileLockHeld(error)) throw refuse(`${file} cannot be used as a lock.`, error)
    return readHolder(path.join(directory, 'lock-holder'))
  }
}

async function readHolder(holder: string): Promise<string> {
  const text = await readFile(holder, 'utf8').catch(() => '')
  return /^\d+$/.test(text) ? text : 'unknown'
}

function refuse(detail: string, cause: unknown): MintlineError {
  return new MintlineError('data_directory_unusable', detail, { cause })
}
