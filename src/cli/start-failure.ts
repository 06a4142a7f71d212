import { once } from 'node:events'
import { createServer } from 'node:net'
import { sep } from 'node:path'
import type { Config } from '../config/config.ts'
import { isDiskFull, translateDatabaseError } from '../database/database.ts'
import { databaseDirectoryOf } from '../database/embedded/cluster.ts'
import { isHeldByAnother } from '../database/embedded/directory-lock.ts'
import { type ErrorCode, isMintlineError, MintlineError, type Violation } from '../errors/mintline-error.ts'
import { describeBytes, measureVolumeNow } from '../storage/storage.ts'
import { scantBytes } from '../storage/storage-watch.ts'
import { findExposure } from '../tls/exposure.ts'

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

function cannotListen(violation: Violation, cause?: unknown): MintlineError {
  return new MintlineError('config_invalid', 'The service cannot listen.', { violations: [violation], cause })
}

/** Before anything is made or migrated. @throws MintlineError `config_invalid`. */
export async function assertCanListen(config: Config): Promise<void> {
  const { violation } = await probeListening(config)
  if (violation !== undefined) throw cannotListen(violation)
}

/** Listens on the address for a moment, if it may be listened on as the settings are. Whoever listens there already may be the service itself, running. */
export async function probeListening(
  config: Config
): Promise<{ readonly violation: Violation | undefined; readonly isInUse: boolean }> {
  const exposure = await findExposure(config)
  if (exposure !== undefined) return { violation: exposure, isInUse: false }
  const server = createServer()
  try {
    server.listen({ host: config.host, port: config.port })
    await once(server, 'listening')
    server.close()
    return { violation: undefined, isInUse: false }
  } catch (error) {
    const violation = isSystemError(error) ? describeListenFailure(error, config) : undefined
    if (!isSystemError(error) || violation === undefined) throw error
    return { violation, isInUse: error.code === 'EADDRINUSE' }
  }
}

/** Node's own errors of the operating system. */
type SystemError = Error & { readonly code: string; readonly syscall: string; readonly path?: string }

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

function describeListenFailure(error: SystemError, { host, port }: Config): Violation | undefined {
  const found = `${host}, port ${port} (${error.code})`
  if (error.syscall === 'getaddrinfo') {
    return {
      pointer: 'MINTLINE_HOST',
      expected: 'an address, or a name that leads to one',
      found,
      message: 'Correct the name; 127.0.0.1 is this machine alone, 0.0.0.0 all its addresses.'
    }
  }
  if (error.syscall !== 'listen' && error.syscall !== 'bind') return undefined
  if (error.code === 'EADDRINUSE') {
    return {
      pointer: 'MINTLINE_PORT',
      expected: 'a port on which nobody else listens',
      found,
      message: `Choose another port, or stop what listens there; \`${whoListens(port)}\` names it.`
    }
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return {
      pointer: 'MINTLINE_PORT',
      expected: 'a port that this user may listen on',
      found,
      message: 'Choose one from 1024 up; a proxy in front can have the low one.'
    }
  }
  return {
    pointer: 'MINTLINE_HOST',
    expected: 'an address of this machine',
    found,
    message: 'Name one that `ip address` shows; 127.0.0.1 is this machine alone, 0.0.0.0 all its addresses.'
  }
}

function whoListens(port: number): string {
  return process.platform === 'linux' ? `ss -ltnp 'sport = :${port}'` : `lsof -nP -iTCP:${port} -sTCP:LISTEN`
}

function isWithin(directory: string, path: string): boolean {
  // Making the directory may fail at one above it.
  return `${path}${sep}`.startsWith(`${directory}${sep}`) || `${directory}${sep}`.startsWith(`${path}${sep}`)
}
