import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'

/** What an error of Prisma, its adapter or `pg` says once unwrapped. */
interface DatabaseFailure {
  /** PostgreSQL's SQLSTATE, or Node's system error code, or Prisma's code; the most precise one there is. */
  readonly code: string | undefined
  /** The adapter's own classification of connection failures, which come without any code. */
  readonly kind: string | undefined
  readonly message: string
}

const retryAfterSeconds = 2
/** SQLSTATE of a statement that ran into its timeout. */
const queryCanceled = '57014'

/** SQLSTATE classes 08 connection, 28 authorization, 53 resources, 57 operator, 58 system; and the single states like them. */
const unavailableSqlState = /^(08|28|53|57|58)...$|^(25006|25P03|3D000|55P03|40001|40P01)$/

const unavailableCodes: ReadonlySet<string> = new Set([
  ...[
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH'
  ],
  // Prisma: unreachable, timed out, closed, no connection free, transaction not started or gone, write conflict.
  ...['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']
])

/** SQLSTATE class 08, the ends and starts of a server, and the system's and Prisma's own words for the same. */
const lostConnectionCode = /^(08...|57P0[123]|ECONNREFUSED|ECONNRESET|EPIPE|P1001|P1017)$/

const unavailableKinds: ReadonlySet<string> = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TlsConnectionError'
])

/** `pg` and its pool give these no code; the text is all there is. */
const unavailableMessages: readonly string[] = [
  'Connection terminated',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'not queryable',
  'Cannot use a pool after calling end'
]

/**
 * `database_unavailable`, with a time to try again, when the database is away, closing, full, too busy or refuses
 * us: nothing was wrong with the request. Whether a statement that was cut off took effect is then unknown.
 * `internal_error` for all else. A MintlineError passes as it is.
 */
export function translateDatabaseError(error: unknown): MintlineError {
  if (isMintlineError(error)) return error
  const failure = unwrap(error)
  if (failure.code === queryCanceled) {
    return new MintlineError(
      'database_unavailable',
      'The database did not answer in time. Narrow a search; send anything else again.',
      { retryAfterSeconds, cause: error }
    )
  }
  const exhausted = describeExhausted(failure)
  if (exhausted !== undefined)
    return new MintlineError('database_unavailable', exhausted.detail, { ...exhausted, cause: error })
  if (isUnavailable(failure)) {
    return new MintlineError('database_unavailable', 'The database cannot be reached at the moment.', {
      retryAfterSeconds,
      cause: error
    })
  }
  return new MintlineError('internal_error', 'The database refused a statement of the service.', {
    cause: error
  })
}

interface Exhausted {
  readonly detail: string
  readonly retryAfterSeconds: number
}

/** What takes a person to mend is not asked for every other second. */
const patientRetrySeconds = 10

/** What PostgreSQL has run out of, by SQLSTATE. */
const exhaustedBySqlState: Readonly<Record<string, Exhausted>> = {
  '53100': {
    detail:
      'The disk of the database is full, so that nothing can be recorded. Tell the administrator to make room for it; ' +
      'then send the same request again.',
    retryAfterSeconds: patientRetrySeconds
  },
  '53200': {
    detail:
      'The database is out of memory. Send the same request again; if it goes on, the administrator gives its server more.',
    retryAfterSeconds: patientRetrySeconds
  },
  '53300': {
    detail:
      'The database takes no more connections. Send the same request again; if it goes on, the administrator raises its ' +
      'max_connections, or lowers MINTLINE_DATABASE_POOL_SIZE of the services that share it.',
    retryAfterSeconds
  },
  '53400': {
    detail:
      'The database has reached a limit of its configuration, such as temp_file_limit. Tell the administrator: its log ' +
      'names the limit.',
    retryAfterSeconds: patientRetrySeconds
  }
}

/** Class 58: the server's operating system failed it, which is no fault of any request. */
const systemFailure: Exhausted = {
  detail:
    'The database cannot read or write its files. Tell the administrator: its log says which. Then send the same request ' +
    'again.',
  retryAfterSeconds: patientRetrySeconds
}

/** The text of the operating system, where the state of the error does not say it. */
const fullDiskMessages: readonly string[] = ['No space left on device', 'Disk quota exceeded']

function describeExhausted({ code = '', kind, message }: DatabaseFailure): Exhausted | undefined {
  if (Object.hasOwn(exhaustedBySqlState, code)) return exhaustedBySqlState[code]
  if (kind === 'TooManyConnections') return exhaustedBySqlState['53300']
  if (fullDiskMessages.some(text => message.includes(text))) return exhaustedBySqlState['53100']
  return code.startsWith('58') ? systemFailure : undefined
}

/** The database said that its disk is full. Also behind what `translateDatabaseError` made of it. */
export function isDiskFull(error: unknown): boolean {
  const cause = isMintlineError(error) ? error.cause : error
  return cause instanceof Error && describeExhausted(unwrap(cause)) === exhaustedBySqlState['53100']
}

/** The database ended, or is not to be reached: it may have died of a full disk. Also behind what `translateDatabaseError` made of it. */
export function isConnectionLost(error: unknown): boolean {
  const cause = isMintlineError(error) ? error.cause : error
  if (!(cause instanceof Error)) return false
  const { code, kind, message } = unwrap(cause)
  if (code !== undefined && lostConnectionCode.test(code)) return true
  return (
    kind === 'DatabaseNotReachable' ||
    kind === 'ConnectionClosed' ||
    message.includes('Connection terminated')
  )
}

/** A statement ran into its timeout. Also behind what `translateDatabaseError` made of it. */
export function isStatementTimeout(error: unknown): boolean {
  const cause = isMintlineError(error) ? error.cause : error
  return cause instanceof Error && unwrap(cause).code === queryCanceled
}

/** A unique or primary key (or, when named, just that constraint or index) was violated. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const { code } = unwrap(error)
  if (code !== '23505' && code !== 'P2002') return false
  return constraint === undefined || constraintOf(error) === constraint
}

/** A row is not as the table allows, or falls into no partition: PostgreSQL has one SQLSTATE for both. */
export function isCheckViolation(error: unknown): boolean {
  return unwrap(error).code === '23514'
}

/** A trigger of ours refused it: a table that only grows, or an occurrence whose turn it is not. */
export function isRefusedByGuard(error: unknown): boolean {
  return unwrap(error).code === '23000'
}

/** The role lacks a right. Also behind what `translateDatabaseError` made of it. */
export function isPrivilegeMissing(error: unknown): boolean {
  const cause = isMintlineError(error) ? error.cause : error
  return cause instanceof Error && unwrap(cause).code === '42501'
}

/** The transaction lost to another one and did nothing; running it again is safe and makes sense. */
export function isSerializationOrDeadlock(error: unknown): boolean {
  const { code } = unwrap(error)
  return code === '40001' || code === '40P01' || code === 'P2034'
}

function isUnavailable({ code, kind, message }: DatabaseFailure): boolean {
  if (code !== undefined && (unavailableSqlState.test(code) || unavailableCodes.has(code))) return true
  if (kind !== undefined && unavailableKinds.has(kind)) return true
  return unavailableMessages.some(text => message.includes(text))
}

/** Prisma keeps the driver's error in `meta.driverAdapterError`, and in its `cause` what PostgreSQL said. */
function unwrap(error: unknown): DatabaseFailure {
  const driverError = driverErrorOf(error)
  return {
    code: text(driverError, 'originalCode') ?? text(driverError, 'code') ?? text(error, 'code'),
    kind: text(driverError, 'kind'),
    message: text(error, 'message') ?? ''
  }
}

function constraintOf(error: unknown): string | undefined {
  const constraint = member(driverErrorOf(error), 'constraint')
  return text(constraint, 'index') ?? (typeof constraint === 'string' ? constraint : undefined)
}

/** The adapter's error object, wherever it stands: below Prisma's error, thrown bare, or `pg`'s own error. */
function driverErrorOf(error: unknown): unknown {
  const adapterError = member(member(error, 'meta'), 'driverAdapterError') ?? error
  return text(member(adapterError, 'cause'), 'kind') === undefined
    ? adapterError
    : member(adapterError, 'cause')
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function text(value: unknown, name: string): string | undefined {
  const found = member(value, name)
  return typeof found === 'string' ? found : undefined
}
