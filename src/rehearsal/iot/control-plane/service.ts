import type { IncomingHttpHeaders } from 'node:http'
import type { Registry } from '../registry/registry.ts'
import type { CredentialScope } from './signature.ts'

export interface WireRequest {
  readonly method: string
  /** The path and the query as they came, still percent-encoded. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One request, understood but not yet carried out. */
interface PendingCall<Name extends string = string> {
  readonly name: Name
  /** Throws what the service's `refuse` makes a reply of. */
  readonly run: (registry: Registry, scope: CredentialScope) => Reply
}

/** A service of AWS on the port, with its own wire protocol. */
export interface Service<Name extends string = string> {
  readonly operationNames: readonly Name[]
  /** Throws what `refuse` makes a reply of. */
  parse(request: WireRequest): PendingCall<Name>
  refuse(error: unknown): Reply
}
