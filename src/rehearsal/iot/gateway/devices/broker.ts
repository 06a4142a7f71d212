import { randomUUID } from 'node:crypto'
import { Aedes, type AedesOptions, type Client } from 'aedes'
import { answerReserved } from '../../reserved-topics/answer.ts'
import { Mqtt5Connection } from '../mqtt5-connection.ts'
import { watchSubscribes } from '../subscribe-watch.ts'
import { DeviceGuard, type DeviceGuardOptions } from './guard.ts'
import type { DeviceSession } from './session.ts'

type Connection = Client['conn']

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

/**
 * An MQTT broker that asks the policies of each device. What is not allowed ends the connection, as in AWS IoT, but a
 * subscription, which is answered with a failure, and a delivery, which does not take place.
 */
export async function createDeviceBroker(options: DeviceGuardOptions): Promise<DeviceBroker> {
  const sessions = new Map<Connection, DeviceSession>()
  // A will is judged when its connection is gone already.
  const everySession = new WeakMap<Connection, DeviceSession>()
  const guard = new DeviceGuard(options)
  const broker = await Aedes.createBroker(createHandlers(guard, everySession))
  const publish = (topic: string, payload: string): void =>
    broker.publish({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false }, () => undefined)
  broker.on('publish', ({ topic, payload }, client) => {
    const session = client === null ? undefined : everySession.get(client.conn)
    if (session === undefined) return
    for (const [answerTopic, answer] of answerDevice(options, session, { topic, payload }))
      publish(answerTopic, JSON.stringify(answer))
  })
  return {
    accept(connection, session) {
      sessions.set(connection, session)
      everySession.set(connection, session)
      connection.once('close', () => sessions.delete(connection))
      watchSubscribes(connection, count => {
        if (guard.judgeFilterCount(session, count) === undefined) return
        session.isDismissed = true
        if (connection instanceof Mqtt5Connection) connection.sayDisconnect(0x97)
        connection.destroy()
      })
      broker.handle(connection)
    },
    publish,
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

function answerDevice(
  { registry, clock }: DeviceGuardOptions,
  { certificate, clientId }: DeviceSession,
  { topic, payload }: { readonly topic: string; readonly payload: string | Buffer }
) {
  const subject = { certificateId: certificate.certificateId, clientId }
  return answerReserved(registry, { topic, payload: payload.toString(), subject, now: clock() })
}

type Handlers = Pick<
  AedesOptions,
  'preConnect' | 'authorizePublish' | 'authorizeSubscribe' | 'authorizeForward'
>

function createHandlers(guard: DeviceGuard, sessions: WeakMap<Connection, DeviceSession>): Handlers {
  return {
    preConnect(client, packet, done) {
      const session = sessions.get(client.conn)
      // AWS IoT makes up a name for a device that gives none.
      packet.clientId ||= `$GEN/${randomUUID()}`
      if (session === undefined) return done(new Error('a connection without a session'), false)
      session.clientId = packet.clientId
      const mistake = guard.judgeConnect(session)
      if (mistake === undefined) return done(null, true)
      if (client.conn instanceof Mqtt5Connection) client.conn.refuseConnect()
      done(new Error(mistake), false)
    },
    authorizePublish(client, packet, done) {
      const session = client === null ? undefined : sessions.get(client.conn)
      if (session === undefined) return done(new Error('a message without a session'))
      const mistake = guard.judgePublish(session, packet)
      if (mistake === undefined) return done()
      if (client?.conn instanceof Mqtt5Connection) client.conn.sayDisconnect(packet.qos === 2 ? 0x9b : 0x87)
      done(new Error(mistake))
    },
    authorizeSubscribe(client, subscription, done) {
      const session = sessions.get(client.conn)
      if (session?.isDismissed === true) return done(new Error('the connection is closed'))
      const isRefused =
        session === undefined || guard.judgeSubscribe(session, subscription.topic) !== undefined
      done(null, isRefused ? null : subscription)
    },
    authorizeForward(client, packet) {
      const session = sessions.get(client.conn)
      return session !== undefined && guard.mayReceive(session, packet.topic) ? packet : null
    }
  }
}
