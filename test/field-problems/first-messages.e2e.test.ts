import { IoTClient, RegisterCertificateCommand, UpdateCACertificateCommand } from '@aws-sdk/client-iot'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Subject } from '../../src/pki/name/subject-field.ts'
import type { Json } from '../jitp/template-cases.ts'
import { ref, templateOf } from '../jitp/template-cases.ts'
import { deviceRegion, type Field, openField, roleArn, type Unit } from './field.ts'

let field: Field

beforeAll(async () => {
  field = await openField()
})
afterAll(() => field.close())

const allow = (Action: Json, Resource: Json = '*') => ({ Effect: 'Allow', Action, Resource })
const documentOf = (...Statement: readonly Json[]) => JSON.stringify({ Version: '2012-10-17', Statement })

/** A line of its own, whose CA is registered with a template of this policy, or this one. */
async function makeLine(
  name: string,
  template = templateWith(documentOf(allow('iot:*'))),
  subject?: Subject
) {
  await field.makeAuthority(name, 9125, subject)
  await field.postProfile(name, template, { authority: name })
  await field.register(`${name}-g1`, { region: deviceRegion, profile: name, roleArn })
}

const templateWith = (policyDocument: string) => templateOf({ policy: { PolicyDocument: policyDocument } })

/** A device whose policy says this, connected. */
async function powerUp(policyDocument: string, name: string) {
  await makeLine(name, templateWith(policyDocument))
  const unit = await field.issue(name, { CommonName: name })
  return { unit, client: await provision(unit, name) }
}

async function provision(unit: Unit, clientId: string): Promise<MqttClient> {
  await expect(field.connect(unit, clientId)).rejects.toThrow()
  await field.cloud.settled()
  const client = await field.connect(unit, clientId)
  onTestFinished(async () => {
    await client.endAsync(true)
  })
  return client
}

function createClient(): IoTClient {
  const credentials = { accessKeyId: 'AKIDFIELD', secretAccessKey: 'never-verified' }
  const client = new IoTClient({ region: deviceRegion, endpoint: field.cloud.controlUrl, credentials })
  onTestFinished(() => client.destroy())
  return client
}

const isClosed = (client: MqttClient) =>
  new Promise<'closed'>(resolve => client.once('close', () => resolve('closed')))
const lastLine = (unit: Unit) => field.logOf(unit.certificateId).at(-1)

/** What the first answer to a request says, on a topic below it. */
async function answerOn(client: MqttClient, topic: string, payload: string): Promise<string> {
  await client.subscribeAsync(`${topic}/+`, { qos: 1 })
  const answer = new Promise<string>(resolve => {
    client.on('message', (on, body) => {
      const { code, errorCode } = JSON.parse(body.toString()) as Record<string, unknown>
      resolve([on.slice(topic.length), code, errorCode].filter(Boolean).join(' '))
    })
  })
  await client.publishAsync(topic, payload, { qos: 1 })
  return answer
}

describe('rehearsal: the first messages of a device', () => {
  it('#28 turns a fleet client away, with the policy of the device or with an answer', async () => {
    const topic = '$aws/certificates/create/json'
    const narrow = await powerUp(documentOf(allow('iot:Connect')), 'unit-28a')
    const closed = isClosed(narrow.client)
    narrow.client.publish(topic, '{}')
    expect(await closed).toBe('closed')
    expect(lastLine(narrow.unit)).toBe('Publish Failure UnauthorizedException')
    const wide = await powerUp(documentOf(allow('iot:*')), 'unit-28b')
    expect(await answerOn(wide.client, topic, '{}')).toBe('/rejected InvalidRequestException')
    expect(lastLine(wide.unit)).toBe('CreateKeysAndCertificate Failure InvalidRequestException')
  })

  it('#29 refuses a subscription that the policy does not allow, and delivers nothing without iot:Receive', async () => {
    const { unit, client } = await powerUp(documentOf(allow(['iot:Connect', 'iot:Publish'])), 'unit-29a')
    await expect(client.subscribeAsync('orders/unit-29a', { qos: 1 })).rejects.toThrow()
    expect(lastLine(unit)).toBe('Subscribe Failure UnauthorizedException')
    const deaf = await powerUp(documentOf(allow(['iot:Connect', 'iot:Publish', 'iot:Subscribe'])), 'unit-29b')
    const heard: string[] = []
    deaf.client.on('message', topic => heard.push(topic))
    expect(await deaf.client.subscribeAsync('orders/unit-29b', { qos: 1 })).toMatchObject([{ qos: 1 }])
    await deaf.client.publishAsync('orders/unit-29b', 'Hello', { qos: 1 })
    await deaf.client.publishAsync('orders/unit-29b', 'Hello', { qos: 1 })
    expect(heard).toEqual([])
  })

  it('#31 refuses a template at registration whose policy has neither name nor document', async () => {
    await field.makeAuthority('refused')
    const { caCertificateId } = await field.register('refused-g1', { region: deviceRegion })
    const templateBody = JSON.stringify({
      Resources: { policy: { Type: 'AWS::IoT::Policy', Properties: {} } }
    })
    const update = new UpdateCACertificateCommand({
      certificateId: caCertificateId,
      registrationConfig: { templateBody, roleArn }
    })
    await expect(createClient().send(update)).rejects.toMatchObject({ name: 'InvalidRequestException' })
  })

  it('#33 provisions a device that sends no CA certificate, until a second CA bears the name', async () => {
    const subject = { Organization: 'Acme', CommonName: 'Lone CA' }
    await makeLine('lone-a', undefined, subject)
    const alone = (unit: Unit) => ({ ...unit, chainPem: unit.certificatePem })
    const first = await field.issue('lone-a', { CommonName: 'unit-33a' })
    await provision(alone(first), 'unit-33a')
    await makeLine('lone-b', undefined, subject)
    const second = await field.issue('lone-a', { CommonName: 'unit-33b' })
    await expect(field.connect(alone(second), 'unit-33b')).rejects.toThrow()
    expect(field.logOf(second.certificateId)).toEqual(['Connect Failure CertificateConflictException'])
    await provision(second, 'unit-33b')
  })

  it('#34 wants to know which CA it is, of two with one subject, where a certificate is registered by hand', async () => {
    const subject = { Organization: 'Acme', CommonName: 'Twin CA' }
    for (const name of ['hand-a', 'hand-b']) await makeLine(name, undefined, subject)
    const { certificatePem, chainPem } = await field.issue('hand-a', { CommonName: 'unit-34' })
    const client = createClient()
    const input = { certificatePem, status: 'ACTIVE' } as const
    await expect(client.send(new RegisterCertificateCommand(input))).rejects.toMatchObject({
      name: 'CertificateConflictException'
    })
    const caCertificatePem = chainPem.slice(certificatePem.length)
    const { certificateId } = await client.send(
      new RegisterCertificateCommand({ ...input, caCertificatePem })
    )
    expect(field.statusOf(certificateId!)).toBe('ACTIVE')
  })

  it('#35 has a second thing for a device whose new certificate names the thing', async () => {
    const template = templateOf({ parameters: ['CommonName', 'Id'], thing: { ThingName: ref('Id') } })
    await makeLine('renewed', template)
    const before = field.cloud.registry.listThings().length
    for (let certificates = 1; certificates <= 2; certificates++) {
      const unit = await field.issue('renewed', { CommonName: 'unit-35' })
      await expect(field.connect(unit, 'unit-35')).rejects.toThrow()
      await field.cloud.settled()
      expect(field.cloud.registry.findThing(unit.certificateId)).toBeDefined()
    }
    expect(field.cloud.registry.listThings()).toHaveLength(before + 2)
  })

  it.each([
    [128 * 1024, 'Publish Success'],
    [128 * 1024 + 1, 'Publish Failure LimitExceededException']
  ])('#36 closes the connection at a message of more than 128 KiB: %i octets', async (octets, line) => {
    const { unit, client } = await powerUp(documentOf(allow('iot:*')), `unit-36-${octets}`)
    const closed = isClosed(client)
    const published = client.publishAsync('state', 'x'.repeat(octets), { qos: 1 })
    published.catch(() => undefined)
    await Promise.race([published, closed])
    expect(lastLine(unit)).toBe(line)
  })

  it('#38 lets a device at its shadow only where the policy names the topics, and says that there is none yet', async () => {
    const topic = '$aws/things/unit-38a/shadow/get'
    const ownTopics = allow(['iot:Publish', 'iot:Receive'], 'arn:aws:iot:*:*:topic/device/*')
    const outside = await powerUp(documentOf(allow(['iot:Connect', 'iot:Subscribe']), ownTopics), 'unit-38a')
    const closed = isClosed(outside.client)
    outside.client.publish(topic, '')
    expect(await closed).toBe('closed')
    expect(lastLine(outside.unit)).toBe('Publish Failure UnauthorizedException')
    // The actions of the HTTP API do nothing for MQTT.
    const byApi = allow(['iot:GetThingShadow', 'iot:UpdateThingShadow'])
    const mistaken = await powerUp(documentOf(allow(['iot:Connect', 'iot:Subscribe']), byApi), 'unit-38b')
    const dropped = isClosed(mistaken.client)
    mistaken.client.publish('$aws/things/unit-38b/shadow/get', '')
    expect(await dropped).toBe('closed')
    const right = await powerUp(documentOf(allow('iot:*')), 'unit-38c')
    expect(await answerOn(right.client, '$aws/things/unit-38c/shadow/get', '')).toBe('/rejected 404')
    expect(lastLine(right.unit)).toBe('GetThingShadow Failure ResourceNotFoundException')
  })
})
