import type { Violation } from '../../../errors/mintline-error.ts'
import type { Reply } from './connection.ts'

/** What became of one request to the service. */
export type Outcome =
  | { readonly kind: 'answered'; readonly body: Buffer }
  | Refused
  | (Problem & { readonly kind: 'busy'; readonly retryAfterSeconds: number | undefined })
  | {
      readonly kind: 'unreachable'
      readonly detail: string
      /** Trying again does not help. */
      readonly isLasting: boolean
    }

/** The service has decided; the same request gets the same answer until something is put right. */
type Refused = Problem & { readonly kind: 'refused' }

export type Failure = Exclude<Outcome, { kind: 'answered' }>

interface Problem {
  /** Undefined where this side refuses. */
  readonly status?: number
  readonly code: string
  readonly detail: string
  readonly violations: readonly Violation[]
  /** The record of a refusal, where there is one. */
  readonly instance?: string
}

export const exitCodes = { answered: 0, refused: 3, busy: 4, unreachable: 5 } as const satisfies Record<
  Outcome['kind'],
  number
>

const busyStatuses: readonly number[] = [408, 429, 502, 503, 504]

/** Whether the same request, sent again, may be served: docs/station.md has the whole table. */
export function isWorthRetrying(status: number, code: string | undefined): boolean {
  return busyStatuses.includes(status) || (status === 500 && code === 'internal_error')
}

const answeredStatuses: readonly number[] = [200, 201, 202, 204]

export function outcomeOfReply({ status, retryAfterSeconds, body }: Reply): Outcome {
  if (answeredStatuses.includes(status)) return { kind: 'answered', body }
  const problem = readProblem(status, body)
  if (isWorthRetrying(status, problem?.code)) {
    const unknown = { code: `http_${status}`, detail: `What is in front of the service answers ${status}.` }
    return { kind: 'busy', status, violations: [], ...unknown, ...problem, retryAfterSeconds }
  }
  if (problem !== undefined) return { kind: 'refused', ...problem }
  const detail = `what answers there is not Mintline: it answers ${status} without a problem document. Check --url.`
  return { kind: 'unreachable', detail, isLasting: true }
}

function readProblem(status: number, body: Buffer): Problem | undefined {
  let value: Partial<Record<'code' | 'detail' | 'violations' | 'instance', unknown>> | null
  try {
    value = JSON.parse(body.toString()) as typeof value
  } catch {
    return undefined
  }
  const { code, detail, violations, instance } = value ?? {}
  if (typeof code !== 'string' || !/^[a-z_]{1,64}$/.test(code)) return undefined
  return {
    status,
    code,
    detail: typeof detail === 'string' ? detail : '',
    violations: Array.isArray(violations) ? (violations as Violation[]) : [],
    ...(typeof instance === 'string' && { instance })
  }
}

/** Of what Node says when there was no answer. */
export function outcomeOfError(error: unknown): Outcome {
  // A fault of this program, and none of the network.
  if (error instanceof TypeError || error instanceof RangeError) throw error
  const { code = '', message, name } = error as NodeJS.ErrnoException
  const isLasting = /CERT|^ERR_(?:TLS|SSL)|^EPROTO$|SELF_SIGNED|UNABLE_TO/.test(code)
  return { kind: 'unreachable', detail: describe(code, name === 'TimeoutError' ? name : message), isLasting }
}

function describe(code: string, message: string): string {
  if (/ALERT/.test(code))
    return `the server does not take this station's certificate (${code}): check --client-cert`
  if (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'EPROTO' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG'
  )
    return `it does not speak TLS there (${code}): check whether --url is to begin with http:// or https://`
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code))
    return `the server's certificate is not trusted (${code}): name its CA with --ca-file, and check the clock of this machine`
  if (message === 'TimeoutError' || code === 'ABORT_ERR') return 'there was no answer in time'
  return code === '' ? message : `there was no answer (${code})`
}
