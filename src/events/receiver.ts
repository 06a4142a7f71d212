import { signMessage } from './signature.ts'

/**
 * What the receiver made of a message.
 *
 * - `accepted`: answered 2xx.
 * - `refused`: it is well, and objects to what is in this message.
 * - `failed`: it broke down over it, which may be the message's doing or its own.
 * - `unavailable`: no answer, or one that most likely would be the same for any message.
 * - `unreachable`: the message did not get to it, whatever is in it.
 */
export interface Outcome {
  readonly verdict: 'accepted' | 'refused' | 'failed' | 'unavailable' | 'unreachable'
  /** For the operator, without anything that the receiver wrote. */
  readonly detail: string
}

export interface Receiver {
  /**
   * Rejects with what reading the time does, and with nothing else.
   *
   * @param events CloudEvents.
   * @param id stays the same when the same events are sent again.
   * @param stopping ends the wait for an answer soon after: the message may have arrived.
   */
  send(id: string, events: readonly object[], stopping: AbortSignal): Promise<Outcome>
}

export interface ReceiverDependencies {
  readonly url: string
  readonly key: Uint8Array
  readonly timeoutMs: number
  /** Mintline's version, for the User-Agent. */
  readonly version: string
  /** What a message is dated with: the database's time, since receivers refuse what is dated long ago or in the future. */
  readonly readTime: () => Promise<Date>
}

export const answerTimeoutMs = 10_000

/** Bad Request, Not Acceptable, Conflict, Length Required, Content Too Large, and so on: about the content alone. */
const contentStatuses: ReadonlySet<number> = new Set([400, 406, 409, 411, 412, 413, 415, 422, 431])
/** Bad Gateway, Service Unavailable, Gateway Timeout. */
const awayStatuses: ReadonlySet<number> = new Set([502, 503, 504])

/** Posts to one address and to no other: a redirection is not followed, and no answer's body is read. */
export function createReceiver({ url, key, timeoutMs, version, readTime }: ReceiverDependencies): Receiver {
  return {
    async send(id, events, stopping) {
      const body = JSON.stringify(events)
      // Not the receiver's fault if that fails.
      const time = await readTime()
      const patience = createPatience(timeoutMs, stopping)
      try {
        const response = await fetch(url, {
          method: 'POST',
          redirect: 'manual',
          body,
          headers: {
            'content-type': 'application/cloudevents-batch+json; charset=utf-8',
            'user-agent': `mintline/${version}`,
            ...signMessage(key, { id, time, body })
          },
          signal: patience.signal
        })
        await response.body?.cancel().catch(() => undefined)
        const { status } = response
        return { verdict: judge(status), detail: `The webhook answered ${status}.` }
      } catch (error) {
        return {
          verdict: hasLeft(error) ? 'unavailable' : 'unreachable',
          detail: describeFailure(error, timeoutMs)
        }
      } finally {
        patience.end()
      }
    }
  }
}

/** For an answer on its way when the service stops. */
const graceMs = 2_000

function createPatience(timeoutMs: number, stopping: AbortSignal) {
  const cutOff = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const beginGrace = () => {
    timer = setTimeout(() => cutOff.abort(), graceMs)
  }
  stopping.addEventListener('abort', beginGrace, { once: true })
  return {
    signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), cutOff.signal]),
    end() {
      stopping.removeEventListener('abort', beginGrace)
      clearTimeout(timer)
    }
  }
}

function judge(status: number): Outcome['verdict'] {
  if (status >= 200 && status < 300) return 'accepted'
  if (contentStatuses.has(status)) return 'refused'
  return status >= 500 && !awayStatuses.has(status) ? 'failed' : 'unavailable'
}

/** What goes wrong after the connection is made. */
const droppedCodes: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT'
])

/** Whether the message was, or may have been, on its way. */
function hasLeft(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return true
  const code = codeOf(error)
  return code !== undefined && (droppedCodes.has(code) || code.startsWith('HPE_'))
}

function codeOf({ cause }: Error): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}

function describeFailure(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `The webhook did not answer within ${timeoutMs / 1000} seconds.`
  }
  const code = error instanceof Error ? codeOf(error) : undefined
  return `The webhook cannot be reached${code === undefined ? '' : ` (${code})`}.`
}
