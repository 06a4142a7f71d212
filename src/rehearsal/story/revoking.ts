import type { KeyObject } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { DescribeCertificateCommand, type IoTClient } from '@aws-sdk/client-iot'
import type { MqttClient } from 'mqtt'
import type { Prediction } from '../../jitp/evaluation/prediction.ts'
import type { IotStandIn } from '../iot/iot-stand-in.ts'
import { type Broker, connectOnce, type Identity, pauseBetweenConnectsMs } from './device.ts'
import type { StoryIssuance } from './factory.ts'
import type { ServiceClient } from './service/service-client.ts'
import { type Steps, StoryFailure } from './steps.ts'

export interface Revoking {
  readonly admin: ServiceClient
  readonly standIn: IotStandIn
  readonly steps: Steps
  readonly issuance: StoryIssuance
  readonly prediction: Prediction
  /** Undefined: no device can be played, and the status at AWS IoT is all there is to see. */
  readonly privateKey: KeyObject | undefined
  readonly iot: IoTClient
  readonly signal: AbortSignal
}

/** The job that tells AWS IoT begins at once, or within a minute. */
const toldWithinMs = 90_000
/** The stand-in looks each two seconds; AWS IoT takes minutes. */
const droppedWithinMs = 15_000

/** The end of a device: its certificate is revoked while it is connected. */
export async function revokeDevice(parts: Revoking): Promise<void> {
  const { standIn, steps, issuance, prediction, privateKey } = parts
  if (privateKey === undefined) {
    await revoke(parts)
    return steps.leaveOut('Its connection is ended', 'Without the private key (--key) no device can connect.')
  }
  const { endpointAddress, mqttPort: port, serverCaPem } = standIn
  const broker: Broker = { endpointAddress, port, serverCaPem }
  const clientId = prediction.thing?.thingName ?? issuance.certificateId.slice(0, 32)
  const identity: Identity = { clientId, chainPem: issuance.chainPem, privateKey }
  const client = await steps.run(
    'The device connects once more, and stays',
    () => connectAgain(parts, broker, identity),
    () => `As client ${clientId}`
  )
  try {
    const closed = new Promise<void>(resolve => client.once('close', () => resolve()))
    await revoke(parts)
    await steps.run(
      'Its connection is ended',
      () => expectClosed(closed),
      () => 'AWS IoT ends the connections of a certificate that is not ACTIVE any more, within minutes.'
    )
  } finally {
    await client.endAsync(true)
  }
  await steps.run(
    'It tries again, and is refused',
    () => expectRefusal(parts, broker, identity),
    () => 'No CONNACK: the certificate is known, and REVOKED.'
  )
}

async function connectAgain({ signal }: Revoking, broker: Broker, identity: Identity): Promise<MqttClient> {
  await wait(pauseBetweenConnectsMs, undefined, { signal })
  const client = await connectOnce(broker, identity)
  if (client !== undefined) return client
  throw new StoryFailure('The device is not let in, although it was before.')
}

async function revoke({ admin, steps, issuance, iot, signal }: Revoking): Promise<void> {
  await steps.run(
    'Revoke its certificate, and wait until AWS IoT has been told',
    async () => {
      const grounds = { reason: 'keyCompromise', note: 'rehearsal' }
      await admin.post(`/v1/certificates/${issuance.certificateId}/revoke`, grounds)
      const deadline = performance.now() + toldWithinMs
      for (;;) {
        const status = await statusOf(iot, issuance.certificateId)
        if (status === 'REVOKED') return
        if (performance.now() > deadline)
          throw new StoryFailure(
            `AWS IoT still has it ${status}. GET /v1/aws-pushes of the service says why.`
          )
        await wait(200, undefined, { signal })
      }
    },
    () => 'REVOKED in the account.'
  )
}

async function statusOf(iot: IoTClient, certificateId: string): Promise<string> {
  const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }))
  return certificateDescription?.status ?? 'unknown'
}

async function expectClosed(closed: Promise<unknown>): Promise<void> {
  const late = wait(droppedWithinMs).then(() => {
    throw new StoryFailure('The device is still connected.')
  })
  await Promise.race([closed, late])
}

async function expectRefusal(
  { signal, standIn, issuance }: Revoking,
  broker: Broker,
  identity: Identity
): Promise<void> {
  await wait(pauseBetweenConnectsMs, undefined, { signal })
  const client = await connectOnce(broker, identity)
  if (client !== undefined) {
    await client.endAsync(true)
    throw new StoryFailure('The device is let in.')
  }
  const { certificateId } = issuance
  const refused = standIn.registry.entries.findLast(entry => entry.certificateId === certificateId)
  if (refused?.outcome === 'Failure' && refused.eventType === 'Connect') return
  throw new StoryFailure('The device is not let in, but AWS IoT does not say that it refused it.')
}
