import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { isEqual } from '../../../pki/der/octets.ts'
import { type CrlFile, type CrlTarget, mostFileOctets } from './crl-target.ts'

const partName = /^\.[0-9a-f-]{36}\.part$/
/** What is older is of a process that ended within a file. */
const partEndsMs = 3_600_000
/** Anybody may read them. */
const modes = { file: 0o644, directory: 0o755 }

/**
 * A directory of this machine, or one that is mounted. The directory itself must be there: one that is not mounted at this moment
 * is not made. Those below it are.
 */
export function createDirectoryTarget(root: string): CrlTarget {
  return {
    name: root,
    find: (path, signal) => explained(root, () => hashOf(join(root, path), signal)),
    read: (path, signal) => explained(root, () => readWhole(join(root, path), signal)),
    put: (file, signal) => explained(root, () => put(root, file, signal)),
    close: () => undefined
  }
}

async function hashOf(file: string, signal: AbortSignal): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const part of createReadStream(file, { signal })) hash.update(part as Buffer)
    return hash.digest('hex')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function readWhole(file: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    if ((await stat(file)).size > mostFileOctets) return undefined
    return await readFile(file, { signal })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function put(root: string, file: CrlFile, signal: AbortSignal): Promise<void> {
  // Fails where the root is not there, which `mkdir` would make.
  await stat(root)
  const place = join(root, file.path)
  const directory = dirname(place)
  await mkdir(directory, { recursive: true, mode: modes.directory })
  await removeLeftParts(directory)
  const part = join(directory, `.${randomUUID()}.part`)
  try {
    const handle = await open(part, 'wx', modes.file)
    try {
      await write(handle, file, signal)
      await handle.sync()
    } finally {
      await handle.close()
    }
    signal.throwIfAborted()
    await rename(part, place)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await syncDirectory(directory)
}

async function write(handle: FileHandle, { read, sha256 }: CrlFile, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256')
  for await (const octets of read()) {
    signal.throwIfAborted()
    hash.update(octets)
    await handle.writeFile(octets)
  }
  if (!isEqual(hash.digest(), sha256))
    throw new MintlineError('record_damaged', 'The octets of a CRL are not those that were signed.')
}

async function removeLeftParts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!partName.test(name)) continue
    const path = join(directory, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
    if (Date.now() - mtimeMs > partEndsMs) await rm(path, { force: true })
  }
}

/** The new name is durable then; what cannot do that, such as a mounted share, does as it does. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => undefined)
  try {
    await handle?.sync()
  } catch {
    // The file itself is there.
  } finally {
    await handle?.close()
  }
}

async function explained<Result>(root: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined || code === 'ABORT_ERR') throw error
    throw new MintlineError(
      'crl_target_failed',
      `The directory ${root} cannot be used (${code}). Look whether it is there, mounted, with room, and whether the service may write to it.`,
      { cause: error }
    )
  }
}

/** Of an error of the file system. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && 'syscall' in error ? String(error.code) : undefined
}
