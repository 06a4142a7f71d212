import { IotRefusal } from '../../iot-refusal.ts'
import { isDeeperThan, isObject, sections, type ShadowState } from './shadow-document.ts'

export interface ShadowUpdate {
  /** Null removes a section. */
  readonly state: Readonly<Partial<Record<(typeof sections)[number], ShadowState | null>>>
  readonly version: number | undefined
  readonly clientToken: string | undefined
}

/** In octets (General Reference, "AWS IoT Device Shadow limits"), as are the token's. */
const documentMaximum = 8 * 1024
const clientTokenMaximum = 64
const levelsMaximum = 8

/** An update as MQTT and HTTP carry it. Throws `InvalidRequestException`, `RequestEntityTooLargeException`. */
export function parseShadowUpdate(payload: string): ShadowUpdate {
  const document = parseDocument(payload)
  const { state, version } = document
  if (state === undefined) throw refuse('Missing required node: state')
  if (!isObject(state)) throw refuse('State node must be an object')
  if (version !== undefined && !(typeof version === 'number' && Number.isInteger(version)))
    throw refuse('Invalid version')
  const parts = sections.flatMap(section => {
    const part = state[section]
    if (part === undefined) return []
    if (part !== null && !isObject(part)) throw refuse(`${section} node must be an object`)
    if (isDeeperThan(levelsMaximum, part))
      throw refuse(`JSON contains too many levels of nesting; maximum is ${levelsMaximum}`)
    return [[section, part] as const]
  })
  return { state: Object.fromEntries(parts), version, clientToken: clientTokenOf(document) }
}

/** Of a request that may be empty, or have a token alone. Throws `InvalidRequestException`. */
export function parseClientToken(payload: string): string | undefined {
  return payload === '' ? undefined : clientTokenOf(parseDocument(payload))
}

/** Throws `RequestEntityTooLargeException`. */
export function assertSize(document: string): void {
  if (Buffer.byteLength(document) > documentMaximum)
    throw new IotRefusal('RequestEntityTooLargeException', 'The payload exceeds the maximum size allowed')
}

function parseDocument(payload: string): ShadowState {
  assertSize(payload)
  try {
    const document: unknown = JSON.parse(payload)
    if (isObject(document)) return document
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw refuse('Payload contains invalid json')
}

function clientTokenOf({ clientToken }: ShadowState): string | undefined {
  if (clientToken === undefined) return undefined
  if (typeof clientToken === 'string' && Buffer.byteLength(clientToken) <= clientTokenMaximum)
    return clientToken
  throw refuse('Invalid clientToken')
}

function refuse(message: string): IotRefusal {
  return new IotRefusal('InvalidRequestException', message)
}
