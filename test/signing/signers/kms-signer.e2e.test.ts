import { createHash, createPublicKey, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  DisableKeyCommand,
  EnableKeyCommand,
  type KeySpec,
  type KMSClient,
  ScheduleKeyDeletionCommand
} from '@aws-sdk/client-kms'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { noFaults } from '../../../src/rehearsal/kms/faults.ts'
import { createKmsStandIn, type KmsStandIn } from '../../../src/rehearsal/kms/kms-stand-in.ts'
import { createKmsSigner, type KmsSettings } from '../../../src/signing/signers/kms/kms-signer.ts'
import type { Signer } from '../../../src/signing/signers/signer.ts'
import {
  createKey,
  createRehearsalClient,
  rehearsalCredentials
} from '../../rehearsal/kms/rehearsal-kms-client.ts'
import { describeSigner } from './signer-contract.ts'

const specs = ['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'RSA_2048'] as const
const keys = new Map<KeySpec, string>()
let standIn: KmsStandIn
let client: KMSClient

beforeAll(async () => {
  for (const [name, value] of Object.entries(rehearsalCredentials)) vi.stubEnv(name, value)
  standIn = await createKmsStandIn({ random: seededRandom(1) })
  client = createRehearsalClient(standIn)
  for (const spec of specs) keys.set(spec, await createKey(client, spec))
})

afterEach(() => standIn.setFaults(noFaults))

afterAll(async () => {
  vi.unstubAllEnvs()
  client.destroy()
  await standIn.stop()
})

/** The same faults in every run (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const open = (keyId: string, settings: Partial<KmsSettings> = {}) =>
  createKmsSigner(
    { kind: 'kms', keyId, region: standIn.region },
    {
      maximumConcurrent: 32,
      maximumWaiting: 1_000,
      requestTimeoutMs: 5_000,
      endpoint: standIn.url,
      ...settings
    }
  )

/** A key of its own, for a test that changes its state. */
const openOwnKey = async (settings: Partial<KmsSettings> = {}) => {
  const keyId = await createKey(client, 'ECC_NIST_P256')
  return { keyId, signer: await open(keyId, settings) }
}

const countOf = (bytes: Uint8Array) =>
  standIn.signatureCounts.get(createHash('sha256').update(bytes).digest('hex')) ?? 0

const isSignedBy = (signer: Signer, bytes: Uint8Array, signature: Uint8Array) =>
  verify(
    'sha256',
    bytes,
    createPublicKey({ key: Buffer.from(signer.publicKeySpkiDer), format: 'der', type: 'spki' }),
    signature
  )

let messages = 0
const newMessage = () => Buffer.from(`message ${messages++}`)

for (const spec of specs) describeSigner(`kms, ${spec}`, () => open(keys.get(spec)!))

describe('opening a KMS signer', () => {
  it('asks for the public key once and never again', async () => {
    const before = standIn.requestCounts.get('GetPublicKey') ?? 0
    const { signer } = await openOwnKey()
    await signer.sign(newMessage())
    await signer.sign(newMessage())
    expect(standIn.requestCounts.get('GetPublicKey')).toBe(before + 1)
    await signer.close()
  })

  it('takes a key id, and the certificate of that key', async () => {
    const arn = keys.get('ECC_NIST_P256')!
    const first = await open(arn)
    const second = await open(arn.slice(arn.indexOf('/') + 1))
    expect(second.publicKeySpkiDer).toEqual(first.publicKeySpkiDer)
    await Promise.all([first.close(), second.close()])
  })

  it.each([
    ['an alias', async () => 'alias/ca', 'key_unusable'],
    ['an alias ARN', async () => 'arn:aws:kms:us-east-1:111122223333:alias/ca', 'key_unusable'],
    ['a malformed ARN', async () => 'arn:aws:kms:us-east-1', 'key_unusable'],
    ['a key for encryption', () => createKey(client, 'RSA_2048', 'ENCRYPT_DECRYPT'), 'key_unusable'],
    ['a key spec that AWS IoT does not take', () => createKey(client, 'ECC_SECG_P256K1'), 'key_unusable'],
    ['a key that is not there', async () => 'no-such-key', 'signer_disabled'],
    ['a key that is pending deletion', () => createKeyPendingDeletion(), 'signer_disabled']
  ])('refuses %s', async (_, makeKey, code) => {
    await expect(open(await makeKey())).rejects.toMatchObject({ code })
  })

  it.each([
    ['a key that is not there', async () => 'no-such-key', 'not in AWS KMS in this account and region'],
    ['a key that is pending deletion', () => createKeyPendingDeletion(), 'may be pending deletion']
  ])('tells of %s that it is so', async (_, makeKey, said) => {
    const error: unknown = await open(await makeKey()).catch((thrown: unknown) => thrown)
    expect((error as Error).message).toContain(said)
  })

  it('without the permission is refused and says which one', async () => {
    standIn.setFaults({ deniedOperations: ['GetPublicKey'] })
    const error: unknown = await open(keys.get('ECC_NIST_P256')!).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'key_unusable' })
    expect((error as Error).message).toContain('kms:GetPublicKey')
  })

  it('says that KMS cannot be reached', async () => {
    const gone = await createKmsStandIn()
    await gone.stop()
    await expect(open(keys.get('ECC_NIST_P256')!, { endpoint: gone.url })).rejects.toMatchObject({
      code: 'signer_unavailable',
      detail: expect.stringContaining('cannot be reached') as string,
      retryAfterSeconds: 5
    })
  })
})

describe('an answer that is not from KMS', () => {
  it.each([
    [429, 5],
    [502, 2],
    [403, 1]
  ])('status %i is unavailable, after %i requests', async (status, requests) => {
    let count = 0
    const proxy = createServer((_, response) => {
      count++
      response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>proxy</h1>')
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    await expect(open('any', { endpoint })).rejects.toMatchObject({ code: 'signer_unavailable' })
    expect(count).toBe(requests)
    proxy.closeAllConnections()
    proxy.close()
  })
})

describe('without credentials', () => {
  afterEach(() => {
    for (const [name, value] of Object.entries(rehearsalCredentials)) vi.stubEnv(name, value)
  })

  it('a KMS signer is unavailable', async () => {
    for (const name of Object.keys(rehearsalCredentials)) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    await expect(open(keys.get('ECC_NIST_P256')!)).rejects.toMatchObject({ code: 'signer_unavailable' })
  })
})

async function createKeyPendingDeletion(): Promise<string> {
  const keyId = await createKey(client, 'ECC_NIST_P256')
  await client.send(new ScheduleKeyDeletionCommand({ KeyId: keyId }))
  return keyId
}

describe('one signature per message', () => {
  it('under throttling, failures in KMS and latency, with few connections', async () => {
    const { signer } = await openOwnKey()
    const connectionsBefore = standIn.connectionCount
    standIn.setFaults({ latencyMs: 50, throttleRate: 0.05, failureRate: 0.02 })
    const inputs = Array.from({ length: 200 }, newMessage)
    const start = performance.now()
    const signatures = await Promise.all(inputs.map(input => signer.sign(input)))
    const seconds = (performance.now() - start) / 1000
    console.log(
      `KMS, 50 ms a request, 5 % throttled, 2 % failed, 32 at once: ${(200 / seconds).toFixed(0)} signatures/s`
    )
    for (const [index, input] of inputs.entries()) {
      expect(isSignedBy(signer, input, signatures[index]!)).toBe(true)
      expect(countOf(input)).toBe(1)
    }
    expect(standIn.connectionCount - connectionsBefore).toBeLessThanOrEqual(33)
    await signer.close()
  })

  it('and one more for each lost reply, never a third', async () => {
    const { signer } = await openOwnKey()
    const inputs = Array.from({ length: 60 }, newMessage)
    standIn.setFaults({ droppedReplyRate: 0.3 })
    const outcomes = await Promise.allSettled(inputs.map(input => signer.sign(input)))
    const counts = inputs.map(countOf)
    expect(new Set(counts)).toEqual(new Set([1, 2]))
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') expect(isSignedBy(signer, inputs[index]!, outcome.value)).toBe(true)
      else {
        expect(outcome.reason).toMatchObject({ code: 'signer_unavailable', retryAfterSeconds: 5 })
        expect(counts[index]).toBe(2)
      }
    }
    expect(outcomes.some(({ status }, index) => status === 'fulfilled' && counts[index] === 2)).toBe(true)
    await signer.close()
  })

  it('and two when KMS signs but takes too long each time', async () => {
    const { signer } = await openOwnKey({ requestTimeoutMs: 300 })
    standIn.setFaults({ latencyMs: 2_000 })
    const input = newMessage()
    await expect(signer.sign(input)).rejects.toMatchObject({ code: 'signer_unavailable' })
    expect(countOf(input)).toBe(2)
    await signer.close()
  })

  it('and none when all is refused, after five requests', async () => {
    const { signer } = await openOwnKey()
    const before = standIn.requestCounts.get('Sign') ?? 0
    standIn.setFaults({ throttleRate: 1 })
    const input = newMessage()
    await expect(signer.sign(input)).rejects.toMatchObject({
      code: 'signer_unavailable',
      retryAfterSeconds: 1
    })
    expect(standIn.requestCounts.get('Sign')).toBe(before + 5)
    expect(countOf(input)).toBe(0)
    await signer.close()
  })

  it('as soon as KMS throttles no more, however many were refused: it was not sick', async () => {
    const { signer } = await openOwnKey()
    standIn.setFaults({ throttleRate: 1 })
    const refused = await Promise.allSettled(Array.from({ length: 12 }, () => signer.sign(newMessage())))
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 'rejected'))
    standIn.setFaults({ throttleRate: 0 })
    const input = newMessage()
    expect(isSignedBy(signer, input, await signer.sign(input))).toBe(true)
    await signer.close()
  })
})

describe('a KMS signer', () => {
  it.each(['KMSInternalException', 'DependencyTimeoutException', 'KeyUnavailableException'] as const)(
    'is unavailable while KMS answers %s',
    async failureName => {
      const { signer } = await openOwnKey()
      standIn.setFaults({ failureRate: 1, failureName })
      await expect(signer.sign(newMessage())).rejects.toMatchObject({
        code: 'signer_unavailable',
        retryAfterSeconds: 5
      })
      await signer.close()
    }
  )

  it('is disabled with its key, knows it at once after a failed signature, and comes back', async () => {
    const { keyId, signer } = await openOwnKey()
    await signer.assertUsable()
    await client.send(new DisableKeyCommand({ KeyId: keyId }))
    await expect(signer.sign(newMessage())).rejects.toMatchObject({ code: 'signer_disabled' })
    await expect(signer.assertUsable()).rejects.toMatchObject({ code: 'signer_disabled' })
    await client.send(new EnableKeyCommand({ KeyId: keyId }))
    const input = newMessage()
    expect(isSignedBy(signer, input, await signer.sign(input))).toBe(true)
    await signer.close()
  })

  it('is disabled once its key is pending deletion', async () => {
    const { keyId, signer } = await openOwnKey()
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: keyId }))
    await expect(signer.sign(newMessage())).rejects.toMatchObject({ code: 'signer_disabled' })
    await expect(signer.assertUsable()).rejects.toMatchObject({ code: 'signer_disabled' })
    await signer.close()
  })

  it.each([
    ['Sign', 'kms:Sign', (signer: Signer) => signer.sign(newMessage())],
    ['DescribeKey', 'kms:DescribeKey', (signer: Signer) => signer.assertUsable()]
  ] as const)('without the permission to %s says so', async (operation, permission, use) => {
    const { signer } = await openOwnKey()
    standIn.setFaults({ deniedOperations: [operation] })
    const error: unknown = await use(signer).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'key_unusable' })
    expect((error as Error).message).toContain(permission)
    await signer.close()
  })

  it('asks for the state of its key once for many readiness checks', async () => {
    const { signer } = await openOwnKey()
    const before = standIn.requestCounts.get('DescribeKey') ?? 0
    await Promise.all(Array.from({ length: 20 }, () => signer.assertUsable()))
    expect(standIn.requestCounts.get('DescribeKey')).toBe(before + 1)
    await signer.close()
  })

  it('refuses what comes after a full queue, and serves the others', async () => {
    const { signer } = await openOwnKey({ maximumConcurrent: 2, maximumWaiting: 3 })
    standIn.setFaults({ latencyMs: 50 })
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => signer.sign(newMessage())))
    const refusals = outcomes.filter(outcome => outcome.status === 'rejected')
    expect(outcomes.slice(0, 5).map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'))
    expect(refusals.map(({ reason }) => reason as unknown)).toEqual(
      Array(3).fill(expect.objectContaining({ code: 'overloaded', retryAfterSeconds: 1 }))
    )
    await signer.close()
  })

  it('sends nothing again once it is closed', async () => {
    const { signer } = await openOwnKey()
    const before = standIn.requestCounts.get('Sign') ?? 0
    standIn.setFaults({ throttleRate: 1 })
    await Promise.all([
      expect(signer.sign(newMessage())).rejects.toMatchObject({ code: 'signer_unavailable' }),
      signer.close()
    ])
    expect(standIn.requestCounts.get('Sign')).toBe(before + 1)
  })

  it('finishes what is under way when it is closed, and refuses what waits', async () => {
    const { signer } = await openOwnKey({ maximumConcurrent: 1 })
    standIn.setFaults({ latencyMs: 50 })
    const underWay = signer.sign(newMessage())
    const waiting = signer.sign(newMessage())
    const settled = Promise.allSettled([underWay, waiting])
    await signer.close()
    expect(await settled).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'signer_unavailable' } }
    ])
  })
})
