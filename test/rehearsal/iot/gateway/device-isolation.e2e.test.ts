import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { needs } from '../../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createCa, issueDevice, type OpensslCertificate } from '../openssl-pki.ts'
import { openRehearsal, registerCa, type Rehearsal } from './device-rehearsal.ts'

let folder: TemporaryDirectory
let rehearsal: Rehearsal
let ca: OpensslCertificate

beforeAll(async () => {
  folder = await createTemporaryDirectory()
  ca = createCa(folder.path, '/O=Example/CN=Factory CA')
})
afterAll(() => folder.remove())

interface Unit {
  readonly name: string
  readonly device: OpensslCertificate
  readonly certificateArn: string
}

/** A rehearsal in which the devices of these names are provisioned, each with the factory's policy. */
async function openWith(...names: readonly string[]): Promise<readonly Unit[]> {
  rehearsal = await openRehearsal()
  const { registry, gateway, connect } = rehearsal
  registerCa(registry, ca)
  const units: Unit[] = []
  for (const name of names) {
    const device = issueDevice(ca, `/CN=${name}`, { directory: folder.path })
    await expect(connect(device, name)).rejects.toThrow()
    await gateway.settled()
    const [principal] = registry.findThing(name)?.principals ?? []
    units.push({ name, device, certificateArn: principal!.principal })
  }
  return units
}

const listened = async (topicFilter: string) => {
  const heard: string[] = []
  await rehearsal.gateway.subscribe(topicFilter, topic => heard.push(topic))
  return heard
}

const allow = (policyName: string, ...actions: readonly string[]) => {
  const statement = { Effect: 'Allow', Action: actions, Resource: '*' }
  rehearsal.registry.createPolicy(
    policyName,
    JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
  )
}

describe('a device among others', needs('openssl'), () => {
  const isPublication = ({ eventType }: { eventType: string }) => eventType === 'Publish'

  it.each([
    [4, 'device/unit-2/gone'],
    [5, 'device/unit-2/gone'],
    [4, '$aws/events/certificates/registered/x']
  ] as const)('has no will, in MQTT %d, that may not be published: %s', async (protocolVersion, topic) => {
    const [unit] = await openWith('unit-1')
    const heard = await listened(topic)
    const will = { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    const client = await rehearsal.connect(unit!.device, unit!.name, { protocolVersion, will })
    client.stream.destroy()
    await vi.waitFor(
      () =>
        expect(rehearsal.registry.entries.find(isPublication)).toMatchObject({ outcome: 'Failure', topic }),
      10_000
    )
    expect(heard).toEqual([])
  })

  it('has no will once its certificate is not ACTIVE any more', async () => {
    const [unit] = await openWith('unit-1')
    const topic = 'device/unit-1/gone'
    const heard = await listened(topic)
    const will = { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    await rehearsal.connect(unit!.device, unit!.name, { will })
    const { registry } = rehearsal
    registry.setCertificateStatus(unit!.certificateArn.split('/')[1]!, 'REVOKED')
    await vi.waitFor(() => expect(registry.entries.find(isPublication)?.outcome).toBe('Failure'), 5000)
    expect(heard).toEqual([])
  })

  it('does not receive what others had retained, where it may subscribe but not receive', async () => {
    const [writer, reader] = await openWith('unit-1', 'unit-2')
    allow('retain', 'iot:RetainPublish')
    allow('subscribe', 'iot:Subscribe')
    rehearsal.registry.attachPolicy('retain', writer!.certificateArn)
    rehearsal.registry.attachPolicy('subscribe', reader!.certificateArn)
    const from = await rehearsal.connect(writer!.device, writer!.name)
    await from.publishAsync('device/unit-1/state', 'secret', { qos: 1, retain: true })
    const to = await rehearsal.connect(reader!.device, reader!.name)
    const topics: string[] = []
    to.on('message', topic => topics.push(topic))
    await to.subscribeAsync('device/#', { qos: 1 })
    await to.publishAsync('device/unit-2/state', 'own', { qos: 1 })
    await vi.waitFor(() => expect(topics).toContain('device/unit-2/state'), 10_000)
    expect(topics).toEqual(['device/unit-2/state'])
  })

  it('does not receive from its session what came after its policy was taken away', async () => {
    const [unit, other] = await openWith('unit-1', 'unit-2')
    const { registry, connect } = rehearsal
    allow('anything', 'iot:*')
    allow('connect', 'iot:Connect')
    registry.attachPolicy('anything', other!.certificateArn)
    const first = await connect(unit!.device, unit!.name, { clean: false })
    await first.subscribeAsync('device/unit-1/#', { qos: 1 })
    await first.endAsync()
    registry.detachPolicy('factory-device', unit!.certificateArn)
    registry.attachPolicy('connect', unit!.certificateArn)
    const sender = await connect(other!.device, other!.name)
    await sender.publishAsync('device/unit-1/before', '', { qos: 1 })
    const topics: string[] = []
    const again = await connect(unit!.device, unit!.name, { clean: false })
    again.on('message', topic => topics.push(topic))
    await sender.publishAsync('device/unit-1/during', '', { qos: 1 })
    registry.attachPolicy('factory-device', unit!.certificateArn)
    await again.subscribeAsync('device/unit-1/#', { qos: 1 })
    await sender.publishAsync('device/unit-1/after', '', { qos: 1 })
    await vi.waitFor(() => expect(topics).toContain('device/unit-1/after'), 10_000)
    expect(topics).toEqual(['device/unit-1/after'])
  })
})
