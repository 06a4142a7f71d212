import { once } from 'node:events'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IoTClient } from '@aws-sdk/client-iot'
import type { Prediction } from '../../jitp/prediction.ts'
import { createIotStandIn, type IotStandIn } from '../iot/iot-stand-in.ts'
import { createKmsStandIn, type KmsStandIn } from '../kms/kms-stand-in.ts'
import { compareWithPrediction, type Compared } from './comparison.ts'
import { makeDevice } from './device.ts'
import {
  defaultAccountId,
  issue,
  makeAuthority,
  postProfile,
  profile,
  region,
  register,
  type StoryDevice
} from './factory.ts'
import { powerUp } from './power-up.ts'
import { makePrerequisites } from './prerequisites.ts'
import { readProvisioned } from './provisioned.ts'
import type { StoryReport } from './report.ts'
import { createServiceClient, type ServiceClient } from './service-client.ts'
import { startServiceProcess } from './service-process.ts'
import { createSteps, StoryFailure, type StepReport, type Steps } from './steps.ts'
import { readStoryTemplate, sampleSubjectFor, storyTemplate, type StoryTemplate } from './template.ts'

export interface StoryOptions {
  /** How `mintline` is started. */
  readonly command: readonly string[]
  /** What the service inherits, such as PATH. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The user's own provisioning template, in any form that `mintline template check` reads. */
  readonly templateText?: string | undefined
  /** The user's own CSR, as text. */
  readonly csrText?: string | undefined
  /** The private key of that CSR, PEM. Without it the device cannot connect. */
  readonly privateKeyPem?: string | undefined
  /** Whether the CA key is in KMS. */
  readonly kms: boolean
  readonly onStep: (report: StepReport, number: number) => void
  /** Ends the story early; what was started is stopped all the same. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Plays the whole road of a device on this machine: the service, its CA, the registration with a stand-in of AWS IoT,
 * the CSR, the first power-up and what comes of it, held against what pre-flight predicted. Nothing is left behind.
 */
export async function playStory(options: StoryOptions): Promise<StoryReport> {
  const start = performance.now()
  const steps = createSteps(options.onStep)
  const stops: (() => Promise<unknown>)[] = []
  let comparison: readonly Compared[] = []
  try {
    comparison = await Promise.race([play(options, steps, stops), interruption(options.signal)])
  } catch (error) {
    if (!(error instanceof StoryFailure)) throw error
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
  return {
    verdict: verdictOf(steps, comparison),
    milliseconds: Math.round(performance.now() - start),
    steps: steps.reports,
    comparison
  }
}

async function interruption(signal: AbortSignal | undefined): Promise<never> {
  if (signal === undefined) return new Promise(() => undefined)
  if (!signal.aborted) await once(signal, 'abort')
  throw new StoryFailure('interrupted')
}

function verdictOf({ reports }: Steps, comparison: readonly Compared[]): StoryReport['verdict'] {
  if (comparison.length === 0 || reports.some(({ outcome }) => outcome === 'failed')) return 'failed'
  return comparison.every(({ isEqual }) => isEqual) ? 'as-predicted' : 'not-as-predicted'
}

type Stops = (() => Promise<unknown>)[]

async function play(options: StoryOptions, steps: Steps, stops: Stops): Promise<readonly Compared[]> {
  const template = await steps.run(
    'Read the provisioning template',
    async () => readStoryTemplate(options.templateText ?? storyTemplate),
    ({ requiredFields }) => `Certificates must carry: ${requiredFields.join(', ') || 'no particular field'}.`
  )
  const standIn = await startStandIn(template, steps, stops)
  const kms = options.kms ? await startKms(steps, stops) : undefined
  const { admin, station } = await startService(options, standIn, kms, steps, stops)
  await makeAuthority(admin, kms, steps)
  await postProfile(admin, template, steps)
  const iot = createClient(standIn, stops)
  const device = await makeOrReadDevice(options, template, steps)
  await steps.run(
    'Make in AWS IoT what the template expects to find',
    async () => makePrerequisites(iot, await preview(station, { csr: device.csrPem })),
    made => (made.length === 0 ? 'Nothing: the template makes all that it needs.' : made.join('\n'))
  )
  await register(admin, template, standIn, steps)
  const issuance = await issue(station, device, steps)
  const prediction = await preview(station, { certificate: issuance.certificatePem })
  await powerUp({ standIn, steps, issuance, prediction, privateKey: device.privateKey, iot })
  return steps.run(
    'Ask AWS IoT what it holds now, and hold it against the prediction',
    async () => compareWithPrediction(prediction, await readProvisioned(iot, issuance.certificateId)),
    compared => `${compared.filter(({ isEqual }) => isEqual).length} of ${compared.length} equal`
  )
}

async function startStandIn(template: StoryTemplate, steps: Steps, stops: Stops): Promise<IotStandIn> {
  const accountId = template.roleArn?.split(':')[4] ?? defaultAccountId
  const standIn = await steps.run(
    'Start the stand-in of AWS IoT Core',
    () => createIotStandIn({ region, accountId }),
    ({ controlUrl, endpointAddress, mqttPort }) =>
      `API at ${controlUrl}, MQTT on port ${mqttPort} as ${endpointAddress}`
  )
  stops.push(() => standIn.stop())
  return standIn
}

async function startKms(steps: Steps, stops: Stops): Promise<{ standIn: KmsStandIn; keyArn: string }> {
  const kms = await steps.run(
    'Start the stand-in of AWS KMS, and make the CA key there',
    async () => {
      const standIn = await createKmsStandIn({ region })
      return { standIn, keyArn: await standIn.createKey('ECC_NIST_P256') }
    },
    ({ keyArn }) => keyArn
  )
  stops.push(() => kms.standIn.stop())
  return kms
}

async function startService(
  options: StoryOptions,
  standIn: IotStandIn,
  kms: { standIn: KmsStandIn } | undefined,
  steps: Steps,
  stops: Stops
): Promise<{ admin: ServiceClient; station: ServiceClient }> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'mintline-rehearsal-'))
  stops.push(() => rm(dataDirectory, { recursive: true, force: true }))
  const service = await steps.run(
    'Start Mintline on an empty embedded PostgreSQL',
    () =>
      startServiceProcess({
        command: options.command,
        dataDirectory,
        environment: serviceEnvironment(options.environment, standIn, kms?.standIn)
      }),
    ({ url }) => `It listens on ${url}`
  )
  stops.push(() => service.stop())
  return {
    admin: createServiceClient(service.url, service.adminToken),
    station: createServiceClient(service.url, service.stationToken)
  }
}

/** Nothing of the user's own settings and credentials: a rehearsal touches neither a real database nor a real account. */
function serviceEnvironment(
  environment: StoryOptions['environment'],
  standIn: IotStandIn,
  kms: KmsStandIn | undefined
): Readonly<Record<string, string>> {
  const inherited = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(MINTLINE_|DATABASE_URL|AWS_)/.test(entry[0])
  )
  return {
    ...Object.fromEntries(inherited),
    AWS_ACCESS_KEY_ID: 'rehearsal',
    AWS_SECRET_ACCESS_KEY: 'rehearsal',
    AWS_REGION: region,
    AWS_ENDPOINT_URL_IOT: standIn.controlUrl,
    AWS_ENDPOINT_URL_IAM: standIn.controlUrl,
    ...(kms === undefined ? {} : { AWS_ENDPOINT_URL_KMS: kms.url })
  }
}

function createClient(standIn: IotStandIn, stops: Stops): IoTClient {
  const iot = new IoTClient({
    region,
    endpoint: standIn.controlUrl,
    credentials: { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' }
  })
  stops.push(async () => iot.destroy())
  return iot
}

async function makeOrReadDevice(
  { csrText, privateKeyPem }: StoryOptions,
  { requiredFields }: StoryTemplate,
  steps: Steps
): Promise<StoryDevice> {
  if (csrText !== undefined) {
    return steps.run(
      'Read your CSR',
      async () =>
        ({ csrPem: csrText, privateKey: privateKeyPem && readPrivateKey(privateKeyPem) }) as StoryDevice,
      ({ privateKey }) =>
        privateKey === undefined ? 'Its key is not at hand (--key).' : 'Its key is at hand.'
    )
  }
  const subject = sampleSubjectFor(requiredFields)
  return steps.run(
    'Make a device key and its CSR',
    async () => makeDevice(subject),
    () =>
      Object.entries(subject)
        .map(([field, value]) => `${field}=${value}`)
        .join(', ')
  )
}

function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new StoryFailure('--key is no private key in PEM, or it is encrypted.', { cause })
  }
}

async function preview(station: ServiceClient, body: object): Promise<Prediction> {
  return (await station.post(`/v1/profiles/${profile}/preview`, body)) as unknown as Prediction
}
