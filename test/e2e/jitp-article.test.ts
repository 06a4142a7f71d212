import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  GetRegistrationCodeCommand,
  IoTClient,
  RegisterCACertificateCommand
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIotStandIn, type IotStandIn } from '../../src/rehearsal/iot/iot-stand-in.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { needs } from '../support/needs/needs.ts'
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

/**
 * The steps of AWS's article on just-in-time provisioning, in its own commands: keys, CSRs and certificates by
 * openssl, the AWS CLI's calls by the SDK, the device by mosquitto_pub.
 */
/** The article's template; its policy lets devices publish alone, and without iot:Connect none gets in. */
const registrationConfig = {
  templateBody: JSON.stringify(starterProfile.template),
  roleArn: 'arn:aws:iam::210987654321:role/JITPRole'
}
const region = 'eu-west-1'

let directory: TemporaryDirectory
let standIn: IotStandIn
let iot: IoTClient
let messages: { topic: string; payload: string }[]

beforeAll(async () => {
  directory = await createTemporaryDirectory()
  standIn = await createIotStandIn({
    region,
    accountId: registrationConfig.roleArn.split(':')[4]!,
    provisioningDelayMs: 300
  })
  standIn.makeRole(registrationConfig.roleArn)
  messages = []
  await standIn.subscribe(
    'foo/bar',
    (topic, payload) => void messages.push({ topic, payload: String(payload) })
  )
  iot = new IoTClient({
    region,
    endpoint: standIn.controlUrl,
    credentials: { accessKeyId: 'article', secretAccessKey: 'article' }
  })
  // The root that the article has its reader download; here it is the stand-in's own.
  write('root.cert', standIn.serverCaPem)
})

afterAll(async () => {
  iot.destroy()
  await standIn.stop()
  await directory.remove()
})

const at = (file: string) => join(directory.path, file)
const read = (file: string) => readFileSync(at(file), 'utf8')
const write = (file: string, text: string) => writeFileSync(at(file), text)
const openssl = (command: string) =>
  execFileSync('openssl', command.split(' '), { cwd: directory.path, stdio: 'pipe', encoding: 'utf8' })

/** As the article runs it, beside the stand-in. Resolves with the exit code and what it printed. */
async function publishHello(name: string): Promise<{ readonly status: number; readonly output: string }> {
  const args = [
    ...['--cafile', 'root.cert', '--cert', `${name}CertAndCACert.crt`, '--key', `${name}Cert.key`],
    ...['-h', 'localhost', '-p', String(standIn.mqttPort), '-q', '1', '-t', 'foo/bar'],
    ...['-I', 'anyclientID', '--tls-version', 'tlsv1.2', '-m', `Hello from ${name}`, '-d']
  ]
  const child = spawn('mosquitto_pub', args, { cwd: directory.path, timeout: 10_000 })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number | null]
  return { status: status ?? -1, output }
}

/** The first connection fails, as the article says; a later one gets the message through. */
async function expectFirstDroppedThenAccepted(name: string): Promise<void> {
  const first = await publishHello(name)
  expect(first.status, first.output).not.toBe(0)
  let last = first
  for (let attempt = 0; attempt < 10 && last.status !== 0; attempt++) {
    await wait(400)
    last = await publishHello(name)
  }
  expect(last).toMatchObject({ status: 0, output: expect.stringContaining('received PUBACK') as string })
  expect(messages).toContainEqual({ topic: 'foo/bar', payload: `Hello from ${name}` })
}

const certificateIdOf = (file: string) =>
  openssl(`x509 -in ${file} -noout -fingerprint -sha256`)
    .trim()
    .replace(/^.*=/, '')
    .replaceAll(':', '')
    .toLowerCase()

describe('the article, by hand', needs('openssl', 'mosquitto_pub'), () => {
  it('makes a CA, registers it, makes a device, and publishes', async () => {
    openssl('genrsa -out rootCA.key 2048')
    openssl(
      'req -x509 -new -nodes -key rootCA.key -sha256 -days 365 -subj /C=US/O=Acme/CN=RootCA -out rootCA.pem'
    )
    const { registrationCode } = await iot.send(new GetRegistrationCodeCommand({}))
    openssl('genrsa -out verificationCert.key 2048')
    openssl(`req -new -key verificationCert.key -subj /CN=${registrationCode} -out verificationCert.csr`)
    openssl(
      'x509 -req -in verificationCert.csr -CA rootCA.pem -CAkey rootCA.key -CAcreateserial -out verificationCert.crt -days 365 -sha256'
    )
    const { certificateId } = await iot.send(
      new RegisterCACertificateCommand({
        caCertificate: read('rootCA.pem'),
        verificationCertificate: read('verificationCert.crt'),
        setAsActive: true,
        allowAutoRegistration: true,
        registrationConfig
      })
    )
    expect(certificateId).toBe(certificateIdOf('rootCA.pem'))
    openssl('genrsa -out handCert.key 2048')
    openssl('req -new -key handCert.key -subj /C=US/CN=hand -out handCert.csr')
    openssl(
      'x509 -req -in handCert.csr -CA rootCA.pem -CAkey rootCA.key -CAcreateserial -out handCert.crt -days 365 -sha256'
    )
    write('handCertAndCACert.crt', read('handCert.crt') + read('rootCA.pem'))
    await expectFirstDroppedThenAccepted('hand')
  })
})

describe('the article, with Mintline', needs('openssl', 'mosquitto_pub', 'curl'), () => {
  let data: TemporaryDirectory
  let test: TestDatabase
  let service: ServiceProcess

  beforeAll(async () => {
    data = await createTemporaryDirectory()
    test = await createTestDatabase()
    service = await startServiceProcess(data.path, {
      DATABASE_URL: test.connectionString,
      AWS_ENDPOINT_URL_IOT: standIn.controlUrl,
      AWS_ENDPOINT_URL_IAM: standIn.controlUrl,
      AWS_ACCESS_KEY_ID: 'article',
      AWS_SECRET_ACCESS_KEY: 'article',
      MINTLINE_LOG_LEVEL: 'error'
    })
  })

  afterAll(async () => {
    await service.end('SIGTERM')
    await test.drop()
    await data.remove()
  })

  async function ask(path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${service.url}/v1${path}`, {
      headers: {
        authorization: `Bearer ${await service.token('admin')}`,
        ...(body && { 'content-type': 'application/json' })
      },
      ...(body && { method: 'POST', body: JSON.stringify(body) })
    })
    const answer = (await response.json()) as Record<string, unknown>
    expect([path, response.ok, answer]).toEqual([path, true, answer])
    return answer
  }

  it('takes one request to register, one to issue, and the message arrives', async () => {
    await ask('/authorities', {
      line: 'article',
      key: { kind: 'local', keyType: 'RSA-2048' },
      subject: { Country: 'US', CommonName: 'Article CA' },
      certificate: { kind: 'self-signed', days: 3650 }
    })
    await ask('/authorities/article-g1/activate', { reason: 'the article' })
    await ask('/profiles', {
      name: 'article',
      authority: 'article',
      registrationConfig,
      subject: { Country: { rule: 'required', pattern: '[A-Z]{2}' }, CommonName: { rule: 'required' } },
      keys: { rsa: { minimumBits: 2048, maximumBits: 4096 } },
      validity: { days: 365, whenIssuerExpiresFirst: 'refuse' },
      backdateMinutes: 60,
      keyUsage: ['digitalSignature'],
      extendedKeyUsage: ['clientAuth']
    })
    const registration = await ask('/authorities/article-g1/aws-registrations', {
      region,
      certificateMode: 'DEFAULT',
      profile: 'article',
      roleArn: registrationConfig.roleArn,
      setAsActive: true,
      allowAutoRegistration: true
    })
    await expect
      .poll(() => ask(`/authorities/article-g1/aws-registrations/${String(registration['id'])}`), {
        timeout: 10_000
      })
      .toMatchObject({ state: 'registered', drift: [] })

    openssl('genrsa -out lineCert.key 2048')
    openssl('req -new -key lineCert.key -subj /C=US/CN=line -out lineCert.csr')
    await promisify(execFile)('curl', [
      ...['-sS', '--fail-with-body', '-H', `Authorization: Bearer ${await service.token('station')}`],
      ...['-H', 'Content-Type: application/pkcs10', '-H', 'Accept: application/pem-certificate-chain'],
      ...['--data-binary', `@${at('lineCert.csr')}`, '-o', at('lineCertAndCACert.crt')],
      `${service.url}/v1/issuances?profile=article`
    ])
    await expectFirstDroppedThenAccepted('line')

    const certificateId = certificateIdOf('lineCertAndCACert.crt')
    const predicted = (await ask(`/issuances?certificateId=${certificateId}`))['items'] as {
      thing: { thingName: string; attributes: object }
    }[]
    const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }))
    const { thingName, attributes } = await iot.send(
      new DescribeThingCommand({ thingName: predicted[0]!.thing.thingName })
    )
    expect(certificateDescription?.status).toBe('ACTIVE')
    expect({ thingName, attributes }).toEqual({
      thingName: predicted[0]!.thing.thingName,
      attributes: predicted[0]!.thing.attributes
    })
  })
})
