import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { KeyStoreLog } from '../../key-store-log.ts'

/** What the marks of PINs are keyed with, so that who reads the database cannot try PINs against them. */
export interface MarkKey {
  readonly key: Buffer
  /** Tells marks of one key from those of another. */
  readonly id: Buffer
}

const keyOctets = 32

/**
 * The key in the file, which is made when it is not there. Where it can be neither made nor read, the key is that of
 * this process alone, and the log says so: marks that are on record can then not be compared (see `login-judgement.ts`).
 */
export async function loadMarkKey(path: string, log?: KeyStoreLog): Promise<MarkKey> {
  const key = await readOrMake(path).catch((err: unknown) => {
    const message = `${path}, by which refused PINs are known again, can be neither read nor made; after a restart a token that has refused a PIN is not logged in to without an administrator's act. See MINTLINE_DATA_DIR`
    log?.warn({ err }, message)
    return randomBytes(keyOctets)
  })
  return { key, id: createHash('sha256').update('pin mark key').update(key).digest().subarray(0, 8) }
}

async function readOrMake(path: string): Promise<Buffer> {
  const known = await read(path)
  if (known !== undefined) return known
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(randomBytes(keyOctets))
      await file.sync()
    } finally {
      await file.close()
    }
    // Another process may be making it too: whoever comes first has made it for both.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  const made = await read(path)
  if (made === undefined) throw new Error(`${path} was removed as soon as it was made`)
  return made
}

async function read(path: string): Promise<Buffer | undefined> {
  try {
    const key = await readFile(path)
    if (key.length !== keyOctets) throw new Error(`${path} holds ${key.length} octets, not ${keyOctets}`)
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
