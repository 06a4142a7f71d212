import { hash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { DatabaseLog } from '../../database/database-log.ts'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import type { CertificationRequest } from '../../pki/csr/certification-request.ts'
import { knownWeakKey, type PublicKey } from '../../pki/key/public-key.ts'
import type { DigestTable } from './digest-table.ts'
import { ListFault, readLists } from './list-file.ts'

/** The keys that are known to others, by the lists that the operator supplies. */
export interface WeakKeys {
  /** @throws MintlineError `key_refused`, with `known-weak` among `members.weaknesses`. */
  assertUnlisted(request: Pick<CertificationRequest, 'publicKey' | 'spkiDer'>): void
  stop(): void
}

export interface WeakKeysOptions {
  readonly files: readonly string[]
  readonly log: Pick<DatabaseLog, 'info' | 'error'>
  /** Between two looks at the files. */
  readonly intervalMs?: number
}

/** For where no list is supplied. */
export const noWeakKeys: WeakKeys = { assertUnlisted: () => undefined, stop: () => undefined }

/**
 * Reads the lists, and again when a file has changed and two looks in a row agree. Files that cannot be read then are told
 * once, and what was read before stays.
 *
 * @throws MintlineError `config_invalid` with the file and the line.
 */
export async function loadWeakKeys({ files, log, intervalMs = 10_000 }: WeakKeysOptions): Promise<WeakKeys> {
  if (files.length === 0) return noWeakKeys
  let taken = await stampOf(files)
  let seen = taken
  let table = await readLists(files).catch((error: unknown) => {
    throw error instanceof ListFault ? refusalOf(violationOf(error)) : error
  })
  log.info({ keys: table.size }, 'lists of known weak keys are read')
  let isStopped = false
  let timer = schedule()

  function schedule(): NodeJS.Timeout {
    return setTimeout(() => {
      look()
        .catch((error: unknown) => tellRefused(error))
        .finally(() => {
          if (!isStopped) timer = schedule()
        })
    }, intervalMs).unref()
  }

  async function look(): Promise<void> {
    const stamp = await stampOf(files)
    const isSettled = stamp === seen
    seen = stamp
    if (!isSettled || stamp === taken) return
    // Whatever comes of it, the same files are not read again.
    taken = stamp
    table = await readLists(files)
    log.info({ keys: table.size }, 'lists of known weak keys are read again')
  }

  function tellRefused(error: unknown): void {
    const reason = error instanceof ListFault ? error.violation : undefined
    const told = reason === undefined ? { err: error } : { reason }
    log.error(told, 'the lists of known weak keys cannot be used; those before still count')
  }

  return {
    assertUnlisted({ publicKey, spkiDer }) {
      if (isListed(table, publicKey, spkiDer)) throw knownWeakKey('a list of keys that are known to be weak')
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    }
  }
}

/** For a look at the settings: reads the lists and keeps nothing. @returns what is wrong with the first that is. */
export async function checkWeakKeyLists(files: readonly string[]): Promise<readonly Violation[]> {
  try {
    await readLists(files)
    return []
  } catch (error) {
    if (error instanceof ListFault) return [violationOf(error)]
    throw error
  }
}

const violationOf = ({ violation }: ListFault): Violation => ({
  pointer: 'MINTLINE_WEAK_KEYS_FILES',
  ...violation
})

function refusalOf(violation: Violation): MintlineError {
  return new MintlineError('config_invalid', '1 setting(s) cannot be used.', { violations: [violation] })
}

/** What changes with the files; a file that is away has a stamp of its own. */
async function stampOf(files: readonly string[]): Promise<string> {
  const stamps = files.map(async file => {
    const found = await stat(file).catch(() => undefined)
    return found === undefined ? 'away' : [found.ino, found.size, found.mtimeMs].join('/')
  })
  return (await Promise.all(stamps)).join(' ')
}

function isListed(table: DigestTable, key: PublicKey, spkiDer: Uint8Array): boolean {
  if (table.has(hash('sha256', spkiDer, 'buffer'))) return true
  return key.type === 'rsa' && table.has(modulusDigest(key.modulus))
}

/** As openssl-vulnkey makes it: of the digits of BN_print, which has no leading zeros. */
function modulusDigest(modulus: Uint8Array): Uint8Array {
  const digits = Buffer.from(modulus).toString('hex').toUpperCase().replace(/^0+/, '')
  return hash('sha1', `Modulus=${digits}\n`, 'buffer').subarray(10)
}
