import { connect, type Socket } from 'node:net'
import { type LoadResult, readResponse, requestHead, type Target } from './load.ts'

export interface Pace {
  readonly connections: number
  readonly perSecond: number
  readonly seconds: number
  /** Read as a request is sent, and as it is answered. */
  readonly meter?: () => number
}

export interface PacedResult extends LoadResult {
  /** What the meter went on by during each request, sorted. */
  readonly metered: Float64Array
}

/**
 * Sends requests at a fixed rate, over keep-alive connections with one under way on each, made anew where the server
 * ends one. What is due while all are busy is sent when one is free; its latency counts from when it was due.
 * Requests that were cut off count as status 0.
 *
 * @param bodies are sent in turn, and again from the first.
 */
export async function drivePaced(
  target: Target,
  bodies: readonly Uint8Array[],
  { connections, perSecond, seconds, meter = () => 0 }: Pace
): Promise<PacedResult> {
  const statuses = new Map<number, number>()
  const latenciesMs: number[] = []
  const metered: number[] = []
  const start = performance.now()
  const idle: Connection[] = []
  const due: number[] = []
  let sent = 0
  let scheduled = 0

  function serve(): void {
    while (idle.length > 0 && due.length > 0) {
      const dueAt = due.shift()!
      idle.pop()!.send(bodies[sent++ % bodies.length]!, dueAt)
    }
  }
  const finished = (connection: Connection, { status, latencyMs, spent }: Finish) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (status !== 0) latenciesMs.push(latencyMs)
    if (status !== 0) metered.push(spent)
    idle.push(connection)
    serve()
  }
  const all = Array.from({ length: connections }, () => new Connection(target, meter, finished))
  idle.push(...all)
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const clock = setInterval(() => {
    const elapsed = performance.now() - start
    if (elapsed >= seconds * 1_000) return resolve()
    for (; scheduled < (elapsed / 1_000) * perSecond; scheduled++) {
      // A flood that is not answered as fast as it comes is not to grow here.
      if (due.length < connections) due.push(start + (scheduled * 1_000) / perSecond)
    }
    serve()
  }, 1)
  await ended
  clearInterval(clock)
  for (const connection of all) connection.end()
  return {
    connections,
    requests: latenciesMs.length,
    seconds: (performance.now() - start) / 1_000,
    statuses,
    latenciesMs: Float64Array.from(latenciesMs).sort(),
    metered: Float64Array.from(metered).sort()
  }
}

interface Finish {
  readonly status: number
  readonly latencyMs: number
  readonly spent: number
}

type Finished = (connection: Connection, finish: Finish) => void

class Connection {
  readonly #target: Target
  readonly #meter: () => number
  readonly #finished: Finished
  #socket: Socket | undefined
  #received: Buffer<ArrayBuffer> = Buffer.alloc(0)
  #dueAt: number | undefined
  #meteredAtStart = 0

  constructor(target: Target, meter: () => number, finished: Finished) {
    this.#target = target
    this.#meter = meter
    this.#finished = finished
  }

  send(body: Uint8Array, dueAt: number): void {
    this.#dueAt = dueAt
    this.#meteredAtStart = this.#meter()
    const socket = (this.#socket ??= this.#open())
    socket.cork()
    socket.write(requestHead(this.#target, body.length))
    socket.write(body)
    socket.uncork()
  }

  end(): void {
    this.#dueAt = undefined
    this.#socket?.destroy()
  }

  #open(): Socket {
    const { host, port } = this.#target
    const socket = connect({ host, port, noDelay: true })
    this.#received = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer<ArrayBuffer>) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
      const response = readResponse(this.#received)
      if (response === undefined) return
      const isLast = /\r\nconnection: close\r\n/i.test(this.#received.toString('latin1', 0, response.length))
      this.#received = this.#received.subarray(response.length)
      if (isLast) this.#leave(socket)
      this.#finish(response.status)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      // Another may have taken its place.
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#finish(0)
    })
    return socket
  }

  #leave(socket: Socket): void {
    this.#socket = undefined
    socket.destroy()
  }

  #finish(status: number): void {
    const dueAt = this.#dueAt
    if (dueAt === undefined) return
    this.#dueAt = undefined
    this.#finished(this, {
      status,
      latencyMs: performance.now() - dueAt,
      spent: this.#meter() - this.#meteredAtStart
    })
  }
}
