import { asRefusal } from '../iot-refusal.ts'
import type { Registry } from '../registry/registry.ts'
import {
  describeDelta,
  describeDocuments,
  describeShadow,
  describeUpdate
} from '../registry/shadows/shadow-reply.ts'
import { parseClientToken, parseShadowUpdate } from '../registry/shadows/shadow-request.ts'
import type { ShadowKey } from '../registry/shadows/shadows.ts'
import { type ShadowOperation, shadowTopicOf } from './reserved-topic.ts'

/** What a device shadow tells its devices: each a topic, and what is published to it as JSON. */
export type Message = readonly [topic: string, payload: object]

interface ShadowAnswer {
  readonly messages: readonly Message[]
  /** Why it is refused. */
  readonly refusal?: { readonly errorCode: string; readonly reason: string }
}

interface ShadowRequest {
  readonly payload: string
  /** Since 1970. */
  readonly seconds: number
}

/** Answers what was published to a topic of a shadow, as the Device Shadow service does. */
export function answerShadow(
  registry: Registry,
  { operation, key }: { readonly operation: ShadowOperation; readonly key: ShadowKey },
  { payload, seconds }: ShadowRequest
): ShadowAnswer {
  const topic = shadowTopicOf(key, operation)
  try {
    return {
      messages: operations[operation](registry, key, payload).map(([below, body]) => [topic + below, body])
    }
  } catch (error) {
    const { status: code, message, errorName } = asRefusal(error)
    const body = { code, message, timestamp: seconds, ...tokenMember(findToken(payload)) }
    return { messages: [[`${topic}/rejected`, body]], refusal: { errorCode: errorName, reason: message } }
  }
}

type Operate = (registry: Registry, key: ShadowKey, payload: string) => readonly Message[]

const operations: Readonly<Record<ShadowOperation, Operate>> = {
  get(registry, key, payload) {
    const token = tokenMember(parseClientToken(payload))
    return [['/accepted', { ...describeShadow(registry.getShadow(key)), ...token }]]
  },
  update(registry, key, payload) {
    return updateShadow(registry, key, payload).messages
  },
  delete(registry, key, payload) {
    const token = tokenMember(parseClientToken(payload))
    const { version, timestamp } = registry.deleteShadow(key)
    return [['/accepted', { version, timestamp, ...token }]]
  }
}

/** @returns the answer, and what follows from it: each message's topic is below that of the update. */
export function updateShadow(registry: Registry, key: ShadowKey, payload: string) {
  const update = parseShadowUpdate(payload)
  const token = tokenMember(update.clientToken)
  const before = registry.findShadow(key)
  const after = registry.updateShadow(key, update)
  const answer = { ...describeUpdate(update, after), ...token }
  const delta = describeDelta(after)
  const messages: Message[] = [
    ['/accepted', answer],
    ...(delta === undefined ? [] : [['/delta', { ...delta, ...token }] as const]),
    ['/documents', { ...describeDocuments(before, after), ...token }]
  ]
  return { answer, messages }
}

function tokenMember(clientToken: string | undefined): { readonly clientToken?: string } {
  return clientToken === undefined ? {} : { clientToken }
}

/** Of a request that was refused, if it can be read. */
function findToken(payload: string): string | undefined {
  try {
    const { clientToken } = JSON.parse(payload) as { readonly clientToken?: unknown }
    return typeof clientToken === 'string' ? clientToken : undefined
  } catch {
    return undefined
  }
}
