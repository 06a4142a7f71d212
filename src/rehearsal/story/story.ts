import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { IoTClient } from '@aws-sdk/client-iot'
import type { Prediction } from '../../jitp/evaluation/prediction.ts'
import type { TemplateSwitches } from '../../jitp/template/options.ts'
import { createIotStandIn, type IotStandIn } from '../iot/iot-stand-in.ts'
import type { StandInSettings } from '../iot/stand-in-settings.ts'
import { createKmsStandIn, type KmsStandIn } from '../kms/kms-stand-in.ts'
import { makeDevice } from './device.ts'
import { issue, makeAuthority, postProfile, profile, register, type StoryDevice } from './factory.ts'
import type { Place } from './place.ts'
import { powerUp } from './power-up.ts'
import { makePrerequisites } from './prerequisites.ts'
import { type Compared, compareWithPrediction } from './report/comparison.ts'
import { readProvisioned } from './report/provisioned.ts'
import type { StoryReport } from './report/report.ts'
import { revokeDevice } from './revoking.ts'
import { createServiceClient, type ServiceClient } from './service/service-client.ts'
import { startServiceProcess } from './service/service-process.ts'
import { createSteps, type StepReport, type Steps, StoryFailure } from './steps.ts'
import { readStoryTemplate, sampleSubjectFor, type StoryTemplate, storyTemplate } from './template.ts'

export interface StoryOptions {
  /** How its service is started; it stops when its standard input ends, and removes the data directory that it makes. */
  readonly serviceCommand: readonly string[]
  /** Removes a data directory that a service left behind that was killed, and ends what it left running. */
  readonly clearUp: (dataDirectory: string) => Promise<void>
  /** What the service inherits, such as PATH. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The user's own provisioning template, in any form that `mintline template check` reads. */
  readonly templateText?: string | undefined
  /** What that template is read with, and how the stand-in behaves. */
  readonly switches: TemplateSwitches
  /** The user's own CSR, as text. */
  readonly csrText?: string | undefined
  /** The private key of that CSR, PEM. Without it the device cannot connect. */
  readonly privateKeyPem?: string | undefined
  /** Whether the CA key is in KMS. */
  readonly kms: boolean
  /** Whether its certificate is revoked at the end, while the device is connected. */
  readonly revoke: boolean
  readonly onStep: (report: StepReport, number: number) => void
  /** Ends the story early; what was started is stopped all the same. */
  readonly signal: AbortSignal
}

/**
 * Plays the whole road of a device on this machine: the service, its CA, the registration with a stand-in of AWS IoT,
 * the CSR, the first power-up and what comes of it, held against what pre-flight predicted. Nothing is left behind.
 */
export async function playStory(options: StoryOptions): Promise<StoryReport> {
  const start = performance.now()
  const steps = createSteps(options.onStep, options.signal)
  const comparison = await playAndStop(options, steps)
  return {
    verdict: verdictOf(steps, comparison),
    milliseconds: Math.round(performance.now() - start),
    steps: steps.reports,
    comparison
  }
}

/** @returns nothing to compare when a step failed, which `steps` reported. */
async function playAndStop(options: StoryOptions, steps: Steps): Promise<readonly Compared[]> {
  // Stops everything in the reverse order, also when one of them cannot be stopped.
  await using stops = new AsyncDisposableStack()
  try {
    return await play({ options, steps, stops })
  } catch (error) {
    if (!(error instanceof StoryFailure)) throw error
    return []
  }
}

function verdictOf({ reports }: Steps, comparison: readonly Compared[]): StoryReport['verdict'] {
  if (comparison.length === 0 || reports.some(({ outcome }) => outcome === 'failed')) return 'failed'
  return comparison.every(({ isEqual }) => isEqual) ? 'as-predicted' : 'not-as-predicted'
}

/** Where the story is played. */
interface Stage {
  readonly options: StoryOptions
  readonly steps: Steps
  /** Takes what is to be stopped at the end. */
  readonly stops: AsyncDisposableStack
}

async function play(stage: Stage): Promise<readonly Compared[]> {
  const { options, steps } = stage
  const { signal } = options
  const template = await steps.run(
    'Read the provisioning template',
    async () => readStoryTemplate(options.templateText ?? storyTemplate, options.switches),
    ({ requiredFields, warnings }) =>
      [`Certificates must carry: ${requiredFields.join(', ') || 'no particular field'}.`, ...warnings].join(
        '\n'
      )
  )
  const standIn = await startStandIn(template, stage)
  const kms = options.kms ? await startKms(template.place, stage) : undefined
  const { admin, station } = await startService(standIn, kms, stage)
  await makeAuthority(admin, kms, steps)
  await postProfile(admin, template, steps)
  const iot = createClient(standIn, stage)
  const device = await makeOrReadDevice(template, stage)
  await steps.run(
    'Make in AWS IoT what the template expects to find',
    async () => makePrerequisites(iot, await preview(station, { csr: device.csrPem })),
    made => (made.length === 0 ? 'Nothing: the template makes all that it needs.' : made.join('\n'))
  )
  await register({ admin, template, standIn, steps, signal })
  const issuance = await issue(station, device, steps)
  const prediction = await preview(station, { certificate: issuance.certificatePem })
  await powerUp({ standIn, steps, issuance, prediction, privateKey: device.privateKey, iot, signal })
  const comparison = await steps.run(
    'Ask AWS IoT what it holds now, and hold it against the prediction',
    async () => compareWithPrediction(prediction, await readProvisioned(iot, issuance.certificateId)),
    compared => `${compared.filter(({ isEqual }) => isEqual).length} of ${compared.length} equal`
  )
  const { privateKey } = device
  if (options.revoke)
    await revokeDevice({ admin, standIn, steps, issuance, prediction, privateKey, iot, signal })
  return comparison
}

/** AWS IoT as the user takes it to be. */
function standInSettings({
  serialNumberSource = 'certificate',
  functions,
  subjectCharacters,
  undeclaredCertificateId = 'refuse'
}: TemplateSwitches): Partial<StandInSettings> {
  return {
    serialNumberSource,
    intrinsicFunctions: functions === 'accept' ? 'evaluate' : 'refuse',
    subjectCharacters: subjectCharacters === 'accept' ? 'keep' : 'escape',
    undeclaredCertificateId
  }
}

async function startStandIn(template: StoryTemplate, { steps, stops }: Stage): Promise<IotStandIn> {
  const { accountId, region } = template.place
  const standIn = await steps.run(
    'Start the stand-in of AWS IoT Core',
    () => createIotStandIn({ region, accountId, settings: standInSettings(template.switches) }),
    ({ controlUrl, endpointAddress, mqttPort }) =>
      `API at ${controlUrl}, MQTT on port ${mqttPort} as ${endpointAddress}; account ${accountId}, region ${region}`
  )
  stops.defer(() => standIn.stop())
  return standIn
}

interface StoryKms {
  readonly standIn: KmsStandIn
  readonly keyArn: string
  readonly region: string
}

async function startKms({ region }: Place, { steps, stops }: Stage): Promise<StoryKms> {
  const kms = await steps.run(
    'Start the stand-in of AWS KMS, and make the CA key there',
    async () => {
      const standIn = await createKmsStandIn({ region })
      return { standIn, keyArn: await standIn.createKey('ECC_NIST_P256'), region }
    },
    ({ keyArn }) => keyArn
  )
  stops.defer(() => kms.standIn.stop())
  return kms
}

async function startService(
  standIn: IotStandIn,
  kms: StoryKms | undefined,
  { options, steps, stops }: Stage
): Promise<{ admin: ServiceClient; station: ServiceClient }> {
  const dataDirectory = join(tmpdir(), `mintline-rehearsal-${randomUUID()}`)
  stops.defer(() => options.clearUp(dataDirectory))
  const service = await steps.run(
    'Start Mintline on an empty embedded PostgreSQL',
    () =>
      startServiceProcess({
        command: options.serviceCommand,
        dataDirectory,
        environment: serviceEnvironment(options.environment, standIn, kms?.standIn),
        signal: options.signal
      }),
    ({ url }) => `It listens on ${url}`
  )
  stops.defer(() => service.stop())
  return {
    admin: createServiceClient(service.url, service.adminToken, options.signal),
    station: createServiceClient(service.url, service.stationToken, options.signal)
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
    // What these files say of endpoints would be heeded as well.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_ACCESS_KEY_ID: 'rehearsal',
    AWS_SECRET_ACCESS_KEY: 'rehearsal',
    AWS_REGION: standIn.registry.region,
    AWS_ENDPOINT_URL_IOT: standIn.controlUrl,
    AWS_ENDPOINT_URL_IAM: standIn.controlUrl,
    ...(kms === undefined ? {} : { AWS_ENDPOINT_URL_KMS: kms.url })
  }
}

function createClient(standIn: IotStandIn, { stops }: Stage): IoTClient {
  const iot = new IoTClient({
    region: standIn.registry.region,
    endpoint: standIn.controlUrl,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    credentials: { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' }
  })
  stops.defer(() => iot.destroy())
  return iot
}

async function makeOrReadDevice(
  { requiredFields }: StoryTemplate,
  { options, steps }: Stage
): Promise<StoryDevice> {
  const { csrText, privateKeyPem } = options
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
