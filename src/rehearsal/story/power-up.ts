import type { KeyObject } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { IoTClient } from '@aws-sdk/client-iot'
import type { MqttClient } from 'mqtt'
import type { Prediction } from '../../jitp/evaluation/prediction.ts'
import type { IotStandIn } from '../iot/iot-stand-in.ts'
import { type Broker, connectOnce, type Identity, pauseBetweenConnectsMs } from './device.ts'
import type { StoryIssuance } from './factory.ts'
import { readProvisioned } from './report/provisioned.ts'
import { type Steps, StoryFailure } from './steps.ts'
import { findTopic } from './topic.ts'

export interface PowerUp {
  readonly standIn: IotStandIn
  readonly steps: Steps
  readonly issuance: StoryIssuance
  readonly prediction: Prediction
  /** Undefined: no device can be played, and the certificate is presented without a connection. */
  readonly privateKey: KeyObject | undefined
  readonly iot: IoTClient
  readonly signal: AbortSignal
}

const connectWithinMs = 12_000

/** The device's first minutes: a connection that is dropped, one that is accepted, a message. */
export async function powerUp(parts: PowerUp): Promise<void> {
  const { standIn, steps, issuance, prediction, privateKey } = parts
  const clientId = prediction.thing?.thingName ?? issuance.certificateId.slice(0, 32)
  if (privateKey === undefined) return presentCertificate(parts)
  const broker: Broker = {
    endpointAddress: standIn.endpointAddress,
    port: standIn.mqttPort,
    serverCaPem: standIn.serverCaPem
  }
  const identity: Identity = { clientId, chainPem: issuance.chainPem, privateKey }
  await steps.run(
    'Power the device up: it connects for the first time, and is dropped',
    () => expectDrop(broker, identity),
    () => 'As AWS IoT does: the certificate is registered, the template runs, the device must try again.'
  )
  const connected = await steps.run(
    'It tries again until it is let in',
    () => connectAgain(parts, broker, identity),
    ({ attempts }) => `Accepted at attempt ${attempts + 1}, as client ${clientId}`
  )
  try {
    await publish(parts, clientId, connected.client)
  } finally {
    await connected.client.endAsync(true)
  }
}

async function expectDrop(broker: Broker, identity: Identity): Promise<void> {
  const client = await connectOnce(broker, identity)
  if (client === undefined) return
  await client.endAsync(true)
  throw new StoryFailure('The first connection was accepted. AWS IoT drops the one that registers a device.')
}

async function connectAgain(
  parts: PowerUp,
  broker: Broker,
  identity: Identity
): Promise<{ readonly client: MqttClient; readonly attempts: number }> {
  const deadline = performance.now() + connectWithinMs
  for (let attempts = 1; ; attempts++) {
    await wait(pauseBetweenConnectsMs, undefined, { signal: parts.signal })
    const client = await connectOnce(broker, identity)
    if (client !== undefined) return { client, attempts }
    if (isJudged(parts) || performance.now() > deadline)
      throw new StoryFailure(whyRefused(parts, 'The device is not let in.'))
  }
}

async function publish(parts: PowerUp, clientId: string, client: MqttClient) {
  const { standIn, steps, iot, issuance } = parts
  const { policies, thingName } = await readProvisioned(iot, issuance.certificateId)
  const topic = findTopic(
    policies.map(({ policyDocument }) => policyDocument),
    { clientId, thingName }
  )
  const title = 'It publishes a message'
  if (topic === undefined)
    return steps.leaveOut(
      title,
      'No policy of the device names a topic for it, or only by variables that are not known here.'
    )
  await steps.run(
    title,
    async () => {
      // AWS IoT closes the connection of a device that may not publish; the client would wait for its answer for ever.
      const isClosed = new Promise<true>(resolve => client.once('close', () => resolve(true)))
      const isRefused = await Promise.race([client.publishAsync(topic, 'Hello', { qos: 1 }), isClosed])
      if (isRefused === true) throw new StoryFailure(whyRefused(parts, 'The message is refused.'))
      const arrived = standIn.registry.entries.some(
        entry => entry.eventType === 'Publish' && entry.outcome === 'Success' && entry.topic === topic
      )
      if (!arrived) throw new StoryFailure(`The message to ${topic} was acknowledged and did not arrive.`)
    },
    () => `"Hello" arrived at ${topic}`
  )
}

/** The same as a first connection does at AWS IoT, without the proof that the device holds its key. */
async function presentCertificate(parts: PowerUp): Promise<void> {
  const { standIn, steps, issuance } = parts
  await steps.run(
    'Present the certificate to AWS IoT as a first connection would',
    async () => {
      await standIn.present(issuance.chainPem)
      const provisioned = entriesOf(parts).findLast(({ eventType }) => eventType === 'ProvisionDevice')
      if (provisioned?.outcome !== 'Success')
        throw new StoryFailure(whyRefused(parts, 'The device is not provisioned.'))
    },
    () => 'Without the private key (--key) no device can connect, so nothing is published.'
  )
}

/** What the stand-in logged of the device, in place of the CloudTrail of a real account. */
function whyRefused(parts: PowerUp, what: string): string {
  const failures = entriesOf(parts).filter(({ outcome }) => outcome === 'Failure')
  // That a device is pending says something only where nothing else does.
  const telling = failures.filter(({ errorCode }) => errorCode !== 'CertificateStateException')
  const reasons = (telling.length === 0 ? failures : telling).map(
    ({ eventType, errorCode, reason }) => `  ${eventType}: ${errorCode ?? ''} ${reason ?? ''}`
  )
  return [`${what} AWS IoT says:`, ...new Set(reasons)].join('\n')
}

/** Whether a device was refused after its provisioning had ended, well or badly: nothing changes from then on. */
function isJudged(parts: PowerUp): boolean {
  const entries = entriesOf(parts)
  const provisioned = entries.findIndex(({ eventType }) => eventType === 'ProvisionDevice')
  const refused = entries.findLastIndex(
    ({ eventType, outcome }) => eventType === 'Connect' && outcome === 'Failure'
  )
  return provisioned >= 0 && refused > provisioned
}

function entriesOf({ standIn, issuance }: PowerUp) {
  return standIn.registry.entries.filter(({ certificateId }) => certificateId === issuance.certificateId)
}
