import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse
} from 'node:http'
import type { Socket } from 'node:net'
import { MintlineError } from '../../errors/mintline-error.ts'
import { answerOnSocket } from '../problems/problem-details.ts'
import { limitArrival } from './arrival.ts'
import { ConnectionGuard } from './connection-guard.ts'
import { type ConnectionLimits, defaultConnectionLimits } from './limits.ts'
import { createTlsServer, type ServerTls } from './tls-server.ts'
import { serveInTurn } from './turns.ts'

export interface ServerSettings {
  /** How long a whole request may take to arrive; one that is read with `readSteadily` may take longer. */
  readonly requestTimeoutMs: number
  /** How long its header section may take to arrive; and the TLS handshake before it. */
  readonly headersTimeoutMs: number
  /** How long an idle connection is kept for the next request. */
  readonly keepAliveTimeoutMs: number
  /** What is not given has its default. */
  readonly connectionLimits?: Partial<ConnectionLimits>
  /** Without it, plain HTTP. */
  readonly tls?: ServerTls | undefined
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** How often overdue connections are looked for: the precision of the header timeout. */
const timeoutCheckIntervalMs = 1_000

const retryAfterSeconds = 5

/** The HTTP/1.1 server below the routes, over TLS or not, with every wait and every store of a connection bounded. */
export function createBoundedServer(handler: Handler, settings: ServerSettings): Server {
  const { tls, headersTimeoutMs } = settings
  const limits = { ...defaultConnectionLimits, ...settings.connectionLimits }
  const options: ServerOptions = {
    headersTimeout: headersTimeoutMs,
    // It holds for all requests alike; limitArrival does it in its place.
    requestTimeout: 0,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    connectionsCheckingInterval: timeoutCheckIntervalMs,
    // The host plugin answers with a problem document; Node's own answer is empty.
    requireHostHeader: false
  }
  const limited = limitArrival(handler, settings.requestTimeoutMs)
  const listener = serveInTurn(limited, limits.maximumPipelined)
  const server =
    tls === undefined
      ? createServer(options, listener)
      : createTlsServer(listener, { ...options, handshakeTimeout: headersTimeoutMs }, tls)
  // Counts from the last octet that came or went, so that a long upload or answer may take its time.
  server.setTimeout(limits.progressTimeoutMs)
  // A handshake for one that is one too many would cost more than its request.
  const refuse = tls === undefined ? refuseConnection : (socket: Socket) => socket.destroy()
  const guard = new ConnectionGuard(limits, refuse)
  if (tls === undefined) guard.watch(server)
  else guard.watchTls(server)
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
