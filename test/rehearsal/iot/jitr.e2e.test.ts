import {
  IoTClient,
  RegisterCertificateCommand,
  RegisterCertificateWithoutCACommand
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createIotStandIn } from '../../../src/rehearsal/iot/iot-stand-in.ts'
import { needs } from '../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import {
  openRehearsal,
  registerCa,
  type Rehearsal,
  roleArn,
  workingTemplate
} from './gateway/device-rehearsal.ts'
import { createCa, issueDevice, type OpensslCertificate } from './openssl-pki.ts'

let folder: TemporaryDirectory
let ca: OpensslCertificate

beforeAll(async () => {
  folder = await createTemporaryDirectory()
  ca = createCa(folder.path, '/O=Example/CN=Factory CA')
})
afterAll(() => folder.remove())

/** A client of the back end, with a certificate of another CA that was registered by hand. */
async function openBackEnd({ registry, connect }: Rehearsal) {
  const backEnd = issueDevice(createCa(folder.path, '/CN=Office CA'), '/CN=back-end', {
    directory: folder.path
  })
  const { certificatePem } = backEnd
  const { certificateId } = registry.registerCertificateWithoutCa({ certificatePem, status: 'ACTIVE' })
  registry.createPolicy(
    'back-end',
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }]
    })
  )
  registry.attachPolicy('back-end', registry.certificateArn(certificateId))
  return connect(backEnd, 'back-end')
}

describe('just-in-time registration', needs('openssl'), () => {
  it('announces a device to a subscriber each time, until it is made ACTIVE', async () => {
    const rehearsal = await openRehearsal()
    const { registry, connect } = rehearsal
    const { certificateId: caCertificateId } = registerCa(registry, ca, null)
    const backEnd = await openBackEnd(rehearsal)
    const topic = `$aws/events/certificates/registered/${caCertificateId}`
    const events: unknown[] = []
    backEnd.on('message', (_, payload) => events.push(JSON.parse(payload.toString())))
    await backEnd.subscribeAsync(topic, { qos: 1 })

    const device = issueDevice(ca, '/CN=unit-1', { directory: folder.path })
    await expect(connect(device, 'unit-1')).rejects.toThrow()
    await expect(connect(device, 'unit-1')).rejects.toThrow()
    await vi.waitFor(() => expect(events).toHaveLength(2), 10_000)
    const [certificate] = registry.listCertificatesByCa(caCertificateId)
    expect(certificate?.status).toBe('PENDING_ACTIVATION')
    expect(events[0]).toEqual({
      certificateId: certificate?.certificateId,
      caCertificateId,
      timestamp: expect.any(Number) as number,
      certificateStatus: 'PENDING_ACTIVATION',
      awsAccountId: registry.accountId,
      certificateRegistrationTimestamp: String(certificate?.createdAt)
    })
    expect(registry.listThings()).toEqual([])

    const certificateId = certificate?.certificateId ?? ''
    registry.createThing({ thingName: 'unit-1' })
    registry.attachThingPrincipal('unit-1', registry.certificateArn(certificateId))
    registry.attachPolicy('factory-device', registry.certificateArn(certificateId))
    registry.setCertificateStatus(certificateId, 'ACTIVE')
    expect((await connect(device, 'unit-1')).connected).toBe(true)
    expect(events).toHaveLength(2)
  })

  it('gives way to provisioning when the CA gets a template, for pending devices too', async () => {
    const rehearsal = await openRehearsal()
    const { registry, gateway, connect } = rehearsal
    const { certificateId } = registerCa(registry, ca, null)
    const device = issueDevice(ca, '/CN=unit-1', { directory: folder.path })
    await expect(connect(device, 'unit-1')).rejects.toThrow()
    await gateway.settled()
    expect(registry.listThings()).toEqual([])
    registry.updateCaCertificate(certificateId, {
      registrationConfig: { templateBody: JSON.stringify(workingTemplate()), roleArn }
    })
    await expect(connect(device, 'unit-1')).rejects.toThrow()
    await gateway.settled()
    expect((await connect(device, 'unit-1')).connected).toBe(true)
    expect(registry.listThings()).toHaveLength(1)
  })

  it('no longer announces a pending device once its CA is INACTIVE', async () => {
    const rehearsal = await openRehearsal()
    const { registry, gateway, connect } = rehearsal
    const { certificateId } = registerCa(registry, ca, null)
    const topics: string[] = []
    await gateway.subscribe('$aws/events/certificates/registered/#', topic => topics.push(topic))
    const device = issueDevice(ca, '/CN=unit-1', { directory: folder.path })
    await expect(connect(device, 'unit-1')).rejects.toThrow()
    await vi.waitFor(() => expect(topics).toHaveLength(1), 10_000)
    registry.updateCaCertificate(certificateId, { status: 'INACTIVE' })
    await expect(connect(device, 'unit-1')).rejects.toThrow()
    expect(registry.entries.at(-1)?.errorCode).toBe('CertificateStateException')
    expect(topics).toEqual([`$aws/events/certificates/registered/${certificateId}`])
  })

  it('is not announced for a certificate that is registered by hand', async () => {
    const standIn = await createIotStandIn({ provisioningDelayMs: 20 })
    onTestFinished(() => standIn.stop())
    const { registry } = standIn
    const topics: string[] = []
    await standIn.subscribe('$aws/events/#', topic => topics.push(topic))
    const { certificateId: caCertificateId } = registerCa(registry, ca, null)
    const client = new IoTClient({
      region: registry.region,
      endpoint: standIn.controlUrl,
      credentials: { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' }
    })
    onTestFinished(() => client.destroy())
    const byHand = issueDevice(ca, '/CN=by-hand', { directory: folder.path })
    for (const status of ['INACTIVE', 'ACTIVE'] as const) {
      const { certificatePem } = issueDevice(ca, `/CN=${status}`, { directory: folder.path })
      await client.send(new RegisterCertificateCommand({ certificatePem, status }))
    }
    await client.send(new RegisterCertificateWithoutCACommand({ certificatePem: byHand.certificatePem }))
    // One that comes by itself is heard, and it comes after them.
    await standIn.present(issueDevice(ca, '/CN=unit-1', { directory: folder.path }).certificatePem)
    await vi.waitFor(() => expect(topics).not.toEqual([]), 10_000)
    expect(topics).toEqual([`$aws/events/certificates/registered/${caCertificateId}`])
  })
})
