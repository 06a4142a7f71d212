import type { FastifyRequest } from 'fastify'
import type { RefusedAccess } from '../../access/refused/refused-access.ts'
import type { ErrorCode, MintlineError } from '../../errors/mintline-error.ts'
import { problemTable } from './problem-table.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that is no GET and yet changes nothing: what it refuses is no act. */
    changesNothing?: boolean
  }
}

/** Of requests for certificates of who was let in: each is on record as a refusal, or counted. */
const onRecord: ReadonlySet<ErrorCode> = new Set([
  'lot_not_allowed',
  'profile_not_allowed',
  'station_disabled',
  'station_paused'
])

/**
 * What the audit is told of an error, whether a hook or a handler decided it: who asked for what they have no right to, also
 * where the answer is that there is no such thing; and which act the state of what it is about does not allow.
 *
 * @returns undefined for any other error.
 */
export function describeRefused(request: FastifyRequest, error: MintlineError): RefusedAccess | undefined {
  const act = refusedActOf(request, error)
  if (act === undefined) return undefined
  const { method, routeOptions, raw, id: requestId, proven } = request
  return {
    act,
    source: raw.socket.remoteAddress ?? 'unknown',
    actor: proven?.actor,
    credential: proven?.credential,
    code: error.hides ?? error.code,
    route: `${method} ${routeOptions.url ?? ''}`,
    request: proven === null ? undefined : requestOf(request),
    requestId
  }
}

function refusedActOf(request: FastifyRequest, error: MintlineError): RefusedAccess['act'] | undefined {
  const { principal, proven, method, routeOptions } = request
  const { status } = problemTable[error.code]
  if (error.hides !== undefined || [401, 403].includes(status)) {
    if (principal !== null && onRecord.has(error.code)) return undefined
    return proven === null ? 'sign-in.refuse' : 'access.refuse'
  }
  const { recordsRefusals = false, changesNothing = false } = routeOptions.config
  const isAct = method !== 'GET' && method !== 'HEAD' && !recordsRefusals && !changesNothing
  return isAct && principal !== null && [409, 410].includes(status) ? 'act.refuse' : undefined
}

/**
 * Which of many was meant. Who is not let in is so before the path is held against the schema, and what is not as it says
 * may be anything, also a secret.
 */
function requestOf(request: FastifyRequest): string | undefined {
  const params = request.params as Readonly<Record<string, string>>
  const { url = '', schema } = request.routeOptions
  // A copy, since the validator may put other values into it.
  if (schema?.params === undefined || request.validateInput({ ...params }, 'params') !== true)
    return undefined
  return `${request.method} ${url.replace(/:(\w+)/g, (whole, name: string) => params[name] ?? whole)}`
}
