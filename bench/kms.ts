/**
 * Issuances a second with the CA key in a stand-in of AWS KMS that waits before each reply and throttles. Ends with 1
 * unless every request was answered with a certificate and no intent was signed twice.
 *
 * usage: npm run bench:kms [-- --seconds 8 --connections 128 --latency-ms 50 --throttle-rate 0.05 --signatures-at-once 32]
 */
import { parseArgs } from 'node:util'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { drive } from './support/load.ts'
import { type RunningMintline, startMintline } from './support/mintline.ts'
import { startProgram } from './support/program.ts'
import { assertThat, report } from './support/report.ts'
import { makeRequests } from './support/requests.ts'

const text = (value: string) => ({ type: 'string', default: value }) as const
const { values } = parseArgs({
  options: {
    seconds: text('8'),
    connections: text('128'),
    'latency-ms': text('50'),
    'throttle-rate': text('0.05'),
    'signatures-at-once': text('32')
  }
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
const region = 'eu-central-1'
/** More than the stand-in lets through. */
const requestsPerSecond = 4_000

const standIn = await startProgram([
  ...['rehearse', 'kms', '--port', '0', '--region', region],
  ...['--latency-ms', values['latency-ms'], '--throttle-rate', values['throttle-rate']]
])
const standInUrl = `http://127.0.0.1:${standIn.port}`
const mintline = await startMintline({
  environment: {
    AWS_ENDPOINT_URL_KMS: standInUrl,
    AWS_ACCESS_KEY_ID: 'rehearsal',
    AWS_SECRET_ACCESS_KEY: 'rehearsal',
    MINTLINE_KMS_MAXIMUM_CONCURRENT: values['signatures-at-once']
  }
})
try {
  await measure(mintline)
} finally {
  await mintline.stop()
  await standIn.stop()
}

async function measure({ administer, issuances }: RunningMintline): Promise<void> {
  await administer('/v1/authorities', {
    line: 'starter',
    key: { kind: 'kms', keyId: await createKey(), region },
    subject: { CommonName: 'Mintline Starter CA' },
    certificate: { kind: 'self-signed', days: 9125 }
  })
  await administer('/v1/authorities/starter-g2/activate', { reason: 'bench' })
  const before = await countSignatures()
  const result = await drive(issuances, makeRequests(seconds * requestsPerSecond, 'kms'), {
    connections,
    seconds
  })
  const { digests, signatures } = await countSignatures()
  report('kms', result, 201)
  console.log(
    `         ${values['latency-ms']} ms latency, throttle rate ${values['throttle-rate']}, ${values['signatures-at-once']} signatures at once`
  )
  assertThat(digests - before.digests === result.requests, 'one digest was signed for each certificate')
  assertThat(signatures === digests, 'no digest was signed twice')
}

async function createKey(): Promise<string> {
  const credentials = { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' }
  const client = new KMSClient({ endpoint: standInUrl, region, credentials })
  const command = new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  const { KeyMetadata } = await client.send(command)
  client.destroy()
  return KeyMetadata!.Arn!
}

async function countSignatures(): Promise<{ readonly digests: number; readonly signatures: number }> {
  const answer = await fetch(`${standInUrl}/rehearsal/signatures`)
  const counts = Object.values((await answer.json()) as Record<string, number>)
  return { digests: counts.length, signatures: counts.reduce((sum, count) => sum + count, 0) }
}
