import type { ProvisioningLogEntry } from '../records.ts'
import type { Registry } from '../registry/registry.ts'
import { type FleetRequest, parseReservedTopic, type ShadowOperation } from './reserved-topic.ts'
import { answerShadow, type Message } from './shadow-service.ts'

export interface ReservedPublication {
  readonly topic: string
  readonly payload: string
  /** Whose it is, for the log. */
  readonly subject: Pick<ProvisioningLogEntry, 'certificateId' | 'clientId'>
  /** Milliseconds since 1970. */
  readonly now: number
}

const shadowEvents = {
  get: 'GetThingShadow',
  update: 'UpdateThingShadow',
  delete: 'DeleteThingShadow'
} as const satisfies Readonly<Record<ShadowOperation, ProvisioningLogEntry['eventType']>>

const noFleetProvisioning =
  'The stand-in has no fleet provisioning. A device of a CA that is registered for just-in-time provisioning has its certificate already: it connects with it, and asks for none.'

/** What is answered to a device that has published to a topic of AWS IoT's own, and was allowed to. */
export function answerReserved(registry: Registry, publication: ReservedPublication): readonly Message[] {
  const { topic, payload, subject, now } = publication
  const reserved = parseReservedTopic(topic)
  if (reserved?.kind === 'shadow') {
    const { messages, refusal } = answerShadow(registry, reserved, {
      payload,
      seconds: Math.floor(now / 1000)
    })
    const outcome = refusal === undefined ? 'Success' : 'Failure'
    registry.log({ eventType: shadowEvents[reserved.operation], outcome, ...refusal, ...subject, topic })
    return messages
  }
  if (reserved?.kind !== 'fleet') return []
  return [refuseFleet(registry, reserved.request, publication)].filter(() => reserved.format === 'json')
}

function refuseFleet(registry: Registry, eventType: FleetRequest, publication: ReservedPublication): Message {
  const { topic, subject } = publication
  const errorCode = 'InvalidRequestException'
  registry.log({ eventType, outcome: 'Failure', errorCode, reason: noFleetProvisioning, ...subject, topic })
  return [`${topic}/rejected`, { statusCode: 400, errorCode, errorMessage: noFleetProvisioning }]
}
