import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { IoTClient, RegisterCACertificateCommand } from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { readProtocolLevel } from '../../../../src/rehearsal/iot/gateway/protocol-level.ts'
import { createIotStandIn } from '../../../../src/rehearsal/iot/iot-stand-in.ts'
import { hasTool, needs } from '../../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createCa, issueDevice, type KeyAlgorithm, type OpensslCertificate } from '../openssl-pki.ts'
import {
  type DeviceOptions,
  endpoint,
  openRehearsal,
  registerCa,
  type Rehearsal,
  roleArn,
  workingTemplate
} from './device-rehearsal.ts'

const dayMs = 86_400_000
const run = promisify(execFile)
let folder: TemporaryDirectory
let ca: OpensslCertificate

beforeAll(async () => {
  folder = await createTemporaryDirectory()
  if (hasTool('openssl')) ca = createCa(folder.path, '/O=Example/CN=Factory CA')
})
afterAll(() => folder.remove())

const issue = (subject: string, algorithm?: KeyAlgorithm, issuer = ca) =>
  issueDevice(issuer, subject, { directory: folder.path, algorithm })

/** The first power-up of unit-1, both connections. */
async function powerUp({ gateway, connect }: Rehearsal, device: OpensslCertificate, options?: DeviceOptions) {
  await expect(connect(device, 'unit-1', options)).rejects.toThrow()
  await gateway.settled()
  return connect(device, 'unit-1', options)
}

const lastEntry = ({ registry }: Rehearsal) => registry.entries.at(-1)

describe('the first power-up', needs('openssl'), () => {
  const kinds: readonly [KeyAlgorithm, 'TLSv1.2' | 'TLSv1.3', 4 | 5][] = [
    ['ec', 'TLSv1.2', 4],
    ['ec', 'TLSv1.3', 5],
    ['rsa', 'TLSv1.2', 5],
    ['rsa', 'TLSv1.3', 4]
  ]
  it.each(kinds)(
    'provisions a device with %s over %s and MQTT level %i',
    async (algorithm, version, level) => {
      const rehearsal = await openRehearsal()
      const { registry } = rehearsal
      registerCa(registry, ca)
      const options: DeviceOptions = { minVersion: version, maxVersion: version, protocolVersion: level }
      const client = await powerUp(rehearsal, issue('/CN=unit-1', algorithm), options)
      expect((client.stream as TLSSocket).getProtocol()).toBe(version)
      const message = new Promise<string>(resolve => {
        client.once('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`))
      })
      expect(await client.subscribeAsync('device/unit-1/#', { qos: 1 })).toMatchObject([{ qos: 1 }])
      await client.publishAsync('device/unit-1/state', 'Hello', { qos: 1 })
      expect(await message).toBe('device/unit-1/state Hello')
      await client.unsubscribeAsync('device/unit-1/#')
      const [certificate] = registry.listCertificates()
      expect(certificate?.status).toBe('ACTIVE')
      expect(registry.describeThing('unit-1')).toMatchObject({
        attributes: { line: 'A7' },
        principals: [{ principal: registry.certificateArn(certificate?.certificateId ?? '') }]
      })
      expect(registry.entries.slice(0, 4).map(({ eventType, outcome }) => `${eventType} ${outcome}`)).toEqual(
        ['Connect Failure', 'RegisterThing Success', 'ProvisionDevice Success', 'Connect Success']
      )
    }
  )

  it('brings fifty devices up at once', async () => {
    const rehearsal = await openRehearsal()
    const { registry, gateway, connect } = rehearsal
    registerCa(registry, ca)
    const devices = Array.from({ length: 50 }, (_, index) => ({
      name: `unit-${index}`,
      pair: issue(`/CN=unit-${index}`)
    }))
    const first = await Promise.allSettled(devices.map(({ name, pair }) => connect(pair, name)))
    expect(first.filter(({ status }) => status === 'fulfilled')).toEqual([])
    await gateway.settled()
    const clients = await Promise.all(devices.map(({ name, pair }) => connect(pair, name)))
    expect(clients.every(({ connected }) => connected)).toBe(true)
    expect(registry.listThings()).toHaveLength(50)
  })

  it('is done once, however often the device comes back meanwhile', async () => {
    const rehearsal = await openRehearsal({}, Date.now, 2000)
    const { registry, gateway, connect } = rehearsal
    registerCa(registry, ca)
    const device = issue('/CN=unit-1')
    const rounds = await Promise.allSettled([1, 2, 3].map(() => connect(device, 'unit-1')))
    expect(rounds.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await gateway.settled()
    expect(registry.entries.filter(({ eventType }) => eventType === 'RegisterThing')).toHaveLength(1)
  })

  it('is tried again at the next connection after it failed', async () => {
    const rehearsal = await openRehearsal()
    const { registry, gateway, connect } = rehearsal
    const { policyDocument } = registry.getPolicy('factory-device')
    registry.deletePolicy('factory-device')
    registerCa(registry, ca)
    const device = issue('/CN=unit-1')
    await expect(connect(device, 'unit-1')).rejects.toThrow()
    await gateway.settled()
    expect(lastEntry(rehearsal)?.errorCode).toBe('ResourceRegistrationFailureException')
    registry.createPolicy('factory-device', policyDocument)
    expect((await powerUp(rehearsal, device)).connected).toBe(true)
  })

  it('takes a stored template', async () => {
    const rehearsal = await openRehearsal()
    const templateName = 'factory'
    rehearsal.registry.createProvisioningTemplate({
      templateName,
      type: 'JITP',
      description: '',
      templateBody: JSON.stringify(workingTemplate()),
      enabled: true,
      provisioningRoleArn: roleArn
    })
    registerCa(rehearsal.registry, ca, { templateName })
    expect((await powerUp(rehearsal, issue('/CN=unit-1'))).connected).toBe(true)
  })

  it('fails while the stored template is not enabled', async () => {
    const rehearsal = await openRehearsal()
    const templateName = 'factory'
    rehearsal.registry.createProvisioningTemplate({
      templateName,
      type: 'JITP',
      description: '',
      templateBody: JSON.stringify(workingTemplate()),
      enabled: false,
      provisioningRoleArn: roleArn
    })
    registerCa(rehearsal.registry, ca, { templateName })
    await expect(rehearsal.connect(issue('/CN=unit-1'), 'unit-1')).rejects.toThrow()
    await rehearsal.gateway.settled()
    expect(lastEntry(rehearsal)).toMatchObject({
      eventType: 'ProvisionDevice',
      errorCode: 'InvalidRequestException'
    })
    expect(rehearsal.registry.listCertificates()).toMatchObject([{ status: 'PENDING_ACTIVATION' }])
  })
})

describe('a device that is not known', needs('openssl'), () => {
  interface Refusal {
    readonly name: string
    readonly prepare: (rehearsal: Rehearsal) => unknown
    readonly device?: () => OpensslCertificate
    readonly options?: DeviceOptions
    readonly clock?: () => number
    readonly errorCode: string
  }
  const refusals: readonly Refusal[] = [
    { name: 'of no registered CA', prepare: () => undefined, errorCode: 'UnauthorizedException' },
    {
      name: 'of an INACTIVE CA',
      prepare: ({ registry }) =>
        registry.updateCaCertificate(registerCa(registry, ca).certificateId, { status: 'INACTIVE' }),
      errorCode: 'UnauthorizedException'
    },
    {
      name: 'of a CA without auto-registration',
      prepare: ({ registry }) =>
        registry.updateCaCertificate(registerCa(registry, ca).certificateId, {
          autoRegistrationStatus: 'DISABLE'
        }),
      errorCode: 'UnauthorizedException'
    },
    {
      name: 'of a CA with the same name and another key',
      prepare: ({ registry }) => registerCa(registry, ca),
      device: () => issue('/CN=unit-1', 'ec', createCa(folder.path, '/O=Example/CN=Factory CA')),
      errorCode: 'UnauthorizedException'
    },
    {
      name: 'without SNI',
      prepare: ({ registry }) => registerCa(registry, ca),
      options: { servername: '' },
      errorCode: 'InvalidRequestException'
    },
    {
      name: 'with another SNI',
      prepare: ({ registry }) => registerCa(registry, ca),
      options: { servername: 'localhost' },
      errorCode: 'InvalidRequestException'
    },
    {
      name: 'with a certificate that has expired',
      prepare: ({ registry }) => registerCa(registry, ca),
      clock: () => Date.now() + 60 * dayMs,
      options: { checkServerIdentity: () => undefined, rejectUnauthorized: false },
      errorCode: 'CertificateValidationException'
    }
  ]
  it.each(refusals)(
    '$name is not registered',
    async ({ prepare, device, options = {}, clock, errorCode }) => {
      const rehearsal = await openRehearsal({}, clock)
      prepare(rehearsal)
      const unit = device?.() ?? issue('/CN=unit-1')
      const lenient: DeviceOptions = { checkServerIdentity: () => undefined, ...options }
      await expect(rehearsal.connect(unit, 'unit-1', lenient)).rejects.toThrow()
      expect(rehearsal.registry.listCertificates()).toEqual([])
      expect(lastEntry(rehearsal)).toMatchObject({ eventType: 'Connect', outcome: 'Failure', errorCode })
    }
  )

  it('and shows no certificate is sent away', async () => {
    const rehearsal = await openRehearsal()
    const socket = connectTls({
      port: rehearsal.gateway.port,
      servername: endpoint,
      ca: rehearsal.gateway.rootPem
    })
    await new Promise(resolve => socket.once('close', resolve).resume())
    expect(lastEntry(rehearsal)).toMatchObject({ eventType: 'Connect', errorCode: 'UnauthorizedException' })
  })

  it('of one of two CAs with one name must send the CA certificate', async () => {
    const rehearsal = await openRehearsal()
    const { registry, connect } = rehearsal
    const other = createCa(folder.path, '/O=Example/CN=Factory CA')
    registerCa(registry, other)
    const { certificateId } = registerCa(registry, ca)
    const device = issue('/CN=unit-1')
    await expect(connect(device, 'unit-1')).rejects.toThrow()
    expect(lastEntry(rehearsal)?.errorCode).toBe('CertificateConflictException')
    const withChain = { ...device, certificatePem: device.certificatePem + ca.certificatePem }
    expect((await powerUp(rehearsal, withChain)).connected).toBe(true)
    expect(registry.listCertificates()).toMatchObject([{ caCertificateId: certificateId }])
  })

  it('of one of two CAs with one name is told by the signature where the settings say so', async () => {
    const rehearsal = await openRehearsal({ sameSubjectWithoutChain: 'by-signature' })
    registerCa(rehearsal.registry, createCa(folder.path, '/O=Example/CN=Factory CA'))
    const { certificateId } = registerCa(rehearsal.registry, ca)
    await powerUp(rehearsal, issue('/CN=unit-1'))
    expect(rehearsal.registry.listCertificates()).toMatchObject([{ caCertificateId: certificateId }])
  })
})

describe('a device that was provisioned', needs('openssl'), () => {
  async function provisioned(settings?: Parameters<typeof openRehearsal>[0]) {
    const rehearsal = await openRehearsal(settings)
    const { certificateId: caCertificateId } = registerCa(rehearsal.registry, ca)
    const device = issue('/CN=unit-1')
    const client = await powerUp(rehearsal, device)
    const certificateId = rehearsal.registry.listCertificates()[0]?.certificateId ?? ''
    return { rehearsal, client, device, certificateId, caCertificateId }
  }
  const closed = (client: { once(event: 'close', listener: () => void): unknown }) =>
    new Promise<void>(resolve => client.once('close', resolve))

  it('still connects when its CA is INACTIVE', async () => {
    const { rehearsal, device, caCertificateId } = await provisioned()
    rehearsal.registry.updateCaCertificate(caCertificateId, { status: 'INACTIVE' })
    expect((await rehearsal.connect(device, 'unit-1')).connected).toBe(true)
  })

  it.each(['INACTIVE', 'REVOKED'] as const)('is sent away, and off the line, once %s', async status => {
    const { rehearsal, client, device, certificateId } = await provisioned()
    rehearsal.registry.setCertificateStatus(certificateId, status)
    await closed(client)
    await expect(rehearsal.connect(device, 'unit-1')).rejects.toThrow()
    expect(lastEntry(rehearsal)).toMatchObject({ certificateId, errorCode: 'CertificateStateException' })
  })

  it('loses the connection when it publishes where it may not', async () => {
    const { rehearsal, client } = await provisioned()
    const gone = closed(client)
    client.publish('device/unit-2/state', 'Hello', { qos: 0 })
    await gone
    expect(lastEntry(rehearsal)).toMatchObject({
      eventType: 'Publish',
      outcome: 'Failure',
      topic: 'device/unit-2/state',
      clientId: 'unit-1'
    })
  })

  it('is told why over MQTT 5', async () => {
    const { rehearsal, device } = await provisioned()
    const client = await rehearsal.connect(device, 'unit-1', { protocolVersion: 5 })
    const reason = new Promise(resolve => client.once('disconnect', ({ reasonCode }) => resolve(reasonCode)))
    client.publish('device/unit-2/state', 'Hello', { qos: 0 })
    expect(await reason).toBe(0x87)
    await expect(rehearsal.connect(device, 'unit-2', { protocolVersion: 5 })).rejects.toMatchObject({
      code: 0x87
    })
  })

  it.each(['$aws/events/certificates/registered/x', '$SYS/x'])('may not publish to %s', async topic => {
    const { rehearsal, client } = await provisioned()
    rehearsal.registry.createPolicy(
      'all',
      JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })
    )
    rehearsal.registry.attachPolicy(
      'all',
      rehearsal.registry.certificateArn(rehearsal.registry.listCertificates()[0]?.certificateId ?? '')
    )
    const gone = closed(client)
    client.publish(topic, '', { qos: 0 })
    await gone
    expect(lastEntry(rehearsal)).toMatchObject({ eventType: 'Publish', outcome: 'Failure', topic })
  })

  it('loses the connection over QoS 2 and over a retained message that no policy allows', async () => {
    const { rehearsal, client, device } = await provisioned()
    const gone = closed(client)
    client.publish('device/unit-1/state', 'Hello', { qos: 2 })
    await gone
    const again = await rehearsal.connect(device, 'unit-1')
    const goneAgain = closed(again)
    again.publish('device/unit-1/state', 'Hello', { retain: true })
    await goneAgain
    expect(
      rehearsal.registry.entries.filter(
        ({ eventType, outcome }) => eventType === 'Publish' && outcome === 'Failure'
      )
    ).toHaveLength(2)
  })

  it.each([
    ['a topic', `device/unit-1/${'x'.repeat(243)}`, 'x'],
    ['a message', 'device/unit-1/x', 'x'.repeat(128 * 1024 + 1)]
  ])('loses the connection over %s that is too long', async (_, topic, payload) => {
    const { rehearsal, client } = await provisioned()
    await client.publishAsync(topic.slice(0, 256), payload.slice(0, 128 * 1024), { qos: 1 })
    const gone = closed(client)
    client.publish(topic, payload, { qos: 1 })
    await gone
    expect(lastEntry(rehearsal)).toMatchObject({ eventType: 'Publish', outcome: 'Failure' })
  })

  it.each([4, 5] as const)(
    'gets no subscription that it may not have, over MQTT level %i',
    async protocolVersion => {
      const { rehearsal, device } = await provisioned()
      const client = await rehearsal.connect(device, 'unit-1', { protocolVersion })
      await expect(client.subscribeAsync('device/+/state')).rejects.toThrow()
      expect(client.connected).toBe(true)
      expect(lastEntry(rehearsal)).toMatchObject({
        eventType: 'Subscribe',
        outcome: 'Failure',
        topic: 'device/+/state'
      })
    }
  )

  it('has the policies of its groups and of those above as well', async () => {
    const { rehearsal, device, certificateId } = await provisioned()
    const { registry } = rehearsal
    const group = { description: '', attributes: {} }
    registry.createThingGroup({ ...group, thingGroupName: 'plant', parentGroupName: null })
    registry.createThingGroup({ ...group, thingGroupName: 'hall', parentGroupName: 'plant' })
    registry.detachPolicy('factory-device', registry.certificateArn(certificateId))
    await expect(rehearsal.connect(device, 'unit-1')).rejects.toThrow()
    registry.addThingToThingGroup('hall', 'unit-1')
    registry.attachPolicy('factory-device', registry.thingGroupArn('plant'))
    // The thing of a connection goes by the client id, and so do the policies of its groups.
    expect((await rehearsal.connect(device, 'unit-1')).connected).toBe(true)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes no session of %s', async version => {
    const { rehearsal, device } = await provisioned()
    const handshake = async (session?: Buffer) => {
      const { certificatePem: cert, privateKeyPem: key } = device
      const { port, rootPem } = rehearsal.gateway
      const tls = {
        cert,
        key,
        ca: rootPem,
        port,
        servername: endpoint,
        minVersion: version,
        maxVersion: version
      }
      const socket = connectTls({ ...tls, ...(session === undefined ? {} : { session }) })
      onTestFinished(() => void socket.destroy())
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
      await new Promise(resolve => setTimeout(resolve, 50))
      return socket
    }
    const first = await handshake()
    expect((await handshake(first.getSession())).isSessionReused()).toBe(false)
  })

  it('that sends rubbish loses its connection alone', async () => {
    const { rehearsal, client, device } = await provisioned()
    const { certificatePem: cert, privateKeyPem: key } = device
    const { port, rootPem: ca } = rehearsal.gateway
    const connectLevel5 = '101300044d5154540502003c00000006756e69742d31'
    for (const hex of [
      '00',
      '10ffffffff',
      'ff'.repeat(64),
      `${connectLevel5}3005ffffffffff`,
      `${connectLevel5}f0020000`
    ]) {
      const socket = connectTls({ cert, key, ca, port, servername: endpoint })
      socket.on('error', () => undefined)
      socket.write(Buffer.from(hex, 'hex'))
      await new Promise(resolve => socket.once('close', resolve).resume())
    }
    const other = await rehearsal.connect(device, 'unit-1')
    expect(other.connected).toBe(true)
    await client.endAsync(true)
  })

  it('receives only what it may', async () => {
    const { rehearsal, client, certificateId } = await provisioned()
    const { registry } = rehearsal
    const statement = (Effect: string, Action: string, Resource: string) => ({ Effect, Action, Resource })
    registry.createPolicy(
      'listener',
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          statement('Allow', 'iot:*', '*'),
          statement('Deny', 'iot:Receive', 'arn:aws:iot:eu-west-1:111122223333:topic/news/secret')
        ]
      })
    )
    registry.attachPolicy('listener', registry.certificateArn(certificateId))
    await client.subscribeAsync('news/#')
    const topics: string[] = []
    client.on('message', topic => topics.push(topic))
    for (const topic of ['news/secret', 'news/open']) await client.publishAsync(topic, '', { qos: 1 })
    await vi.waitFor(() => expect(topics).toContain('news/open'), 10_000)
    expect(topics).toEqual(['news/open'])
  })

  it.each([
    ['as somebody else', 'unit-2'],
    ['with a client id that is too long', 'u'.repeat(129)]
  ])('may not connect %s', async (_, clientId) => {
    const { rehearsal, device } = await provisioned()
    await expect(rehearsal.connect(device, clientId)).rejects.toThrow()
    expect(lastEntry(rehearsal)).toMatchObject({ eventType: 'Connect', outcome: 'Failure', clientId })
  })

  it('is warned of, or closed on, when it connects twice within a second', async () => {
    const lenient = await provisioned()
    await lenient.rehearsal.connect(lenient.device, 'unit-1')
    expect(lastEntry(lenient.rehearsal)).toMatchObject({ eventType: 'Connect', outcome: 'Success' })
    expect(lastEntry(lenient.rehearsal)?.reason).toBeDefined()
    const strict = await provisioned({ frequentConnect: 'close' })
    await expect(strict.rehearsal.connect(strict.device, 'unit-1')).rejects.toThrow()
  })

  it('sends its will when the connection breaks, over MQTT 5 as well', async () => {
    const { rehearsal, device } = await provisioned()
    const wills: string[] = []
    await rehearsal.gateway.subscribe('device/unit-1/gone', (_, payload) => wills.push(payload.toString()))
    for (const protocolVersion of [4, 5] as const) {
      const will = {
        topic: 'device/unit-1/gone',
        payload: Buffer.from(`level ${protocolVersion}`),
        qos: 1 as const,
        retain: false
      }
      const client = await rehearsal.connect(device, 'unit-1', { protocolVersion, will })
      client.stream.destroy()
      await vi.waitFor(() => expect(wills).toContain(`level ${protocolVersion}`), 10_000)
    }
  })
})

describe('mosquitto_pub', needs('openssl', 'mosquitto_pub'), () => {
  it.each([
    ['tlsv1.2', 'mqttv311'],
    ['tlsv1.3', 'mqttv5']
  ])('is dropped, then heard, over %s and %s', async (tls, version) => {
    const standIn = await createIotStandIn({ provisioningDelayMs: 50, region: 'eu-west-1' })
    onTestFinished(() => standIn.stop())
    standIn.registry.createPolicy(
      'factory-device',
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }]
      })
    )
    const sdk = new IoTClient({
      region: 'eu-west-1',
      endpoint: standIn.controlUrl,
      credentials: { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' }
    })
    await sdk.send(
      new RegisterCACertificateCommand({
        caCertificate: ca.certificatePem,
        certificateMode: 'SNI_ONLY',
        setAsActive: true,
        allowAutoRegistration: true,
        registrationConfig: { roleArn: standIn.roleArn, templateBody: JSON.stringify(workingTemplate()) }
      })
    )
    const device = issue(`/CN=unit-${tls}`.replace('.', '-'))
    const chainFile = join(folder.path, `chain-${tls}.pem`)
    writeFileSync(chainFile, device.certificatePem + ca.certificatePem)
    const rootFile = join(folder.path, `root-${tls}.pem`)
    writeFileSync(rootFile, standIn.serverCaPem)
    const messages: string[] = []
    await standIn.subscribe('foo/bar', (_, payload) => messages.push(payload.toString()))
    const publish = () =>
      run(
        'mosquitto_pub',
        [
          ...['--cafile', rootFile, '--cert', chainFile, '--key', device.privateKeyFile],
          ...['-h', 'localhost', '-p', String(standIn.mqttPort), '-q', '1', '-t', 'foo/bar'],
          ...['--tls-version', tls, '-V', version, '-m', 'Hello', '-d']
        ],
        { timeout: 5000 }
      )
    const dropped = await publish().then(
      () => false,
      () => true
    )
    await standIn.settled()
    expect(messages).toEqual([])
    expect(dropped).toBe(true)
    await publish()
    expect(messages).toEqual(['Hello'])
    sdk.destroy()
  })
})

describe('a certificate that is presented without a connection', needs('openssl'), () => {
  it('is provisioned as it would be with one, within the quota, by a role that was made for it', async () => {
    // The clock stands, so that no call is earned back while the certificates are made, which are valid from now on.
    const now = Date.now() + 60_000
    const standIn = await createIotStandIn({
      provisioningDelayMs: 0,
      tpsLimits: { RegisterThing: 2 },
      clock: () => now
    })
    onTestFinished(() => standIn.stop())
    const ownRoleArn = 'arn:aws:iam::111122223333:role/Own'
    standIn.makeRole(ownRoleArn)
    const template = workingTemplate()
    delete template.Resources.policy
    registerCa(standIn.registry, ca, { templateBody: JSON.stringify(template), roleArn: ownRoleArn })
    for (const name of ['unit-1', 'unit-2', 'unit-3'])
      await standIn.present(issue(`/CN=${name}`).certificatePem + ca.certificatePem)
    expect(standIn.registry.listThings().map(({ thingName }) => thingName)).toEqual(['unit-1', 'unit-2'])
    expect(standIn.registry.entries.at(-1)).toMatchObject({
      eventType: 'ProvisionDevice',
      errorCode: 'ThrottlingException'
    })
  })
})

describe('the protocol level of a CONNECT', () => {
  const connect = Buffer.from('101000044d5154540502003c000375310000', 'hex')
  it('is read once enough has come', () => {
    const levels = Array.from({ length: connect.length + 1 }, (_, length) =>
      readProtocolLevel(connect.subarray(0, length))
    )
    expect(levels.slice(0, 9)).toEqual(new Array(9).fill('more'))
    expect(new Set(levels.slice(9))).toEqual(new Set([5]))
  })
  it.each([
    ['another packet', 'c000'],
    ['a remaining length without an end', '10ffffffffff'],
    ['HTTP', Buffer.from('GET / HTTP/1.1').toString('hex')]
  ])('is not read from %s', (_, hex) => {
    expect(readProtocolLevel(Buffer.from(hex, 'hex'))).toBeUndefined()
  })
})
