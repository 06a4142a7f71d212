import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

interface Turn {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** A connection with a request in hand, and those that came behind it. */
interface Line {
  readonly waiting: Turn[]
}

/**
 * Serves the requests of a connection one after the other. Node hands over every request that lies in what it has
 * read, and keeps each answer until those before it are read: a client that pipelines and never reads would make it
 * keep all of them. Here the next request is begun when the answer before it has left this process.
 *
 * @param maximumWaiting a connection with more behind the one in hand is closed. What was begun is finished, and a
 * retry gets its answer.
 */
export function serveInTurn(handler: Handler, maximumWaiting: number): Handler {
  const lines = new WeakMap<Socket, Line>()

  function begin(socket: Socket, { request, response }: Turn): void {
    response.once('close', () => next(socket))
    handler(request, response)
  }

  function next(socket: Socket): void {
    const turn = lines.get(socket)?.waiting.shift()
    if (turn === undefined) lines.delete(socket)
    else if (!socket.destroyed) begin(socket, turn)
  }

  return (request, response) => {
    const { socket } = request
    const line = lines.get(socket)
    if (line === undefined) {
      lines.set(socket, { waiting: [] })
      begin(socket, { request, response })
    } else if (line.waiting.length < maximumWaiting) {
      line.waiting.push({ request, response })
    } else {
      socket.destroy()
    }
  }
}
