import { constants } from 'node:fs'
import { access, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UsageError } from '../../command.ts'

/** An answer that cannot be written down; to ask again gives the same one. */
export class KeepingError extends Error {}

/**
 * Puts a file in its place whole and on the disk: a reader, or who comes after a power cut, finds what was there before or
 * all of the new one. A kill leaves at most a hidden file beside it.
 *
 * @param mode of the file, less what the umask takes. @throws KeepingError
 */
export async function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const directory = dirname(path)
  const temporary = join(directory, `.${basename(path)}.${process.pid}.tmp`)
  try {
    await using file = await open(temporary, 'w', mode)
    await file.writeFile(content)
    await file.sync()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    throw new KeepingError(`${path} cannot be written (${code})`)
  }
  await using parent = await open(directory)
  // Not every file system can.
  await parent.sync().catch(() => undefined)
}

/** Before anything is asked for, so that no answer is without a place. @throws UsageError */
export async function assertWritable(flag: string, directory: string): Promise<void> {
  try {
    await access(directory, constants.W_OK)
    if ((await stat(directory)).isDirectory()) return
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    throw new UsageError(`${flag}: in ${directory} nothing can be written (${code})`)
  }
  throw new UsageError(`${flag}: ${directory} is no directory`)
}
