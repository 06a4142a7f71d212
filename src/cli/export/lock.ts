import { readFile, rm, stat } from 'node:fs/promises'
import { isFileLockHeld, takeFileLock } from '../../database/embedded/file-lock.ts'
import { KeepingError } from '../enroll/keeping/keeping.ts'
import { isThere } from './part.ts'

/**
 * Makes this process the only one to write the file, until it disposes of the lock or ends in whatever way: two that write
 * into one FILE.part would mix their rows. It is a lock of the kernel, which cannot go stale.
 *
 * @throws KeepingError that names the other, or where no lock can be had.
 */
export async function lockOutput(output: string): Promise<AsyncDisposable> {
  const path = `${output}.part.lock`
  const lock = await takeFileLock(path).catch(async (error: unknown) => {
    if (isFileLockHeld(error)) throw heldByAnother(output, await readWriter(output))
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    throw new KeepingError(`${path} cannot be used as a lock (${code})`)
  })
  // Who held it may have taken the file away and ended: then this is a lock of nothing.
  const now = await stat(path).catch(() => undefined)
  if (now?.ino !== lock.inode || (await isThere(output))) {
    lock.release()
    throw heldByAnother(output, undefined)
  }
  return {
    async [Symbol.asyncDispose]() {
      // What is gone on with keeps it.
      if (!(await isThere(`${output}.part`))) await rm(path, { force: true })
      lock.release()
    }
  }
}

function heldByAnother(output: string, writer: string | undefined): KeepingError {
  const who = writer === undefined ? '' : ` (${writer})`
  return new KeepingError(`${output} is being written by another \`mintline export\`${who}, or just was`)
}

/** As FILE.part.json has it. */
async function readWriter(output: string): Promise<string | undefined> {
  try {
    const { by } = JSON.parse(await readFile(`${output}.part.json`, 'utf8')) as { readonly by?: unknown }
    return typeof by === 'string' ? by : undefined
  } catch {
    return undefined
  }
}
