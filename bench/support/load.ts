import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface LoadResult {
  readonly connections: number
  readonly requests: number
  readonly seconds: number
  readonly statuses: ReadonlyMap<number, number>
  /** Milliseconds, sorted. */
  readonly latenciesMs: Float64Array
}

export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** POST unless given. */
  readonly method?: string
  /** PEM of the CA of a server that speaks TLS. Without it, plain HTTP. */
  readonly ca?: string
}

/**
 * Sends each body once, over keep-alive connections with one request under way on each, until the bodies or the
 * seconds run out. A bare HTTP/1.1 client on sockets: on two cores a general client would be half the load.
 */
export async function drive(
  target: Target,
  bodies: readonly Uint8Array[],
  { connections, seconds }: { readonly connections: number; readonly seconds: number }
): Promise<LoadResult> {
  const statuses = new Map<number, number>()
  const latenciesMs: number[] = []
  let next = 0
  const start = performance.now()
  const end = start + seconds * 1000
  const takeBody = () => (performance.now() < end ? bodies[next++] : undefined)
  const finished = (status: number, latencyMs: number) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    latenciesMs.push(latencyMs)
  }
  await Promise.all(Array.from({ length: connections }, () => driveConnection(target, takeBody, finished)))
  const elapsed = (performance.now() - start) / 1000
  return {
    connections,
    requests: latenciesMs.length,
    seconds: elapsed,
    statuses,
    latenciesMs: Float64Array.from(latenciesMs).sort()
  }
}

/** The smallest latency that is not exceeded by the given share of the requests. */
export function percentile({ latenciesMs }: LoadResult, share: number): number {
  return latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? NaN
}

function driveConnection(
  target: Target,
  takeBody: () => Uint8Array | undefined,
  finished: (status: number, latencyMs: number) => void
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const { host, port, ca } = target
  const socket: Socket =
    ca === undefined ? connect({ host, port, noDelay: true }) : connectTls({ host, port, ca })
  socket.setNoDelay(true)
  let sentAt = 0
  let received = Buffer.alloc(0)
  const sendNext = () => {
    const body = takeBody()
    if (body === undefined) {
      socket.end()
      resolve()
      return
    }
    sentAt = performance.now()
    socket.write(Buffer.concat([requestHead(target, body.length), body]))
  }
  socket.on(ca === undefined ? 'connect' : 'secureConnect', sendNext)
  socket.on('error', reject)
  socket.on('close', () => resolve())
  socket.on('data', (chunk: Buffer<ArrayBuffer>) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const response = readResponse(received)
    if (response === undefined) return
    received = received.subarray(response.length)
    finished(response.status, performance.now() - sentAt)
    sendNext()
  })
  return promise
}

export function requestHead({ host, port, path, headers, method = 'POST' }: Target, length: number): Buffer {
  const lines = Object.entries({ host: `${host}:${port}`, ...headers, 'content-length': String(length) })
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\n${lines.map(line => line.join(': ')).join('\r\n')}\r\n\r\n`
  )
}

/** Enough of HTTP/1.1 for the two servers measured here: a status line, Content-Length or chunks. */
export function readResponse(bytes: Buffer): { status: number; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) {
    const end = bytes.indexOf('\r\n0\r\n\r\n', headEnd)
    return end < 0 ? undefined : { status, length: end + 7 }
  }
  const total = headEnd + 4 + Number(length)
  return bytes.length < total ? undefined : { status, length: total }
}
