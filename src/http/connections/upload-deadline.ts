import type { IncomingMessage, ServerResponse } from 'node:http'
import { MintlineError } from '../../errors/mintline-error.ts'
import { answerOnSocket } from '../problems/problem-details.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** What ends a request that has not arrived in time. */
const deadlines = new WeakMap<IncomingMessage, { readonly arm: () => void; readonly lift: () => void }>()

/** Gives each request so long to arrive; one that has not is answered `408`, and its connection ends. */
export function holdUploads(handler: Handler, timeoutMs: number): Handler {
  return (request, response) => {
    // One without a body is complete when it is read.
    if (!request.complete) watch(request, response, timeoutMs)
    handler(request, response)
  }
}

function watch(request: IncomingMessage, response: ServerResponse, timeoutMs: number): void {
  let timer: NodeJS.Timeout | undefined
  const lift = () => clearTimeout(timer)
  const arm = () => {
    lift()
    timer = setTimeout(() => endLate(request, response), timeoutMs)
  }
  // Not with the answer: what comes behind an early one is still read, and thrown away.
  request.once('end', lift).once('close', lift)
  deadlines.set(request, { arm, lift })
  arm()
}

/** Of an answer that has begun, the rest would be taken for its part. */
function endLate({ socket }: IncomingMessage, { headersSent }: ServerResponse): void {
  if (headersSent) socket.destroy()
  else
    answerOnSocket(
      socket,
      new MintlineError('request_timeout', 'The request did not arrive in time. Send it again.')
    )
}

/**
 * Lets a request take as long as it wants to arrive, for a route that reads it as it comes. What ends it is a connection
 * without progress (`progressTimeoutMs`).
 */
export function liftUploadDeadline(request: IncomingMessage): void {
  deadlines.get(request)?.lift()
}

/** Holds it to its time again, from now on: what is left of it is not read any more. */
export function restoreUploadDeadline(request: IncomingMessage): void {
  if (!request.complete) deadlines.get(request)?.arm()
}
