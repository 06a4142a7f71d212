import { connect as connectTls } from 'node:tls'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { hasTool, needs } from '../../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createCa, issueDevice, type OpensslCertificate } from '../openssl-pki.ts'
import { endpoint, openRehearsal, registerCa, type Rehearsal } from './device-rehearsal.ts'

let folder: TemporaryDirectory
let ca: OpensslCertificate
let device: OpensslCertificate

beforeAll(async () => {
  folder = await createTemporaryDirectory()
  if (!hasTool('openssl')) return
  ca = createCa(folder.path, '/O=Example/CN=Factory CA')
  device = issueDevice(ca, '/CN=unit-1', { directory: folder.path })
})
afterAll(() => folder.remove())

const documentOf = (...statements: readonly object[]) =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allowAll = { Effect: 'Allow', Action: 'iot:*', Resource: '*' }

interface Connected extends Rehearsal {
  readonly client: MqttClient
}

/** A device that is provisioned and connected, and may do what the statements say. */
async function connected(
  statements: readonly object[] = [allowAll],
  options: Parameters<Rehearsal['connect']>[2] = {}
): Promise<Connected> {
  const rehearsal = await openRehearsal()
  const { registry, gateway, connect } = rehearsal
  registry.deletePolicy('factory-device')
  registry.createPolicy('factory-device', documentOf(...statements))
  registerCa(registry, ca)
  await expect(connect(device, 'unit-1', options)).rejects.toThrow()
  await gateway.settled()
  return { ...rehearsal, client: await connect(device, 'unit-1', options) }
}

interface Question {
  readonly payloads: readonly string[]
  /** How many to wait for. */
  readonly replies?: number
}

/** Asks on a topic, and gives what comes on it and below: `[topic below, payload]`. */
async function ask({ client }: Connected, topic: string, { payloads, replies = 1 }: Question) {
  const received: [string, Record<string, unknown>][] = []
  client.on('message', (on, payload) => {
    if (on !== topic)
      received.push([on.slice(topic.length), JSON.parse(payload.toString()) as object as never])
  })
  await client.subscribeAsync(`${topic}/+`, { qos: 1 })
  for (const payload of payloads) await client.publishAsync(topic, payload, { qos: 1 })
  await vi.waitFor(() => expect(received.length).toBeGreaterThanOrEqual(replies), 10_000)
  return received
}

const isClosed = ({ client }: Connected) =>
  new Promise<void>(resolve => client.once('close', () => resolve()))
const lastEntry = ({ registry }: Rehearsal) => registry.entries.at(-1)

describe.each([4, 5] as const)('a device shadow, MQTT level %i', { ...needs('openssl') }, protocolVersion => {
  it.each([
    ['classic', '$aws/things/unit-1/shadow'],
    ['named', '$aws/things/unit-1/shadow/name/settings']
  ])('is made, read and deleted: %s', async (_, shadow) => {
    const parts = await connected([allowAll], { protocolVersion })
    const [missing] = await ask(parts, `${shadow}/get`, { payloads: ['{"clientToken":"t-0"}'] })
    expect(missing).toMatchObject(['/rejected', { code: 404, clientToken: 't-0' }])
    expect(lastEntry(parts)).toMatchObject({
      eventType: 'GetThingShadow',
      outcome: 'Failure',
      errorCode: 'ResourceNotFoundException'
    })
    const updates = [
      '{"state":{"reported":{"on":false,"led":{"red":1}}},"clientToken":"t-1"}',
      '{"state":{"desired":{"on":true}}}',
      '{"state":{"reported":{"led":{"red":null}}},"version":1}'
    ]
    const replies = await ask(parts, `${shadow}/update`, { payloads: updates, replies: 6 })
    expect(replies.map(([below]) => below).toSorted()).toEqual(
      ['/accepted', '/documents', '/accepted', '/delta', '/documents', '/rejected'].toSorted()
    )
    const replyOn = (below: string) => replies.filter(([on]) => on === below).map(([, body]) => body)
    expect(replyOn('/accepted')[0]).toMatchObject({
      state: { reported: { on: false } },
      metadata: { reported: { on: { timestamp: expect.any(Number) as number } } },
      version: 1,
      clientToken: 't-1'
    })
    expect(replyOn('/delta')).toMatchObject([{ state: { on: true }, version: 2 }])
    expect(replyOn('/rejected')).toMatchObject([{ code: 409 }])
    const again = await ask(parts, `${shadow}/get`, { payloads: [''] })
    expect(again.at(-1)).toMatchObject([
      '/accepted',
      {
        state: { desired: { on: true }, reported: { on: false, led: { red: 1 } }, delta: { on: true } },
        version: 2
      }
    ])
    expect(await ask(parts, `${shadow}/delete`, { payloads: [''] })).toMatchObject([
      ['/accepted', { version: 2 }]
    ])
  })
})

describe('topics of AWS IoT', needs('openssl'), () => {
  const connectOnly = {
    Effect: 'Allow',
    Action: ['iot:Connect', 'iot:Subscribe', 'iot:Receive'],
    Resource: '*'
  }

  it('close the connection of a device whose policy does not name its shadow', async () => {
    const parts = await connected([connectOnly])
    const closed = isClosed(parts)
    parts.client.publish('$aws/things/unit-1/shadow/get', '')
    await closed
    expect(lastEntry(parts)).toMatchObject({ eventType: 'Publish', errorCode: 'UnauthorizedException' })
  })

  it.each([
    '$aws/things/unit-1/shadow/get/accepted',
    '$aws/things/unit-1/shadow/name/a/update/delta',
    '$aws/certificates/create/json/rejected',
    '$aws/events/certificates/registered/x'
  ])('are for AWS IoT alone to publish to: %s', async topic => {
    const parts = await connected()
    const closed = isClosed(parts)
    parts.client.publish(topic, '{}')
    await closed
    expect(lastEntry(parts)).toMatchObject({ eventType: 'Publish', outcome: 'Failure', topic })
  })

  it.each([
    ['$aws/certificates/create/json', 'CreateKeysAndCertificate'],
    ['$aws/certificates/create-from-csr/json', 'CreateCertificateFromCsr'],
    ['$aws/provisioning-templates/fleet/provision/json', 'RegisterThing']
  ])('of fleet provisioning are answered with a refusal: %s', async (topic, eventType) => {
    const parts = await connected()
    expect(await ask(parts, topic, { payloads: ['{}'] })).toMatchObject([
      ['/rejected', { statusCode: 400, errorCode: 'InvalidRequestException' }]
    ])
    expect(lastEntry(parts)).toMatchObject({ eventType, outcome: 'Failure', topic })
  })

  it('of services that are not here are taken, and the log says that nothing answers', async () => {
    const parts = await connected()
    await parts.client.publishAsync('$aws/things/unit-1/jobs/get', '{}', { qos: 1 })
    const { outcome, reason } = lastEntry(parts)!
    expect([outcome, reason === undefined]).toEqual(['Success', false])
  })
})

describe('what AWS IoT does not take', needs('openssl'), () => {
  it.each([
    ['a/b/c/d/e/f/g/h', true],
    ['a/b/c/d/e/f/g/h/i', false],
    ['$aws/rules/r/a/b/c/d/e/f/g/h', true],
    ['$aws/rules/r/a/b/c/d/e/f/g/h/i', false]
  ])('is a topic of more than 7 slashes: %s', async (topic, isTaken) => {
    const parts = await connected()
    const closed = isClosed(parts).then(() => false)
    const published = parts.client.publishAsync(topic, '', { qos: 1 }).then(() => true)
    published.catch(() => undefined)
    expect(await Promise.race([published, closed])).toBe(isTaken)
  })

  it('is a filter of more than 7 slashes', async () => {
    const parts = await connected()
    const granted = await parts.client
      .subscribeAsync('a/b/c/d/e/f/g/#')
      .then(grants => grants.map(({ qos }) => qos))
    expect(granted).toEqual([0])
    await expect(parts.client.subscribeAsync('a/b/c/d/e/f/g/h/#')).rejects.toThrow()
  })

  it.each([
    [8, 4],
    [8, 5],
    [9, 4],
    [9, 5]
  ] as const)(
    'are more than 8 filters in one SUBSCRIBE: %i, MQTT level %i',
    async (count, protocolVersion) => {
      const parts = await connected([allowAll], { protocolVersion })
      const filters = Array.from({ length: count }, (_, index) => `a/${index}`)
      const closed = isClosed(parts).then(() => 'closed')
      const subscribed = parts.client.subscribeAsync(filters).then(() => 'subscribed')
      subscribed.catch(() => undefined)
      expect(await Promise.race([subscribed, closed])).toBe(count > 8 ? 'closed' : 'subscribed')
      const entries = parts.registry.entries.filter(({ eventType }) => eventType === 'Subscribe')
      expect(entries.map(({ outcome }) => outcome)).toEqual(
        count > 8 ? ['Failure'] : Array.from({ length: 8 }, () => 'Success')
      )
    }
  )
})

describe('ALPN', needs('openssl'), () => {
  /** The protocol that was agreed on, false for none, or the code of the alert. */
  async function agree(ALPNProtocols?: string[]): Promise<string | false> {
    const { gateway } = await openRehearsal()
    const socket = connectTls({
      port: gateway.port,
      servername: endpoint,
      ca: gateway.rootPem,
      cert: device.certificatePem,
      key: device.privateKeyPem,
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols })
    })
    onTestFinished(() => void socket.destroy())
    return new Promise(resolve => {
      socket.once('secureConnect', () => resolve(socket.alpnProtocol ?? false))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    })
  }

  it.each([
    [['x-amzn-mqtt-ca'], 'x-amzn-mqtt-ca'],
    [['h2', 'x-amzn-mqtt-ca'], 'x-amzn-mqtt-ca'],
    [undefined, false],
    [['x-amzn-http-ca'], 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
    [['mqtt'], 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL']
  ])('%j comes to %s', async (protocols, agreed) => {
    expect(await agree(protocols)).toBe(agreed)
  })
})
