import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Violation } from '../errors/mintline-error.ts'
import { quoteForShell } from './shell.ts'

export interface SecrecyFindings {
  readonly violations: readonly Violation[]
  /** Of files that are another user's, or on a file system that is read-only: it is not for this user to change them. */
  readonly warnings: readonly Violation[]
}

/** A file that holds a secret, and the setting by which it is one. */
export interface SecretFile {
  readonly pointer: string
  readonly file: string
}

const forOthers = 0o077
const readableForOthers = 0o044

/** Whether others than their owner may get at files that hold secrets. What is not there is passed over. */
export function checkSecrecy(files: readonly SecretFile[]): SecrecyFindings {
  const violations: Violation[] = []
  const warnings: Violation[] = []
  for (const { pointer, file } of files) {
    const found = statSync(file, { throwIfNoEntry: false })
    if (!found?.isFile()) continue
    const isOurs = found.uid === process.getuid?.() && !isReadOnly(file)
    if ((found.mode & (isOurs ? forOthers : readableForOthers)) === 0) continue
    const list = isOurs ? violations : warnings
    list.push({
      pointer,
      expected: 'a file that only its owner can use',
      found: `${file} with mode ${(found.mode & 0o777).toString(8).padStart(4, '0')}`,
      message: isOurs
        ? `It holds a secret. Take the rights from group and others: chmod 600 ${quoteForShell(file)}`
        : 'It holds a secret: mount it so that the user of the service alone can read it.'
    })
  }
  return { violations, warnings }
}

/** Mintline's own: the starter's passphrase and tokens, the key of PINs' marks, and the keys of the authorities. */
export function ownSecretFiles(pointer: string, dataDirectory: string): readonly SecretFile[] {
  const authorities = join(dataDirectory, 'authorities')
  return [
    ...filesIn(dataDirectory).filter(
      name => name === 'ca-passphrase' || name === 'pin-mark-key' || name.endsWith('-token')
    ),
    ...filesIn(authorities).map(name => join('authorities', name))
  ].map(name => ({ pointer, file: join(dataDirectory, name) }))
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap(entry =>
      entry.isFile() ? [entry.name] : []
    )
  } catch {
    return []
  }
}

function isReadOnly(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EROFS'
  }
}
