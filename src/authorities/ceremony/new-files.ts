import { access, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isMintlineError, MintlineError } from '../../errors/mintline-error.ts'

export interface NewFile {
  readonly name: string
  readonly text: string
  /** 0o600 for what is secret, 0o644 for the rest. */
  readonly mode: number
}

/**
 * Writes the files, one after the other, into a folder that is made with mode 0700 if it is not there. All of them or
 * none: nothing is ever overwritten, and after a fault those already written are taken back. A crash can leave the
 * first of them; the next run then names one.
 *
 * @throws MintlineError `authority_exists` when one is there already; `data_directory_unusable`.
 */
export async function writeNewFiles(directory: string, files: readonly NewFile[]): Promise<void> {
  const written: string[] = []
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw unusable(directory, cause)
  }
  try {
    for (const { name } of files) await assertFree(join(directory, name))
    for (const file of files) await writeNewFile(join(directory, file.name), file, written)
    const folder = await open(directory, 'r')
    await folder.sync().finally(() => folder.close())
  } catch (cause) {
    for (const path of written) await rm(path, { force: true })
    if (isMintlineError(cause)) throw cause
    // Somebody else wrote it since it was looked for.
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') throw exists(directory)
    throw unusable(directory, cause)
  }
}

async function assertFree(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false
  )
  if (isThere) throw exists(path)
}

async function writeNewFile(path: string, { text, mode }: NewFile, written: string[]): Promise<void> {
  const file = await open(path, 'wx', mode)
  written.push(path)
  try {
    // The umask may have taken something away.
    await file.chmod(mode)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

function exists(path: string): MintlineError {
  return new MintlineError(
    'authority_exists',
    `${path} is there already and is not overwritten. Name another folder.`
  )
}

function unusable(directory: string, cause: unknown): MintlineError {
  return new MintlineError('data_directory_unusable', `The folder ${directory} cannot be written.`, { cause })
}
