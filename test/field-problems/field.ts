import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectMqtt, type IClientOptions, type MqttClient } from 'mqtt'
import type { AwsRegistrationAnswer } from '../../src/http/api/aws-registrations/schemas.ts'
import type { Issuance } from '../../src/http/api/issuances/schemas.ts'
import type { Subject } from '../../src/pki/name/subject-field.ts'
import { createIotStandIn, type IotStandIn } from '../../src/rehearsal/iot/iot-stand-in.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { type JsonMembers, templateOf } from '../jitp/template-cases.ts'
import { makeCertificationRequest, makeDeviceKey } from '../support/certification-request.ts'
import { startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase } from '../support/test-database.ts'

export const accountId = '111122223333'
export const otherAccountId = '444455556666'
/** Where devices connect; the other regions have a control plane alone. */
export const deviceRegion = 'us-east-1'
export const endpoint = 'a1b2c3d4e5f6g7-ats.iot.us-east-1.amazonaws.com'
export const roleArn = `arn:aws:iam::${accountId}:role/JITPRole`

interface Problem {
  readonly code: string
  readonly violations?: readonly { readonly pointer: string }[]
}

interface Answer<Body> {
  readonly status: number
  readonly body: Body & Partial<Problem>
}

/** What a unit carries when it leaves the factory. */
export interface Unit {
  readonly certificateId: string
  readonly certificatePem: string
  readonly chainPem: string
  readonly privateKeyPem: string
}

/** A factory and its cloud: the service as a process of its own, and one stand-in of AWS IoT Core with two accounts. */
export type Field = Awaited<ReturnType<typeof openField>>

export async function openField() {
  let clockOffsetMs = 0
  const folder = await createTemporaryDirectory()
  const database = await createTestDatabase()
  const cloud = await createIotStandIn({
    accountId,
    region: deviceRegion,
    endpointAddress: endpoint,
    accounts: new Map([['AKIDOTHER', otherAccountId]]),
    provisioningDelayMs: 40,
    tpsLimits: { RegisterThing: 10 },
    clock: () => Date.now() + clockOffsetMs
  })
  const environment = {
    ...(await cloudEnvironment(cloud, folder.path)),
    DATABASE_URL: database.connectionString,
    MINTLINE_LOG_LEVEL: 'error'
  }
  const service = await startServiceProcess(folder.path, environment)
  const call = createCall(service.url, {
    admin: await service.token('admin'),
    station: await service.token('station')
  })
  return {
    cloud,
    service,
    /** For commands that work on the same database and data directory. */
    environment: { ...environment, MINTLINE_DATA_DIR: folder.path },
    folder: folder.path,
    call,
    ...factoryOf(call),
    ...registrationsOf(call),
    ...devicesOf(cloud),
    /** Puts the clock of the cloud ahead. */
    setCloudClock(offsetMs: number) {
      clockOffsetMs = offsetMs
    },
    async close() {
      await service.end('SIGTERM')
      await cloud.stop()
      await database.drop()
      await folder.remove()
    }
  }
}

/** What the SDK of the service needs to find the stand-in, and nothing of the machine's own. */
async function cloudEnvironment({ controlUrl }: IotStandIn, folder: string) {
  const configFile = join(folder, 'aws-config')
  await writeFile(
    configFile,
    '[profile other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = never-verified\n'
  )
  return {
    AWS_ENDPOINT_URL: controlUrl,
    AWS_ACCESS_KEY_ID: 'AKIDFIELD',
    AWS_SECRET_ACCESS_KEY: 'never-verified',
    AWS_CONFIG_FILE: configFile,
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true'
  }
}

type Call = ReturnType<typeof createCall>
type Role = 'admin' | 'station'

function createCall(url: string, tokens: Readonly<Record<Role, string>>) {
  const send = async <Body>(role: Role, path: string, init: RequestInit): Promise<Answer<Body>> => {
    const authorization = `Bearer ${tokens[role]}`
    const response = await fetch(`${url}/v1${path}`, { ...init, headers: { ...init.headers, authorization } })
    return { status: response.status, body: (await response.json()) as Body & Partial<Problem> }
  }
  return {
    get: <Body = object>(role: Role, path: string) => send<Body>(role, path, { method: 'GET' }),
    post: <Body = object>(role: Role, path: string, body?: object) =>
      send<Body>(role, path, {
        method: 'POST',
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body)
        })
      })
  }
}

/** What administrators prepare, and what stations ask for. */
function factoryOf(call: Call) {
  /** A device posts its CSR; refusals are answered as they are. */
  const askCertificate = (profile: string, subject: Subject, key = makeDeviceKey()) => {
    const csr = Buffer.from(makeCertificationRequest(subject, key)).toString('base64')
    return call.post<Issuance>('station', '/issuances', { csr, profile })
  }
  return {
    askCertificate,
    async issue(profile: string, subject: Subject): Promise<Unit> {
      const key = makeDeviceKey()
      const { status, body } = await askCertificate(profile, subject, key)
      if (status !== 201) throw new Error(JSON.stringify(body))
      const { certificateId, certificatePem, chainPem } = body
      const privateKeyPem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      return { certificateId, certificatePem, chainPem, privateKeyPem }
    },
    /** A line whose first generation issues. */
    async makeAuthority(line: string, days = 9125, subject: Subject = { CommonName: `${line} CA` }) {
      const certificate = { kind: 'self-signed', days }
      const key = { kind: 'local', keyType: 'P-256' }
      await call.post('admin', '/authorities', { line, key, subject, certificate })
      await call.post('admin', `/authorities/${line}-g1/activate`, { reason: 'field problems' })
    },
    /** Of the line `field`; a device is a thing by its CommonName, and its certificate has all its days. */
    postProfile(name: string, template: JsonMembers = templateOf(), change: object = {}) {
      return call.post<{ templateSha256: string; warnings: { pointer: string }[] }>('admin', '/profiles', {
        ...starterProfile,
        deviceIdentity: undefined,
        name,
        authority: 'field',
        template,
        subject: { CommonName: { rule: 'required' } },
        validity: { days: 3650, whenIssuerExpiresFirst: 'refuse' },
        ...change
      })
    }
  }
}

function registrationsOf(call: Call) {
  const pathOf = (authority: string) => `/authorities/${authority}/aws-registrations`
  const read = async (authority: string, id: string) =>
    (await call.get<AwsRegistrationAnswer>('admin', `${pathOf(authority)}/${id}`)).body

  /** Waits for the job of what was asked for or ordered. */
  async function settled(authority: string, id: string, lookedAt?: string): Promise<AwsRegistrationAnswer> {
    for (;;) {
      const registration = await read(authority, id)
      if (registration.state !== 'pending' && registration.checkedAt !== lookedAt) return registration
      await wait(40)
    }
  }

  async function order(kind: 'check' | 'sync', { authority, id }: AwsRegistrationAnswer) {
    const { checkedAt } = await read(authority, id)
    await call.post('admin', `${pathOf(authority)}/${id}/${kind}`)
    return settled(authority, id, checkedAt)
  }

  /** Posts it; refusals are answered as they are. */
  const askRegistration = (authority: string, request: object) =>
    call.post<AwsRegistrationAnswer>('admin', pathOf(authority), {
      certificateMode: 'SNI_ONLY',
      setAsActive: true,
      allowAutoRegistration: true,
      ...request
    })
  return {
    askRegistration,
    /** Posts it, and waits until it is done. */
    async register(authority: string, request: object): Promise<AwsRegistrationAnswer> {
      const { status, body } = await askRegistration(authority, request)
      if (status !== 202) throw new Error(JSON.stringify(body))
      return settled(authority, body.id)
    },
    check: (registration: AwsRegistrationAnswer) => order('check', registration),
    sync: (registration: AwsRegistrationAnswer) => order('sync', registration)
  }
}

function devicesOf({ mqttPort, serverCaPem, registry }: IotStandIn) {
  return {
    /** Rejects when the connection is closed before it is accepted, unless it is told to try again. */
    async connect(unit: Unit, clientId: string, options: DeviceOptions = {}): Promise<MqttClient> {
      const client = connectMqtt({
        protocol: 'mqtts',
        host: '127.0.0.1',
        port: mqttPort,
        servername: endpoint,
        ca: serverCaPem,
        cert: unit.chainPem,
        key: unit.privateKeyPem,
        clientId,
        reconnectPeriod: 0,
        connectTimeout: 30_000,
        ...options
      })
      const isTryingAgain = (options.reconnectPeriod ?? 0) > 0
      return new Promise<MqttClient>((resolve, reject) => {
        client.once('connect', () => resolve(client))
        client.once('error', reject)
        if (!isTryingAgain) client.once('close', () => reject(new Error('closed')))
      }).catch(async (error: unknown) => {
        await client.endAsync(true)
        throw error
      })
    },
    /** What the stand-in logged of a certificate, as CloudTrail would have it: event, outcome, error code. */
    logOf: (certificateId: string) =>
      registry.entries
        .filter(entry => entry.certificateId === certificateId)
        .map(({ eventType, outcome, errorCode }) =>
          [eventType, outcome, errorCode].filter(Boolean).join(' ')
        ),
    statusOf: (certificateId: string) => registry.findCertificate(certificateId)?.status
  }
}

/** Those of TLS pass through the MQTT client to node:tls. */
export interface DeviceOptions extends IClientOptions {
  readonly checkServerIdentity?: () => undefined
}
