import type { Registry } from '../registry/registry.ts'
import type { Members } from '../wire.ts'

/** One request to an operation, its credentials and its route already read. */
export interface Call {
  /** Of the account of the access key and the region of the signature. */
  readonly registry: Registry
  readonly path: Members
  readonly query: Members
  readonly headers: Members
  readonly body: Members
  /** The body as it came, for operations whose payload is no structure of members. */
  readonly payload: string
  readonly surroundings: Surroundings
}

/** What the control plane itself does not have. */
export interface Surroundings {
  /** Publishes to devices past all policies. Nobody hears it unless given. */
  readonly publish?: ((topic: string, payload: object) => void) | undefined
  /** The host name that devices connect to. */
  readonly endpointAddress: string
  /** Carries out a provisioning template with the parameters of the caller. Throws IotRefusal. */
  readonly registerThing: (
    registry: Registry,
    templateBody: string,
    parameters: ReadonlyMap<string, string>
  ) => { readonly certificatePem: string; readonly resourceArns: Readonly<Record<string, string>> }
}

export interface Operation {
  /** Method and path as the service model has them, such as `GET /things/{thingName}`. */
  readonly route: string
  /** @returns the members of the reply. Throws IotRefusal. */
  readonly run: (call: Call) => object
}

/** Timestamps travel as seconds since 1970, with a fraction. */
export function epochSeconds(timeMs: number): number {
  return timeMs / 1000
}
