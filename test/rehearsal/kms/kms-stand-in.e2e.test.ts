import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CancelKeyDeletionCommand,
  DescribeKeyCommand,
  DisabledException,
  DisableKeyCommand,
  DryRunOperationException,
  EnableKeyCommand,
  GetPublicKeyCommand,
  InvalidArnException,
  InvalidKeyUsageException,
  type KMSClient,
  KMSInvalidStateException,
  ListKeysCommand,
  NotFoundException,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SignCommandInput,
  UnsupportedOperationException
} from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UsageError } from '../../../src/cli/command.ts'
import { runRehearsalKms } from '../../../src/cli/rehearse/kms.ts'
import { createKmsStandIn, type KmsStandIn } from '../../../src/rehearsal/kms/kms-stand-in.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { createKey, createRehearsalClient } from './rehearsal-kms-client.ts'

let standIn: KmsStandIn
let client: KMSClient

beforeAll(async () => {
  standIn = await createKmsStandIn()
  client = createRehearsalClient(standIn)
})

afterAll(async () => {
  client.destroy()
  await standIn.stop()
})

const message = Buffer.from('a message')
const digest = (hash: string) => createHash(hash).update(message).digest()

async function publicKeyOf(keyId: string): Promise<KeyObject> {
  const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId: keyId }))
  return createPublicKey({ key: Buffer.from(PublicKey!), format: 'der', type: 'spki' })
}

async function sign(keyId: string, input: Omit<SignCommandInput, 'KeyId'>): Promise<Uint8Array> {
  return (await client.send(new SignCommand({ KeyId: keyId, ...input }))).Signature!
}

const ecdsa = { SigningAlgorithm: 'ECDSA_SHA_256' } as const
const sha256Digest = { MessageType: 'DIGEST', Message: digest('sha256'), ...ecdsa } as const

describe('signatures', () => {
  it.each([
    ['ECC_NIST_P256', 'ECDSA_SHA_256', 'sha256'],
    ['ECC_NIST_P384', 'ECDSA_SHA_384', 'sha384'],
    ['ECC_NIST_P521', 'ECDSA_SHA_512', 'sha512'],
    ['ECC_SECG_P256K1', 'ECDSA_SHA_256', 'sha256'],
    ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256', 'sha256'],
    ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_512', 'sha512'],
    ['RSA_2048', 'RSASSA_PSS_SHA_256', 'sha256'],
    ['RSA_3072', 'RSASSA_PSS_SHA_384', 'sha384']
  ] as const)('of %s with %s hold, over a digest and over a message', async (spec, algorithm, hash) => {
    const keyId = await createKey(client, spec)
    const key = await publicKeyOf(keyId)
    const isOver = (bytes: Uint8Array, signature: Uint8Array) =>
      verify(
        hash,
        bytes,
        algorithm.startsWith('RSASSA_PSS')
          ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
          : key,
        signature
      )
    const signedDigest = {
      MessageType: 'DIGEST',
      Message: digest(hash),
      SigningAlgorithm: algorithm
    } as const
    expect(isOver(message, await sign(keyId, signedDigest))).toBe(true)
    expect(isOver(message, await sign(keyId, { Message: message, SigningAlgorithm: algorithm }))).toBe(true)
    const hashedTwice = await sign(keyId, { ...signedDigest, MessageType: 'RAW' })
    expect(isOver(message, hashedTwice)).toBe(false)
    expect(isOver(digest(hash), hashedTwice)).toBe(true)
  })

  it('of ECDSA hold for many random keys and digests', async () => {
    const keyId = await createKey(client, 'ECC_NIST_P521')
    const key = await publicKeyOf(keyId)
    for (let index = 0; index < 50; index++) {
      const bytes = Buffer.from(`message ${index}`)
      const signature = await sign(keyId, { Message: bytes, SigningAlgorithm: 'ECDSA_SHA_512' })
      expect(verify('sha512', bytes, key, signature)).toBe(true)
    }
  })
})

describe('refusals reach the SDK as its own errors', () => {
  it.each([
    ['a key that is not there', 'no-such-key', { type: NotFoundException, status: 404 }],
    ['a malformed ARN', 'arn:aws:kms:x', { type: InvalidArnException, status: 400 }],
    ['an alias that is not there', 'alias/ca', { type: NotFoundException, status: 404 }]
  ])('%s', async (_, keyId, { type, status }) => {
    const error: unknown = await sign(keyId, sha256Digest).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ $metadata: { httpStatusCode: status } })
  })

  it.each([
    [
      'an algorithm of another key',
      { ...sha256Digest, SigningAlgorithm: 'ECDSA_SHA_384' },
      'InvalidKeyUsageException'
    ],
    ['an unknown algorithm', { ...sha256Digest, SigningAlgorithm: 'ECDSA_SHA_1' }, 'ValidationException'],
    ['a digest of the wrong length', { ...sha256Digest, Message: digest('sha384') }, 'ValidationException'],
    ['an empty message', { ...ecdsa, Message: new Uint8Array() }, 'ValidationException'],
    ['4,097 octets', { ...ecdsa, Message: new Uint8Array(4_097) }, 'ValidationException'],
    ['a message type of other keys', { ...sha256Digest, MessageType: 'EXTERNAL_MU' }, 'ValidationException'],
    ['a dry run', { ...sha256Digest, DryRun: true }, 'DryRunOperationException']
  ])('%s', async (_, input, name) => {
    const keyId = await createKey(client, 'ECC_NIST_P256')
    const signaturesBefore = standIn.signatureCounts.get(digest('sha256').toString('hex'))
    await expect(sign(keyId, input as Omit<SignCommandInput, 'KeyId'>)).rejects.toMatchObject({ name })
    expect(standIn.signatureCounts.get(digest('sha256').toString('hex'))).toBe(signaturesBefore)
  })

  it('with their classes', async () => {
    const keyId = await createKey(client, 'ECC_NIST_P256')
    const rsa = await createKey(client, 'RSA_2048', 'ENCRYPT_DECRYPT')
    await expect(sign(keyId, { ...sha256Digest, DryRun: true })).rejects.toBeInstanceOf(
      DryRunOperationException
    )
    await expect(
      sign(rsa, { ...sha256Digest, SigningAlgorithm: 'RSASSA_PSS_SHA_256' })
    ).rejects.toBeInstanceOf(InvalidKeyUsageException)
    await expect(createKey(client, 'SYMMETRIC_DEFAULT')).rejects.toBeInstanceOf(UnsupportedOperationException)
  })
})

describe('key states', () => {
  const stateOf = async (keyId: string) =>
    (await client.send(new DescribeKeyCommand({ KeyId: keyId }))).KeyMetadata?.KeyState

  it('disabled: no signature, but the public key; enabled again: both', async () => {
    const keyId = await createKey(client, 'ECC_NIST_P256')
    await client.send(new DisableKeyCommand({ KeyId: keyId }))
    expect(await stateOf(keyId)).toBe('Disabled')
    await expect(sign(keyId, sha256Digest)).rejects.toBeInstanceOf(DisabledException)
    const key = await publicKeyOf(keyId)
    await client.send(new EnableKeyCommand({ KeyId: keyId }))
    expect(verify('sha256', message, key, await sign(keyId, sha256Digest))).toBe(true)
  })

  it('pending deletion: nothing but its description; cancelled: disabled', async () => {
    const keyId = await createKey(client, 'ECC_NIST_P256')
    const answer = await client.send(new ScheduleKeyDeletionCommand({ KeyId: keyId, PendingWindowInDays: 7 }))
    expect(answer).toMatchObject({ KeyId: keyId, KeyState: 'PendingDeletion', PendingWindowInDays: 7 })
    expect(answer.DeletionDate!.getTime() - Date.now()).toBeGreaterThan(6 * 86_400_000)
    expect(await stateOf(keyId)).toBe('PendingDeletion')
    for (const use of [
      () => sign(keyId, sha256Digest),
      () => publicKeyOf(keyId),
      () => client.send(new EnableKeyCommand({ KeyId: keyId })),
      () => client.send(new DisableKeyCommand({ KeyId: keyId })),
      () => client.send(new ScheduleKeyDeletionCommand({ KeyId: keyId }))
    ])
      await expect(use()).rejects.toBeInstanceOf(KMSInvalidStateException)
    await client.send(new CancelKeyDeletionCommand({ KeyId: keyId }))
    expect(await stateOf(keyId)).toBe('Disabled')
    await expect(client.send(new CancelKeyDeletionCommand({ KeyId: keyId }))).rejects.toBeInstanceOf(
      KMSInvalidStateException
    )
  })
})

describe('the wire', () => {
  const post = (headers: Record<string, string>, body = '{}') =>
    fetch(standIn.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', ...headers },
      body
    })
  const signedForm = {
    'x-amz-date': '20261123T120000Z',
    authorization: `AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/kms/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`
  }
  const listKeys = { 'x-amz-target': 'TrentService.ListKeys' }

  it.each<[string, { headers: Record<string, string>; body?: string }, string]>([
    ['no Authorization', { headers: listKeys }, 'MissingAuthenticationTokenException'],
    [
      'a bearer token',
      { headers: { ...listKeys, ...signedForm, authorization: 'Bearer x' } },
      'IncompleteSignatureException'
    ],
    [
      'an unknown operation',
      { headers: { ...signedForm, 'x-amz-target': 'TrentService.Encrypt' } },
      'UnknownOperationException'
    ],
    [
      'a body that is no object',
      { headers: { ...listKeys, ...signedForm }, body: '[' },
      'SerializationException'
    ],
    ['no key id', { headers: { ...signedForm, 'x-amz-target': 'TrentService.Sign' } }, 'ValidationException']
  ])('refuses %s', async (_, { headers, body }, type) => {
    const answer = await post(headers, body)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/x-amz-json-1.1')
    expect(await answer.json()).toMatchObject({ __type: type })
  })

  it('takes the form of a SigV4 header', async () => {
    expect((await post({ ...listKeys, ...signedForm })).status).toBe(200)
  })
})

describe('faults from outside the protocol', () => {
  const faultsUrl = () => `${standIn.url}/rehearsal/faults`
  const change = (faults: unknown) => fetch(faultsUrl(), { method: 'PUT', body: JSON.stringify(faults) })

  it('are set, told and taken back', async () => {
    expect((await change({ throttleRate: 1 })).status).toBe(200)
    expect(await (await fetch(faultsUrl())).json()).toMatchObject({ throttleRate: 1, latencyMs: 0 })
    await expect(client.send(new ListKeysCommand())).rejects.toMatchObject({ name: 'ThrottlingException' })
    await change({ throttleRate: 0 })
    await expect(client.send(new ListKeysCommand())).resolves.toBeDefined()
  })

  it.each([[{ throttleRates: 1 }], [{ throttleRate: 2 }], [{ deniedOperations: ['Encrypt'] }], [null]])(
    'refuse %j',
    async faults => {
      const before = await (await fetch(faultsUrl())).json()
      expect((await change(faults)).status).toBe(400)
      expect(await (await fetch(faultsUrl())).json()).toEqual(before)
    }
  )

  it('cut the connection after the signature, which is counted', async () => {
    const keyId = await createKey(client, 'ECC_NIST_P256')
    const bytes = Buffer.from('lost')
    const digestHex = createHash('sha256').update(bytes).digest('hex')
    await change({ droppedReplyRate: 1 })
    await expect(sign(keyId, { ...ecdsa, Message: bytes })).rejects.toMatchObject({ code: 'ECONNRESET' })
    await change({ droppedReplyRate: 0 })
    expect(standIn.signatureCounts.get(digestHex)).toBe(1)
    expect(await (await fetch(`${standIn.url}/rehearsal/signatures`)).json()).toMatchObject({
      [digestHex]: 1
    })
  })
})

describe('the state file', () => {
  it('keeps keys and their states over a restart, for its owner alone', async () => {
    await using directory = await createTemporaryDirectory()
    const stateFile = join(directory.path, 'kms.json')
    const first = await createKmsStandIn({ stateFile })
    const firstClient = createRehearsalClient(first)
    const [live, disabled] = [
      await createKey(firstClient, 'ECC_NIST_P384'),
      await createKey(firstClient, 'RSA_2048')
    ]
    await firstClient.send(new DisableKeyCommand({ KeyId: disabled }))
    const { PublicKey } = await firstClient.send(new GetPublicKeyCommand({ KeyId: live }))
    firstClient.destroy()
    await first.stop()
    expect((await stat(stateFile)).mode & 0o777).toBe(0o600)

    const second = await createKmsStandIn({ stateFile })
    const secondClient = createRehearsalClient(second)
    const { Keys } = await secondClient.send(new ListKeysCommand())
    expect(Keys?.map(({ KeyArn }) => KeyArn)).toEqual([live, disabled])
    expect((await secondClient.send(new GetPublicKeyCommand({ KeyId: live }))).PublicKey).toEqual(PublicKey)
    const { KeyMetadata } = await secondClient.send(new DescribeKeyCommand({ KeyId: disabled }))
    expect(KeyMetadata).toMatchObject({ KeyState: 'Disabled', KeySpec: 'RSA_2048', Enabled: false })
    secondClient.destroy()
    await second.stop()
  })

  it('that is something else is refused', async () => {
    await using directory = await createTemporaryDirectory()
    const stateFile = join(directory.path, 'other.json')
    await writeFile(stateFile, '{"name":"other"}')
    await expect(createKmsStandIn({ stateFile })).rejects.toThrow()
  })
})

describe('mintline rehearse kms', () => {
  it('runs with its flags, says how to reach it, and stops', async () => {
    const { output, io } = createIo()
    const stop = Promise.withResolvers<void>()
    const exit = runRehearsalKms(
      io,
      ['--port', '0', '--region', 'eu-west-1', '--throttle-rate', '1', '--latency-ms', '1'],
      stop.promise
    )
    await expect.poll(() => output.join('')).toContain('AWS_ENDPOINT_URL_KMS=http://127.0.0.1:')
    const url = /AWS_ENDPOINT_URL_KMS=(\S+)/.exec(output.join(''))![1]!
    expect(await (await fetch(`${url}/rehearsal/faults`)).json()).toMatchObject({
      throttleRate: 1,
      latencyMs: 1
    })
    const keyArn = /^ {2}(arn:aws:kms:eu-west-1:.*)$/m.exec(output.join(''))![1]!
    await fetch(`${url}/rehearsal/faults`, { method: 'PUT', body: '{"throttleRate":0}' })
    const itsClient = createRehearsalClient({ url, region: 'eu-west-1' })
    const { KeySpec } = await itsClient.send(new GetPublicKeyCommand({ KeyId: keyArn }))
    expect(KeySpec).toBe('ECC_NIST_P256')
    itsClient.destroy()
    stop.resolve()
    expect(await exit).toBe(0)
    await expect(fetch(url)).rejects.toThrow()
  })

  it.each([
    [['--port', 'x']],
    [['--throttle-rate', '2']],
    [['--latency-ms', '0.5']],
    [['--unknown']],
    [['left over']]
  ])('refuses %j', async args => {
    const { output, io } = createIo()
    await expect(runRehearsalKms(io, args, Promise.resolve())).rejects.toThrow(UsageError)
    expect(output).toEqual([])
  })

  it('says that its port is taken', async () => {
    const { output, io } = createIo()
    const args = ['--port', new URL(standIn.url).port]
    await expect(runRehearsalKms(io, args, Promise.resolve())).rejects.toThrow(UsageError)
    expect(output).toEqual([])
  })

  function createIo() {
    const output: string[] = []
    return {
      output,
      io: { environment: {}, write: (text: string) => void output.push(text), writeError: () => undefined }
    }
  }
})
