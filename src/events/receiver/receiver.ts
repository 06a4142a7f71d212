import { isMintlineError } from '../../errors/mintline-error.ts'
import { createPost, type PostDependencies, type Posted } from './posting.ts'
import { signMessage } from './signature.ts'
import { describeTlsFailure } from './tls-failures.ts'

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

export interface ReceiverDependencies extends PostDependencies {
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

/** Posts as `createPost` does. */
export function createReceiver(dependencies: ReceiverDependencies): Receiver {
  const { key, timeoutMs, version, readTime } = dependencies
  const post = createPost(dependencies)
  return {
    async send(id, events, stopping) {
      const body = JSON.stringify(events)
      // Not the receiver's fault if that fails.
      const time = await readTime()
      const headers = {
        'content-type': 'application/cloudevents-batch+json; charset=utf-8',
        'user-agent': `mintline/${version}`,
        ...signMessage(key, { id, time, body })
      }
      const patience = createPatience(timeoutMs, stopping)
      try {
        return judge(await post({ headers, body }, patience.signal), timeoutMs)
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

function judge(posted: Posted, timeoutMs: number): Outcome {
  if ('status' in posted) {
    return { verdict: judgeStatus(posted.status), detail: `The webhook answered ${posted.status}.` }
  }
  return {
    verdict: posted.hasLeft ? 'unavailable' : 'unreachable',
    detail: describeFailure(posted, timeoutMs)
  }
}

function judgeStatus(status: number): Outcome['verdict'] {
  if (status >= 200 && status < 300) return 'accepted'
  if (contentStatuses.has(status)) return 'refused'
  return status >= 500 && !awayStatuses.has(status) ? 'failed' : 'unavailable'
}

type Failed = Exclude<Posted, { readonly status: number }>

function describeFailure({ error, hasLeft }: Failed, timeoutMs: number): string {
  if (isMintlineError(error)) return error.detail
  if (error.name === 'AbortError') {
    const what = hasLeft ? 'did not answer' : 'could not be connected to'
    return `The webhook ${what} within ${timeoutMs / 1000} seconds.`
  }
  const code = error.code === undefined ? '' : ` (${error.code})`
  return (
    describeTlsFailure(error) ??
    `The webhook ${hasLeft ? 'dropped the connection' : 'cannot be reached'}${code}.`
  )
}
