import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { MintlineError } from '../../errors/mintline-error.ts'
import { answerOnSocket } from '../problems/problem-details.ts'
import { ConnectionGuard } from './connection-guard.ts'
import { type ConnectionLimits, defaultConnectionLimits } from './limits.ts'
import { serveInTurn } from './turns.ts'

export interface ServerSettings {
  /** How long a whole request may take to arrive. */
  readonly requestTimeoutMs: number
  /** How long its header section may take to arrive. */
  readonly headersTimeoutMs: number
  /** How long an idle connection is kept for the next request. */
  readonly keepAliveTimeoutMs: number
  /** What is not given has its default. */
  readonly connectionLimits?: Partial<ConnectionLimits>
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** How often overdue connections are looked for: the precision of the request and header timeouts. */
const timeoutCheckIntervalMs = 1_000

const retryAfterSeconds = 5

/** The HTTP/1.1 server below the routes, with every wait and every store of a connection bounded. */
export function createBoundedServer(handler: Handler, settings: ServerSettings): Server {
  const limits = { ...defaultConnectionLimits, ...settings.connectionLimits }
  const server = createServer(
    {
      headersTimeout: settings.headersTimeoutMs,
      requestTimeout: settings.requestTimeoutMs,
      keepAliveTimeout: settings.keepAliveTimeoutMs,
      connectionsCheckingInterval: timeoutCheckIntervalMs,
      // The host plugin answers with a problem document; Node's own answer is empty.
      requireHostHeader: false
    },
    serveInTurn(handler, limits.maximumPipelined)
  )
  // Counts from the last octet that came or went, so that a long upload or answer may take its time.
  server.setTimeout(limits.progressTimeoutMs)
  new ConnectionGuard(limits, refuseConnection).watch(server)
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) =>
    answerOnSocket(
      response.socket,
      new MintlineError('request_invalid', 'The service knows no expectation but 100-continue.')
    )
  )
  server.on('connect', (_request: IncomingMessage, socket: Socket) =>
    answerOnSocket(socket, new MintlineError('request_invalid', 'The service is no proxy.'))
  )
  return server
}

function refuseConnection(socket: Socket): void {
  answerOnSocket(
    socket,
    new MintlineError('overloaded', 'Too many connections are open. Send the same request again shortly.', {
      retryAfterSeconds
    })
  )
}
