import { randomUUID } from 'node:crypto'
import { Aedes, type Client, type Subscription } from 'aedes'
import type { ProvisioningLogEntry } from '../records.ts'
import type { Registry } from '../registry/registry.ts'
import type { StandInSettings } from '../stand-in-settings.ts'
import { decide, type DeviceSession } from './device-session.ts'
import { Mqtt5Connection } from './mqtt5-connection.ts'

type Connection = Client['conn']

export interface DeviceBrokerOptions {
  readonly registry: Registry
  readonly settings: StandInSettings
  readonly clock: () => number
}

export interface DeviceBroker {
  /** Hands over a connection that has sent no octet yet, or whose octets were put back. */
  accept(connection: Connection, session: DeviceSession): void
  /** Publishes past all policies. */
  publish(topic: string, payload: string): void
  /** Receives past all policies, as a rule of AWS IoT does. */
  subscribe(topicFilter: string, listener: (topic: string, payload: Buffer) => void): Promise<void>
  /** The connections that were accepted and are still there. */
  readonly sessions: ReadonlyMap<Connection, DeviceSession>
  stop(): Promise<void>
}

/** Octets; the model's limit for a client id. */
const clientIdMaximum = 128
/** Octets. Topics below `$aws/` are not measured: those of Basic Ingest have a prefix that does not count. */
const topicMaximum = 256
/** Octets. */
const payloadMaximum = 128 * 1024
const connectIntervalMs = 1000

/**
 * An MQTT broker that asks the policies of each device. What is not allowed ends the connection, as in AWS IoT, but a
 * subscription, which is answered with a failure, and a delivery, which does not take place.
 */
export async function createDeviceBroker(options: DeviceBrokerOptions): Promise<DeviceBroker> {
  const { registry } = options
  const sessions = new Map<Connection, DeviceSession>()
  // A will is judged when its connection is gone already.
  const everySession = new WeakMap<Connection, DeviceSession>()
  const pace = createConnectPace(options)
  const broker = await Aedes.createBroker({
    preConnect(client, packet, done) {
      const session = everySession.get(client.conn)
      // AWS IoT makes up a name for a device that gives none.
      packet.clientId ||= `$GEN/${randomUUID()}`
      const { clientId } = packet
      if (session === undefined) return done(new Error('a connection without a session'), false)
      session.clientId = clientId
      const haste = pace.findHaste(clientId)
      const isClosing = options.settings.frequentConnect === 'close'
      const mistake = findConnectMistake(registry, session) ?? (isClosing ? haste : undefined)
      record(registry, session, 'Connect', { mistake, warning: haste })
      if (mistake === undefined) return done(null, true)
      if (client.conn instanceof Mqtt5Connection) client.conn.refuseConnect()
      done(new Error(mistake), false)
    },
    authorizePublish(client, packet, done) {
      const session = client === null ? undefined : everySession.get(client.conn)
      if (session === undefined) return done(new Error('a message without a session'))
      const mistake = findPublishMistake(registry, session, packet)
      record(registry, session, 'Publish', { mistake, topic: packet.topic })
      if (mistake === undefined) return done()
      if (client?.conn instanceof Mqtt5Connection) client.conn.sayDisconnect(packet.qos === 2 ? 0x9b : 0x87)
      done(new Error(mistake))
    },
    authorizeSubscribe(client, subscription, done) {
      const session = everySession.get(client.conn)
      if (session === undefined) return done(null, null)
      const mistake = findSubscribeMistake(registry, session, subscription)
      record(registry, session, 'Subscribe', { mistake, topic: subscription.topic })
      done(null, mistake === undefined ? subscription : null)
    },
    authorizeForward(client, packet) {
      const session = everySession.get(client.conn)
      if (session === undefined) return null
      return decide(registry, session, 'iot:Receive', 'topic', packet.topic).isAllowed ? packet : null
    }
  })
  return {
    accept(connection, session) {
      sessions.set(connection, session)
      everySession.set(connection, session)
      connection.once('close', () => sessions.delete(connection))
      broker.handle(connection)
    },
    publish: (topic, payload) =>
      broker.publish({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false }, () => undefined),
    subscribe: (topicFilter, listener) =>
      new Promise(resolve => {
        const deliver = (
          { topic, payload }: { topic: string; payload: string | Buffer },
          done: () => void
        ) => {
          listener(topic, Buffer.from(payload))
          done()
        }
        broker.subscribe(topicFilter, deliver, resolve)
      }),
    sessions,
    stop: () => new Promise(resolve => broker.close(resolve))
  }
}

function findConnectMistake(registry: Registry, session: DeviceSession): string | undefined {
  const { clientId } = session
  if (Buffer.byteLength(clientId) > clientIdMaximum)
    return `the client id is longer than ${clientIdMaximum} octets`
  return denial(registry, session, 'iot:Connect', 'client', clientId)
}

interface Publication {
  readonly topic: string
  readonly payload: string | Buffer
  readonly qos: number
  readonly retain: boolean
}

function findPublishMistake(
  registry: Registry,
  session: DeviceSession,
  { topic, payload, qos, retain }: Publication
): string | undefined {
  if (qos === 2) return 'AWS IoT has no QoS 2'
  if (!topic.startsWith('$aws/') && Buffer.byteLength(topic) > topicMaximum)
    return `the topic is longer than ${topicMaximum} octets`
  if (Buffer.byteLength(payload) > payloadMaximum)
    return `the message is longer than ${payloadMaximum} octets`
  if (topic.startsWith('$') && (!topic.startsWith('$aws/') || topic.startsWith('$aws/events/')))
    return 'the topic is reserved'
  return (
    denial(registry, session, 'iot:Publish', 'topic', topic) ??
    (retain ? denial(registry, session, 'iot:RetainPublish', 'topic', topic) : undefined)
  )
}

function findSubscribeMistake(
  registry: Registry,
  session: DeviceSession,
  { topic }: Subscription
): string | undefined {
  // The broker would take them for topics like others.
  if (topic.startsWith('$SYS/') || topic.startsWith('$share/')) return 'the stand-in has no such topics'
  return denial(registry, session, 'iot:Subscribe', 'topicfilter', topic)
}

function denial(...question: Parameters<typeof decide>): string | undefined {
  const { isAllowed, reason } = decide(...question)
  return isAllowed ? undefined : reason
}

/** AWS IoT takes one CONNECT a second of one client id. */
function createConnectPace({ clock }: DeviceBrokerOptions) {
  const last = new Map<string, number>()
  return {
    /** Counts a CONNECT, and says when it came too soon. */
    findHaste(clientId: string): string | undefined {
      const now = clock()
      const isTooSoon = now - (last.get(clientId) ?? -Infinity) < connectIntervalMs
      last.delete(clientId)
      last.set(clientId, now)
      // The oldest come first; what is longer ago than the interval says nothing any more.
      for (const [name, at] of last) {
        if (now - at < connectIntervalMs) break
        last.delete(name)
      }
      return isTooSoon ? 'more than one CONNECT a second with one client id' : undefined
    }
  }
}

interface Judgement {
  readonly mistake: string | undefined
  readonly warning?: string | undefined
  readonly topic?: string
}

function record(
  registry: Registry,
  { certificate, clientId }: DeviceSession,
  eventType: ProvisioningLogEntry['eventType'],
  { mistake, warning, topic }: Judgement
): void {
  const refused = { outcome: 'Failure', errorCode: 'UnauthorizedException' } as const
  const reason = mistake ?? warning
  registry.log({
    eventType,
    ...(mistake === undefined ? { outcome: 'Success' } : refused),
    ...(reason === undefined ? {} : { reason }),
    certificateId: certificate.certificateId,
    clientId,
    ...(topic === undefined ? {} : { topic })
  })
}
