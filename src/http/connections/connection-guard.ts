import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionLimits } from './limits.ts'

const sweepIntervalMs = 1_000

/** A connection as it was at the last look. */
interface Watched {
  /** Where answers are written: the connection itself, or TLS on it once the handshake is done. */
  answers: Socket | undefined
  readonly address: string
  /** Octets that had left this process. */
  sent: number
  /** Looks in a row that found an answer waiting and nothing of it taken. */
  stalled: number
}

/**
 * Keeps what clients hold of the server within its limits: counts connections as they come, and looks now and then
 * at the answers that nobody reads.
 */
export class ConnectionGuard {
  readonly #limits: ConnectionLimits
  readonly #refuse: (socket: Socket) => void
  readonly #watched = new Map<Socket, Watched>()
  readonly #countByAddress = new Map<string, number>()
  /** Connections in their handshake, by both ends. */
  readonly #inHandshake = new Map<string, Socket>()

  /** @param refuse answers a connection that is one too many, and ends it. */
  constructor(limits: ConnectionLimits, refuse: (socket: Socket) => void) {
    this.#limits = limits
    this.#refuse = refuse
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#admit(socket, socket))
    this.#sweepUntilClosed(server)
  }

  /** Counts a connection from its first octet, which comes before the handshake. */
  watchTls(server: Server): void {
    server.on('connection', (socket: Socket) => {
      if (!this.#admit(socket, undefined)) return
      const ends = endsOf(socket)
      this.#inHandshake.set(ends, socket)
      socket.once('close', () => this.#inHandshake.delete(ends))
    })
    server.on('secureConnection', (secured: Socket) => {
      const ends = endsOf(secured)
      const watched = this.#watched.get(this.#inHandshake.get(ends) ?? secured)
      this.#inHandshake.delete(ends)
      // It has gone meanwhile.
      if (watched === undefined) secured.destroy()
      else watched.answers = secured
    })
    this.#sweepUntilClosed(server)
  }

  #sweepUntilClosed(server: Server): void {
    const sweep = setInterval(() => {
      this.#sweep()
      // Node waits for every connection when a server closes, and ends those alone that HTTP knows of.
      if (!server.listening) for (const socket of this.#inHandshake.values()) socket.destroy()
    }, sweepIntervalMs).unref()
    server.once('close', () => clearInterval(sweep))
  }

  #admit(socket: Socket, answers: Socket | undefined): boolean {
    const address = socket.remoteAddress ?? ''
    const ofAddress = this.#countByAddress.get(address) ?? 0
    const { maximumConnections, maximumConnectionsPerAddress } = this.#limits
    if (this.#watched.size >= maximumConnections || ofAddress >= maximumConnectionsPerAddress) {
      this.#refuse(socket)
      return false
    }
    this.#watched.set(socket, { answers, address, sent: 0, stalled: 0 })
    this.#countByAddress.set(address, ofAddress + 1)
    socket.once('close', () => this.#forget(socket, address))
    return true
  }

  #forget(socket: Socket, address: string): void {
    this.#watched.delete(socket)
    const left = (this.#countByAddress.get(address) ?? 1) - 1
    if (left === 0) this.#countByAddress.delete(address)
    else this.#countByAddress.set(address, left)
  }

  /** Ends those that read nothing, the longest first, until what waits for the rest is within the limit. */
  #sweep(): void {
    let unread = 0
    const stalled: { readonly socket: Socket; readonly looks: number }[] = []
    for (const watched of this.#watched.values()) {
      const { answers: socket } = watched
      if (socket === undefined) continue
      const waiting = socket.writableLength
      const sent = socket.bytesWritten - waiting
      watched.stalled = waiting > 0 && sent === watched.sent ? watched.stalled + 1 : 0
      watched.sent = sent
      unread += waiting
      if (watched.stalled > 0) stalled.push({ socket, looks: watched.stalled })
    }
    if (unread <= this.#limits.maximumUnreadBytes) return
    stalled.sort((a, b) => b.looks - a.looks)
    for (const { socket } of stalled) {
      if (unread <= this.#limits.maximumUnreadBytes) return
      unread -= socket.writableLength
      socket.destroy()
    }
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}
