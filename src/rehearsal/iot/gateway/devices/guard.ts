import type { ProvisioningLogEntry } from '../../records.ts'
import type { Registry } from '../../registry/registry.ts'
import { parseReservedTopic } from '../../reserved-topics/reserved-topic.ts'
import type { StandInSettings } from '../../stand-in-settings.ts'
import { type Access, decide, type DeviceSession } from './session.ts'

export interface DeviceGuardOptions {
  readonly registry: Registry
  readonly settings: StandInSettings
  readonly clock: () => number
}

/** What of a message is judged. */
interface Publication {
  readonly topic: string
  readonly payload: string | Buffer
  readonly qos: number
  readonly retain: boolean
}

interface Mistake {
  readonly errorCode: 'UnauthorizedException' | 'LimitExceededException' | 'InvalidRequestException'
  readonly reason: string
}

interface Judgement {
  readonly mistake: Mistake | undefined
  readonly warning?: string | undefined
  readonly topic?: string
}

/** Octets; the model's limit for a client id. */
const clientIdMaximum = 128
/** Octets. Topics below `$aws/` are not measured: those of Basic Ingest have a prefix that does not count. */
const topicMaximum = 256
/** Levels are told by slashes. Those of Basic Ingest's own prefix, `$aws/rules/<name>/`, do not count. */
const slashesMaximum = 7
const tooManyLevels = `the topic has more than ${slashesMaximum} slashes`
const filtersMaximum = 8
/** Octets. */
const payloadMaximum = 128 * 1024
const connectIntervalMs = 1000

/**
 * Judges what devices do by the limits of AWS IoT and by their policies, and enters each judgement but those of
 * deliveries into the log of the registry. A judgement says what is wrong, or undefined.
 */
export class DeviceGuard {
  readonly #registry: Registry
  readonly #settings: StandInSettings
  readonly #pace: ConnectPace

  constructor({ registry, settings, clock }: DeviceGuardOptions) {
    this.#registry = registry
    this.#settings = settings
    this.#pace = new ConnectPace(clock)
  }

  judgeConnect(session: DeviceSession): string | undefined {
    const haste = this.#pace.findHaste(session.clientId)
    const isClosing = this.#settings.frequentConnect === 'close'
    const hasty = isClosing && haste !== undefined ? overLimit(haste) : undefined
    const mistake = this.#findConnectMistake(session) ?? hasty
    return this.#log(session, 'Connect', { mistake, warning: haste })
  }

  judgePublish(session: DeviceSession, publication: Publication): string | undefined {
    const mistake = this.#findPublishMistake(session, publication)
    const isUnanswered = parseReservedTopic(publication.topic)?.kind === 'unanswered'
    const warning = isUnanswered ? 'nothing answers: the stand-in lacks the service of this topic' : undefined
    return this.#log(session, 'Publish', { mistake, warning, topic: publication.topic })
  }

  judgeSubscribe(session: DeviceSession, topicFilter: string): string | undefined {
    const mistake = this.#findSubscribeMistake(session, topicFilter)
    return this.#log(session, 'Subscribe', { mistake, topic: topicFilter })
  }

  /** Of one SUBSCRIBE packet. Where it is wrong the connection ends, and no filter is looked at. */
  judgeFilterCount(session: DeviceSession, count: number): string | undefined {
    if (count <= filtersMaximum) return undefined
    const mistake = overLimit(
      `one SUBSCRIBE has ${count} topic filters; AWS IoT takes ${filtersMaximum}, and closes the connection`
    )
    return this.#log(session, 'Subscribe', { mistake })
  }

  mayReceive(session: DeviceSession, topic: string): boolean {
    return decide(this.#registry, session, { action: 'iot:Receive', kind: 'topic', name: topic }).isAllowed
  }

  #findConnectMistake(session: DeviceSession): Mistake | undefined {
    const { clientId } = session
    if (Buffer.byteLength(clientId) > clientIdMaximum)
      return overLimit(`the client id is longer than ${clientIdMaximum} octets`)
    return this.#findDenial(session, { action: 'iot:Connect', kind: 'client', name: clientId })
  }

  #findPublishMistake(
    session: DeviceSession,
    { topic, payload, qos, retain }: Publication
  ): Mistake | undefined {
    if (qos === 2) return invalid('AWS IoT has no QoS 2')
    if (!topic.startsWith('$aws/') && Buffer.byteLength(topic) > topicMaximum)
      return overLimit(`the topic is longer than ${topicMaximum} octets`)
    if (Buffer.byteLength(payload) > payloadMaximum)
      return overLimit(`the message is longer than ${payloadMaximum} octets`)
    if (hasTooManyLevels(topic)) return overLimit(tooManyLevels)
    if (topic.startsWith('$') && !topic.startsWith('$aws/')) return invalid('the topic is reserved')
    if (parseReservedTopic(topic)?.kind === 'reply') return invalid('AWS IoT alone publishes to this topic')
    const resource = { kind: 'topic', name: topic } as const
    return (
      this.#findDenial(session, { action: 'iot:Publish', ...resource }) ??
      (retain ? this.#findDenial(session, { action: 'iot:RetainPublish', ...resource }) : undefined)
    )
  }

  #findSubscribeMistake(session: DeviceSession, topicFilter: string): Mistake | undefined {
    // The broker would take them for topics like others.
    if (topicFilter.startsWith('$SYS/') || topicFilter.startsWith('$share/'))
      return invalid('the stand-in has no such topics')
    if (hasTooManyLevels(topicFilter)) return overLimit(tooManyLevels)
    return this.#findDenial(session, { action: 'iot:Subscribe', kind: 'topicfilter', name: topicFilter })
  }

  #findDenial(session: DeviceSession, access: Access): Mistake | undefined {
    const { isAllowed, reason } = decide(this.#registry, session, access)
    return isAllowed ? undefined : { errorCode: 'UnauthorizedException', reason }
  }

  /** @returns the mistake. */
  #log(
    { certificate, clientId }: DeviceSession,
    eventType: ProvisioningLogEntry['eventType'],
    { mistake, warning, topic }: Judgement
  ): string | undefined {
    const reason = mistake?.reason ?? warning
    this.#registry.log({
      eventType,
      ...(mistake === undefined ? { outcome: 'Success' } : { outcome: 'Failure', ...mistake }),
      ...(reason === undefined ? {} : { reason }),
      certificateId: certificate.certificateId,
      clientId,
      ...(topic === undefined ? {} : { topic })
    })
    return mistake?.reason
  }
}

const overLimit = (reason: string): Mistake => ({ errorCode: 'LimitExceededException', reason })
const invalid = (reason: string): Mistake => ({ errorCode: 'InvalidRequestException', reason })

function hasTooManyLevels(topic: string): boolean {
  const slashes = topic.split('/').length - 1
  return slashes > slashesMaximum + (topic.startsWith('$aws/rules/') ? 3 : 0)
}

/** AWS IoT takes one CONNECT a second of one client id. */
class ConnectPace {
  readonly #clock: () => number
  readonly #last = new Map<string, number>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Counts a CONNECT, and says when it came too soon. */
  findHaste(clientId: string): string | undefined {
    const now = this.#clock()
    const isTooSoon = now - (this.#last.get(clientId) ?? -Infinity) < connectIntervalMs
    this.#last.delete(clientId)
    this.#last.set(clientId, now)
    // The oldest come first; what is longer ago than the interval says nothing any more.
    for (const [name, at] of this.#last) {
      if (now - at < connectIntervalMs) break
      this.#last.delete(name)
    }
    return isTooSoon ? 'more than one CONNECT a second with one client id' : undefined
  }
}
