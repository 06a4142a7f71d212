import type { IncomingMessage, ServerResponse } from 'node:http'
import { MintlineError } from '../../errors/mintline-error.ts'
import { answerOnSocket } from '../problems/problem-details.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** More is not read to its end only to be thrown away. */
const maximumThrownAwayBytes = 65_536
/** How long a client whose body is left unread gets to read why. */
const lingerMs = 300

/** What ends a request that has not arrived in time. */
const deadlines = new WeakMap<IncomingMessage, { readonly arm: () => void; readonly lift: () => void }>()

/**
 * Ends a request whose body has not arrived in time, with `request_timeout` where it has no answer yet. Node's own
 * `requestTimeout` does the same, and knows no exception.
 */
export function limitArrival(handler: Handler, limitMs: number): Handler {
  return (request, response) => {
    if (announcedBytes(request) > 0) {
      watch(request, response, limitMs)
    }
    handler(request, response)
  }
}

function watch(request: IncomingMessage, response: ServerResponse, limitMs: number): void {
  let timer: NodeJS.Timeout | undefined
  const lift = () => clearTimeout(timer)
  const arm = () => {
    lift()
    timer = setTimeout(() => endLate(request, response), limitMs)
  }
  // Not with the answer: what comes behind an early one is still read, and thrown away.
  request.once('end', lift).once('close', lift)
  deadlines.set(request, { arm, lift })
  arm()
}

/** What a steady reader has left unread is held to the limit of the whole again, from now on. */
export function limitRest(request: IncomingMessage): void {
  if (!request.complete) deadlines.get(request)?.arm()
}

function endLate(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return
  if (response.headersSent) request.socket.destroy()
  else answerOnSocket(request.socket, tooLate('The request did not arrive in time. Send it again.'))
}

/**
 * The body of a request that may take as long as it will, as long as it comes: from here on no limit holds for the whole.
 * The time that the reader takes for itself does not count.
 *
 * @param idleMs how long it may be until the next KiB, or the end.
 * @throws MintlineError `request_timeout`.
 */
export async function* readSteadily(body: IncomingMessage, idleMs: number): AsyncGenerator<Buffer> {
  deadlines.get(body)?.lift()
  // An error that the reader makes of the body is to be answered.
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  let leftMs = idleMs
  let received = 0
  for (;;) {
    const start = performance.now()
    const next = await within(leftMs, chunks.next(), idleMs)
    if (next.done === true) return
    leftMs -= performance.now() - start
    received += next.value.length
    if (received >= steadyBytes) {
      leftMs = idleMs
      received = 0
    }
    yield next.value
  }
}

/** An octet now and then is no progress. */
const steadyBytes = 1_024

async function within<Value>(leftMs: number, value: Promise<Value>, idleMs: number): Promise<Value> {
  const { promise: lateness, reject } = Promise.withResolvers<never>()
  const detail = `Less than a KiB of the body came in ${idleMs / 1_000} s. Send it again, over a better line.`
  const timer = setTimeout(() => reject(tooLate(detail)), Math.max(0, leftMs))
  // Whoever comes too late is told by the other.
  value.catch(() => undefined)
  return Promise.race([value, lateness]).finally(() => clearTimeout(timer))
}

/** Whether so much of its body is still to come that the connection is better ended than read on. */
export function hasMuchUnread(request: IncomingMessage): boolean {
  return !request.complete && announcedBytes(request) > maximumThrownAwayBytes
}

/**
 * Has the connection end once the request is answered, without reading the rest of the body. The client may read the
 * answer before: a connection that is closed with octets unread is reset, which takes the answer away.
 *
 * The answer must say `Connection: close`.
 */
export function leaveUnread(request: IncomingMessage): void {
  // Node reads to its end, and throws away, what nobody has begun to read.
  request.read(0)
  request.pause()
  const { socket } = request
  // What Node calls when the last answer has gone.
  socket.destroySoon = () => {
    socket.end()
    setTimeout(() => socket.destroy(), lingerMs).unref()
  }
}

/** Octets; without an end in sight, infinitely many. */
function announcedBytes({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return Infinity
  return Number(headers['content-length'] ?? 0)
}

function tooLate(detail: string): MintlineError {
  return new MintlineError('request_timeout', detail)
}
