import type { FastifyRequest } from 'fastify'
import type { RefusedAccess } from '../../access/refused/refused-access.ts'
import type { ErrorCode, MintlineError } from '../../errors/mintline-error.ts'
import { problemTable } from './problem-table.ts'

/** Of requests for certificates of who was let in: each is on record as a refusal, or counted. */
const onRecord: ReadonlySet<ErrorCode> = new Set([
  'lot_not_allowed',
  'profile_not_allowed',
  'station_disabled',
  'station_paused'
])

/**
 * What the audit is told of an error, whether a hook or a handler decided it: who asked for what they have no right to, also
 * where the answer is that there is no such thing.
 *
 * @returns undefined for any other error.
 */
export function describeRefused(request: FastifyRequest, error: MintlineError): RefusedAccess | undefined {
  const { hides, code } = error
  const isRefused = hides !== undefined || [401, 403].includes(problemTable[code].status)
  if (!isRefused || (request.principal !== null && onRecord.has(code))) return undefined
  const { method, routeOptions, raw, id: requestId, proven } = request
  return {
    source: raw.socket.remoteAddress ?? 'unknown',
    actor: proven?.actor,
    credential: proven?.credential,
    code: hides ?? code,
    route: `${method} ${routeOptions.url ?? ''}`,
    requestId
  }
}
