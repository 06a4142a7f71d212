import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RefusedAccesses } from '../../access/refused/refused-access.ts'
import {
  type ErrorCode,
  isMintlineError,
  MintlineError,
  type Violation
} from '../../errors/mintline-error.ts'
import { problemMediaType } from '../schemas/problem.ts'
import { problemTable } from './problem-table.ts'
import { describeRefused } from './refused-requests.ts'
import { buildViolations, maximumViolations, type SchemaFault } from './schema-violations.ts'

interface Explaining {
  /** Adds to an error what is known of its cause. */
  readonly explain: (error: MintlineError) => MintlineError
  /** Told of who asked for what they have no right to. */
  readonly refusedAccesses: Pick<RefusedAccesses, 'note'>
}

/** Makes every error of the app's routes and hooks a problem document (RFC 9457), logged according to whose fault it is. */
export function addProblemDetails(app: FastifyInstance, { explain, refusedAccesses }: Explaining): void {
  app.setErrorHandler((error, request, reply) => {
    if (!isMintlineError(error)) return sendProblem(error, request, reply)
    const refused = describeRefused(request, error)
    if (refused !== undefined) refusedAccesses.note(refused)
    return sendProblem(explain(error), request, reply)
  })
}

/** Answers with the problem that an error stands for. What is not recognised becomes an opaque `internal_error`. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, challenge, retryAfterSeconds, problem } = tellProblem(error, request)
  if (challenge !== undefined) reply.header('www-authenticate', challenge)
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  return reply.code(status).type(problemMediaType).send(JSON.stringify(problem))
}

/** What of a request its problem is told by. */
export type Asking = Pick<FastifyRequest, 'id' | 'log' | 'headers' | 'routeOptions'> & {
  readonly raw: Pick<FastifyRequest['raw'], 'complete'>
}

interface ToldProblem {
  readonly status: number
  /** `WWW-Authenticate`. */
  readonly challenge: string | undefined
  /** Whole seconds. */
  readonly retryAfterSeconds: number | undefined
  readonly problem: Readonly<Record<string, unknown>>
}

/** Logs an error according to whose fault it is, and says what is answered of it. */
export function tellProblem(error: unknown, request: Asking): ToldProblem {
  const known = translate(error, request)
  const { status } = problemTable[known.code]
  logProblem(known, status, request)
  const retryAfterSeconds = retryAfterOf(status, known.retryAfterSeconds)
  return {
    status,
    challenge: challengeOf(known),
    retryAfterSeconds,
    problem: buildProblem(known, request.id)
  }
}

/**
 * What the station is to wait where nobody knows better: what is away for long, or waits for a person, is not asked for
 * more often than this.
 */
const unknownWaitSeconds = 30

/** The value of Retry-After (RFC 9110 §10.2.3). A 503 always has one, whatever its code. */
function retryAfterOf(status: number, retryAfterSeconds?: number): number | undefined {
  const seconds = retryAfterSeconds ?? (status === 503 ? unknownWaitSeconds : undefined)
  return seconds === undefined ? undefined : Math.ceil(seconds)
}

function buildProblem(error: MintlineError, requestId: string): Readonly<Record<string, unknown>> {
  const { status, title } = problemTable[error.code]
  const { issuanceId } = error.members
  const omitted = error.violations.length - maximumViolations
  return {
    ...error.members,
    type: `/docs/errors#${error.code}`,
    title,
    status,
    detail: error.detail,
    code: error.code,
    ...(typeof issuanceId === 'string' && { instance: `/v1/issuances/${issuanceId}` }),
    ...(error.violations.length > 0 && {
      violations: error.violations.slice(0, maximumViolations).map(clip)
    }),
    ...(omitted > 0 && { violationsOmitted: omitted }),
    requestId
  }
}

/** A pointer is as long as the names that the client chose, and may stand in the message again. */
const maximumTextLength = 1_000

function clip({ pointer, expected, found, message }: Violation): Violation {
  return {
    pointer: clipText(pointer),
    expected: clipText(expected),
    found: clipText(found),
    message: clipText(message)
  }
}

function clipText(text: string): string {
  return text.length > maximumTextLength ? `${text.slice(0, maximumTextLength)}…` : text
}

/** RFC 6750, section 3. A request without a token is told of the scheme and nothing else. */
const challenges: Readonly<Partial<Record<ErrorCode, string>>> = {
  token_missing: 'Bearer realm="mintline"',
  token_invalid: 'Bearer realm="mintline", error="invalid_token"',
  token_expired: 'Bearer realm="mintline", error="invalid_token"',
  jwt_refused: 'Bearer realm="mintline", error="invalid_token"',
  client_certificate_refused: 'Bearer realm="mintline"',
  role_forbidden: 'Bearer realm="mintline", error="insufficient_scope"',
  jwt_role_unknown: 'Bearer realm="mintline", error="insufficient_scope"'
}

/** Of a token from elsewhere the client learns which check failed, for the library that holds it. */
function challengeOf({ code, violations: [violation] }: MintlineError): string | undefined {
  const challenge = challenges[code]
  if (code !== 'jwt_refused' || violation === undefined) return challenge
  // Neither of a quotation mark nor of a backslash, nor beyond ASCII (RFC 6750 §3): names of claims are settings.
  const failed = violation.pointer.replace(/[^ -~]|["\\]/g, '?')
  return `${challenge}, error_description="the check of ${failed} failed"`
}

function logProblem(error: MintlineError, status: number, request: Pick<Asking, 'log'>): void {
  if (status >= 500) {
    request.log.error({ code: error.code, err: error }, 'request failed')
    return
  }
  // `found` may repeat what the client sent, so the log gets the pointers alone.
  const facts = {
    code: error.code,
    pointers: error.violations.slice(0, maximumViolations).map(({ pointer }) => clipText(pointer))
  }
  if (status === 401 || status === 403) request.log.warn(facts, 'request refused')
  else request.log.info(facts, 'request refused')
}

const pathUnreadable = [
  'request_invalid',
  'The path cannot be read. Check its percent-encoding and length.'
] as const

/** What Fastify and Node say, in our codes. What is not here is a fault of the service. */
const translations: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [
    'request_too_large',
    'The body is larger than the service accepts. Check that the right file was sent.'
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: [
    'request_invalid',
    'The body is empty. Send the JSON object that this route describes.'
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: [
    'request_invalid',
    'The body is not valid JSON. Inside a JSON string, line breaks are written as \\n; a CSR file is easier sent as it is, with Content-Type: application/pkcs10.'
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'request_invalid',
    'The body ended before its announced length. Send the request again.'
  ],
  FST_ERR_BAD_URL: pathUnreadable,
  FST_ERR_MAX_PARAM_LENGTH: pathUnreadable
}

function translate(error: unknown, request: Asking): MintlineError {
  if (isMintlineError(error)) return error
  const { code = '', validation, validationContext, statusCode = 500 } = error as Partial<FastifyError>
  if (validation !== undefined) return translateValidation(validation, validationContext)
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return unsupportedMediaType(request)
  // Only while the request still arrives is a reset connection the client's; later it is one of our own.
  if (code === 'ECONNRESET' && request.raw.complete === false) {
    return new MintlineError('request_invalid', 'The connection was lost before the request was complete.')
  }
  const known = Object.hasOwn(translations, code) ? translations[code] : undefined
  if (known !== undefined) return new MintlineError(...known)
  if (isClientFault(code, statusCode)) {
    return new MintlineError(
      'request_invalid',
      'The request cannot be understood. Check method, path and headers.'
    )
  }
  return new MintlineError(
    'internal_error',
    'The service failed. The log has the cause under this request id.',
    { cause: error }
  )
}

/** Fastify's own word for a request that it cannot take; of other errors the status is hearsay. */
function isClientFault(code: string, statusCode: number): boolean {
  return code.startsWith('FST_ERR_') && statusCode >= 400 && statusCode < 500
}

const pointerPrefixes: Readonly<Record<string, string>> = {
  body: '',
  querystring: '/query',
  params: '/path',
  headers: '/headers'
}

function translateValidation(faults: readonly SchemaFault[], part = 'body'): MintlineError {
  const violations = buildViolations(faults, pointerPrefixes[part] ?? '')
  const places = violations.length === 1 ? '1 place is' : `${violations.length} places are`
  return new MintlineError('request_invalid', `${places} not as the schema says; see violations.`, {
    violations
  })
}

function unsupportedMediaType(request: Asking): MintlineError {
  const { content } = (request.routeOptions.schema?.body ?? {}) as { content?: object }
  // A route lists first the types it recommends; the others are there for clients that cannot be changed.
  const accepted = content === undefined ? ['application/json'] : Object.keys(content).slice(0, 2)
  const headers = accepted.map(type => `-H 'Content-Type: ${type}'`).join(' or ')
  const isForm = /^multipart\//i.test(request.headers['content-type'] ?? '')
  const form = isForm
    ? 'A form is not read: with curl, send the file by --data-binary @file, not by -F. '
    : ''
  return new MintlineError('media_type_unsupported', `${form}Say what the body is: with curl, ${headers}.`)
}

/** Answers on a bare socket, where the request could not even be read as HTTP. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  answerOnSocket(socket, translateClientError(error.code))
}

/** Answers with a problem where there is no reply to send it with, and ends the connection. */
export function answerOnSocket(socket: Socket | null, problem: MintlineError): void {
  if (socket === null || !socket.writable) return
  const { status } = problemTable[problem.code]
  const retryAfter = retryAfterOf(status, problem.retryAfterSeconds)
  const body = JSON.stringify(buildProblem(problem, 'none'))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
    'Connection: close'
  ]
  // Who does not even read this is not waited for.
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function translateClientError(code: string | undefined): MintlineError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new MintlineError('request_timeout', 'The request did not arrive in time. Send it again.')
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new MintlineError('request_too_large', 'The header section is larger than the service accepts.')
  }
  return new MintlineError('request_invalid', 'This is not a well-formed HTTP request.')
}
