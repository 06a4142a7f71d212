import { createPublicKey } from 'node:crypto'
import type { KeyRing, KeyUsage, KmsKey } from './key-ring.ts'
import {
  digestOfMessage,
  isKeySpec,
  parseSigningAlgorithm,
  signDigest,
  signingAlgorithmsOf
} from './key-spec.ts'
import type { KmsInput } from './kms-input.ts'
import { KmsRefusal } from './kms-refusal.ts'

export const operationNames = [
  'CancelKeyDeletion',
  'CreateKey',
  'DescribeKey',
  'DisableKey',
  'EnableKey',
  'GetKeyLastUsage',
  'GetPublicKey',
  'ListKeys',
  'ScheduleKeyDeletion',
  'Sign'
] as const

export type OperationName = (typeof operationNames)[number]
export type Operation = (input: KmsInput) => Promise<object>

export interface OperationDependencies {
  readonly keyRing: KeyRing
  readonly accountId: string
  /** Told of each signature made, whether or not its reply arrives. */
  readonly onSignature: (digestHex: string, keyId: string) => void
  /** By key id. */
  readonly lastUses: ReadonlyMap<string, KeyUse>
  readonly startedAt: Date
}

/** The last successful cryptographic operation with a key. */
export interface KeyUse {
  readonly at: Date
  readonly eventId: string
}

const dayMs = 86_400_000
const epochSeconds = (time: Date) => time.getTime() / 1000

/** What each operation of KMS does here. They throw KmsRefusal with the names that KMS uses. */
export function createOperations(dependencies: OperationDependencies): Record<OperationName, Operation> {
  const { keyRing, accountId } = dependencies
  const find = (input: KmsInput) => keyRing.find(input.text('KeyId'))
  return {
    async CreateKey(input) {
      const key = await keyRing.create(parseNewKey(input))
      return { KeyMetadata: keyMetadata(key, accountId) }
    },
    DescribeKey: async input => ({ KeyMetadata: keyMetadata(find(input), accountId) }),
    async GetPublicKey(input) {
      const key = find(input)
      assertNotPendingDeletion(key)
      return publicKeyOf(key)
    },
    GetKeyLastUsage: async input => lastUsageOf(find(input), dependencies),
    Sign: async input => sign(find(input), input, dependencies),
    async ListKeys() {
      return { Keys: keyRing.list().map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })), Truncated: false }
    },
    async DisableKey(input) {
      const key = find(input)
      assertNotPendingDeletion(key)
      await keyRing.setState(key, 'Disabled')
      return {}
    },
    async EnableKey(input) {
      const key = find(input)
      assertNotPendingDeletion(key)
      await keyRing.setState(key, 'Enabled')
      return {}
    },
    async ScheduleKeyDeletion(input) {
      const key = find(input)
      const days = input.optionalInteger('PendingWindowInDays', 7, 30) ?? 30
      assertNotPendingDeletion(key)
      const deletionAt = new Date(Date.now() + days * dayMs)
      await keyRing.setState(key, 'PendingDeletion', deletionAt)
      return {
        KeyId: key.arn,
        KeyState: 'PendingDeletion',
        DeletionDate: epochSeconds(deletionAt),
        PendingWindowInDays: days
      }
    },
    async CancelKeyDeletion(input) {
      const key = find(input)
      if (key.state !== 'PendingDeletion')
        throw new KmsRefusal('KMSInvalidStateException', `${key.arn} is not pending deletion.`)
      // As in KMS, the key comes back disabled.
      await keyRing.setState(key, 'Disabled')
      return { KeyId: key.arn }
    }
  }
}

function parseNewKey(input: KmsInput): Pick<KmsKey, 'spec' | 'usage' | 'description'> {
  const spec = input.optionalText('KeySpec') ?? 'SYMMETRIC_DEFAULT'
  const usage = input.optionalText('KeyUsage') ?? 'ENCRYPT_DECRYPT'
  if (!isKeySpec(spec) || (input.optionalText('Origin') ?? 'AWS_KMS') !== 'AWS_KMS')
    throw new KmsRefusal(
      'UnsupportedOperationException',
      `This stand-in makes no key ${spec} of that origin.`
    )
  const usages: readonly string[] = spec.startsWith('RSA_')
    ? ['SIGN_VERIFY', 'ENCRYPT_DECRYPT']
    : ['SIGN_VERIFY']
  if (!usages.includes(usage))
    throw new KmsRefusal('ValidationException', `KeyUsage ${usage} is not compatible with KeySpec ${spec}`)
  return { spec, usage: usage as KeyUsage, description: input.optionalText('Description') ?? '' }
}

function sign(key: KmsKey, input: KmsInput, { onSignature }: OperationDependencies): object {
  const message = input.blob('Message', 1, 4096)
  const algorithm = parseSigningAlgorithm(input.text('SigningAlgorithm'))
  if (key.state === 'Disabled') throw new KmsRefusal('DisabledException', `${key.arn} is disabled.`)
  assertNotPendingDeletion(key)
  if (key.usage !== 'SIGN_VERIFY')
    throw new KmsRefusal('InvalidKeyUsageException', `${key.arn} key usage is ${key.usage}`)
  if (!signingAlgorithmsOf(key.spec).includes(algorithm))
    throw new KmsRefusal('InvalidKeyUsageException', `${algorithm} does not fit the key spec ${key.spec}.`)
  const digest = digestOfMessage(algorithm, input.optionalText('MessageType') ?? 'RAW', message)
  if (input.isTrue('DryRun'))
    throw new KmsRefusal('DryRunOperationException', 'The request would have succeeded.')
  const signature = signDigest(key, algorithm, digest)
  onSignature(digest.toString('hex'), key.id)
  return {
    KeyId: key.arn,
    Signature: Buffer.from(signature).toString('base64'),
    SigningAlgorithm: algorithm
  }
}

/** The stand-in records uses since its start, as KMS has since some day; signing is all that its keys do. */
function lastUsageOf({ id, arn, createdAt }: KmsKey, { lastUses, startedAt }: OperationDependencies): object {
  const use = lastUses.get(id)
  return {
    KeyId: arn,
    KeyLastUsage:
      use === undefined
        ? {}
        : { Operation: 'Sign', Timestamp: epochSeconds(use.at), CloudTrailEventId: use.eventId },
    TrackingStartDate: epochSeconds(createdAt > startedAt ? createdAt : startedAt),
    KeyCreationDate: epochSeconds(createdAt)
  }
}

function assertNotPendingDeletion(key: KmsKey): void {
  if (key.state === 'PendingDeletion')
    throw new KmsRefusal('KMSInvalidStateException', `${key.arn} is pending deletion.`)
}

function describeUse({ spec, usage }: KmsKey): object {
  const use =
    usage === 'SIGN_VERIFY'
      ? { SigningAlgorithms: signingAlgorithmsOf(spec) }
      : { EncryptionAlgorithms: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] }
  return { KeySpec: spec, CustomerMasterKeySpec: spec, KeyUsage: usage, ...use }
}

function publicKeyOf(key: KmsKey): object {
  const spkiDer = createPublicKey(key.privateKey).export({ type: 'spki', format: 'der' })
  return { KeyId: key.arn, PublicKey: spkiDer.toString('base64'), ...describeUse(key) }
}

function keyMetadata(key: KmsKey, accountId: string): object {
  return {
    AWSAccountId: accountId,
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: epochSeconds(key.createdAt),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyState: key.state,
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    MultiRegion: false,
    ...(key.deletionAt === undefined ? {} : { DeletionDate: epochSeconds(key.deletionAt) }),
    ...describeUse(key)
  }
}
