import type { ShadowKey } from '../registry/shadows/shadows.ts'

export type ShadowOperation = 'get' | 'update' | 'delete'

export type FleetRequest = 'CreateKeysAndCertificate' | 'CreateCertificateFromCsr' | 'RegisterThing'

/** What a topic below `$aws/` is to a device that publishes to it. */
export type ReservedTopic =
  | { readonly kind: 'shadow'; readonly operation: ShadowOperation; readonly key: ShadowKey }
  /** A request of fleet provisioning, which is answered on `<topic>/accepted` and `<topic>/rejected`. */
  | { readonly kind: 'fleet'; readonly request: FleetRequest; readonly format: 'json' | 'cbor' }
  /** AWS IoT alone publishes to it. */
  | { readonly kind: 'reply' }
  | { readonly kind: 'basic-ingest' }
  /** Of a service that the stand-in does not have. */
  | { readonly kind: 'unanswered' }

const shadowForm = /^\$aws\/things\/([^/]+)\/shadow(?:\/name\/([^/]+))?\/(get|update|delete)(\/.+)?$/
const fleetForm =
  /^\$aws\/(certificates\/create|certificates\/create-from-csr|provisioning-templates\/[^/]+\/provision)\/(json|cbor)(\/.+)?$/
const fleetRequests: ReadonlyMap<string, FleetRequest> = new Map([
  ['certificates/create', 'CreateKeysAndCertificate'],
  ['certificates/create-from-csr', 'CreateCertificateFromCsr']
])

/** Undefined for a topic that is not below `$aws/` (Developer Guide, "Reserved topics"). */
export function parseReservedTopic(topic: string): ReservedTopic | undefined {
  if (!topic.startsWith('$aws/')) return undefined
  if (topic.startsWith('$aws/events/')) return { kind: 'reply' }
  if (topic.startsWith('$aws/rules/')) return { kind: 'basic-ingest' }
  const [, thingName, shadowName = null, operation, shadowReply] = shadowForm.exec(topic) ?? []
  if (thingName !== undefined)
    return shadowReply === undefined
      ? { kind: 'shadow', operation: operation as ShadowOperation, key: { thingName, shadowName } }
      : { kind: 'reply' }
  const [, path, format, fleetReply] = fleetForm.exec(topic) ?? []
  if (path === undefined) return { kind: 'unanswered' }
  if (fleetReply !== undefined) return { kind: 'reply' }
  return {
    kind: 'fleet',
    request: fleetRequests.get(path) ?? 'RegisterThing',
    format: format === 'json' ? 'json' : 'cbor'
  }
}

export function shadowTopicOf({ thingName, shadowName }: ShadowKey, operation: ShadowOperation): string {
  const name = shadowName === null ? '' : `/name/${shadowName}`
  return `$aws/things/${thingName}/shadow${name}/${operation}`
}
