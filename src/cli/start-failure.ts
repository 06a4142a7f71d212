import { sep } from 'node:path'
import type { Config } from '../config/config.ts'
import { isDiskFull, translateDatabaseError } from '../database/database.ts'
import { databaseDirectoryOf } from '../database/embedded/cluster.ts'
import { isHeldByAnother } from '../database/embedded/directory-lock.ts'
import { type ErrorCode, isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import { describeBytes, measureVolumeNow } from '../storage/storage.ts'
import { scantBytes } from '../storage/storage-watch.ts'
import { cannotListen, describeListenFailure, isSystemError } from './tls/listening.ts'

/**
 * What stops a start and is not a fault of Mintline, in Mintline's words: `config_invalid` for an address that cannot be
 * listened on, `data_directory_unusable` for a file below the data directory, or a full disk. All else is given back as it is.
 */
export function translateStartFailure(error: unknown, config: Config): unknown {
  const full = describeFullVolume(error, config)
  if (full !== undefined) return full
  if (isDiskFull(error)) return translateDatabaseError(error)
  if (isMintlineError(error, 'database_unavailable') && config.databaseUrl !== undefined) {
    return new MintlineError(
      'database_unavailable',
      `The database that DATABASE_URL${config.databaseOwnerUrl === undefined ? '' : ' or MINTLINE_DATABASE_OWNER_URL'} names cannot be used. Check host, port, database, user and password, and that it runs.`,
      { cause: error.cause }
    )
  }
  if (!isSystemError(error)) return error
  const violation = describeListenFailure(error, config)
  if (violation !== undefined) return cannotListen(violation, error)
  if (error.path === undefined || !isWithin(config.dataDirectory, error.path)) return error
  return new MintlineError(
    'data_directory_unusable',
    `The data directory ${config.dataDirectory} cannot be used. Check owner, mode and free space of what ` +
      'MINTLINE_DATA_DIR names, or name another directory.',
    { cause: error }
  )
}

/** PostgreSQL may have said no more than that it ended. */
const faultsOfFullVolume: readonly ErrorCode[] = [
  'data_directory_unusable',
  'database_unavailable',
  'internal_error'
]

function describeFullVolume(
  error: unknown,
  { dataDirectory, databaseUrl }: Config
): MintlineError | undefined {
  if (databaseUrl !== undefined || isHeldByAnother(error)) return undefined
  const isSuspect = isMintlineError(error) ? faultsOfFullVolume.includes(error.code) : isOutOfSpace(error)
  if (!isSuspect) return undefined
  const directory = databaseDirectoryOf(dataDirectory)
  const freeBytes = freeBytesOn(directory)
  if (freeBytes === undefined || freeBytes >= scantBytes) return undefined
  const which = directory === dataDirectory ? '' : `, whose database is in ${directory},`
  return new MintlineError(
    'data_directory_unusable',
    `The disk of the data directory ${dataDirectory}${which} is full: ${describeBytes(freeBytes)} free. Make room on it, or ` +
      'enlarge it, and start again; nothing is lost.',
    { cause: error }
  )
}

function isOutOfSpace(error: unknown): boolean {
  return isSystemError(error) && ['ENOSPC', 'EDQUOT'].includes(error.code)
}

function freeBytesOn(directory: string): number | undefined {
  try {
    return measureVolumeNow(directory).freeBytes
  } catch {
    return undefined
  }
}

function isWithin(directory: string, path: string): boolean {
  // Making the directory may fail at one above it.
  return `${path}${sep}`.startsWith(`${directory}${sep}`) || `${directory}${sep}`.startsWith(`${path}${sep}`)
}
