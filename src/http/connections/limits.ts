/** What one client, or all of them, may hold of the server. */
export interface ConnectionLimits {
  /** Connections at once. */
  readonly maximumConnections: number
  /** Connections at once from one address; a proxy's stations share one. */
  readonly maximumConnectionsPerAddress: number
  /** Requests that may wait on a connection behind one that is not answered yet (HTTP pipelining). */
  readonly maximumPipelined: number
  /** Octets of answers that wait in this process to be read, over all connections. */
  readonly maximumUnreadBytes: number
  /** How long a connection may make no progress in either direction while a request or an answer is on its way. */
  readonly progressTimeoutMs: number
}

export const defaultConnectionLimits: ConnectionLimits = {
  maximumConnections: 4_096,
  maximumConnectionsPerAddress: 1_024,
  maximumPipelined: 16,
  maximumUnreadBytes: 64 * 1024 * 1024,
  progressTimeoutMs: 60_000
}
