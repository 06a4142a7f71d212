import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { generateKey, isKeySpec, type KeySpec } from './key-spec.ts'
import { KmsRefusal } from './kms-refusal.ts'

type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'
export type KeyUsage = 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT'

export interface KmsKey {
  readonly id: string
  readonly arn: string
  readonly spec: KeySpec
  readonly usage: KeyUsage
  readonly description: string
  readonly createdAt: Date
  readonly privateKey: KeyObject
  readonly state: KeyState
  /** When a key that is pending deletion would go. The stand-in never takes it away. */
  readonly deletionAt: Date | undefined
}

export interface KeyRing {
  create(request: Pick<KmsKey, 'spec' | 'usage' | 'description'>): Promise<KmsKey>
  /** By key id or key ARN. Throws `NotFoundException`, `InvalidArnException`. */
  find(keyId: string): KmsKey
  setState(key: KmsKey, state: KeyState, deletionAt?: Date): Promise<void>
  list(): readonly KmsKey[]
}

export interface KeyRingOptions {
  readonly accountId: string
  readonly region: string
  /** Where the keys outlive the process: JSON with private keys in the clear, for its owner alone. */
  readonly stateFile?: string | undefined
}

/** The keys of the stand-in. Throws an Error when the state file is there but is not one. */
export async function createKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { accountId, region, stateFile } = options
  const keys = new Map((await loadKeys(stateFile)).map(key => [key.id, key]))
  let saved: Promise<void> = Promise.resolve()
  const save = (): Promise<void> => {
    if (stateFile === undefined) return saved
    // One write after another, so that the file never goes back to an earlier state.
    saved = saved.catch(() => undefined).then(() => saveKeys(stateFile, [...keys.values()]))
    return saved
  }
  return {
    async create(request) {
      const id = randomUUID()
      const key: KmsKey = {
        ...request,
        id,
        arn: `arn:aws:kms:${region}:${accountId}:key/${id}`,
        createdAt: new Date(),
        privateKey: await generateKey(request.spec),
        state: 'Enabled',
        deletionAt: undefined
      }
      keys.set(id, key)
      await save()
      return key
    },
    find(keyId) {
      const isArn = keyId.startsWith('arn:')
      const id = isArn ? /^arn:aws[a-z-]*:kms:[^:]+:\d{12}:key\/([^/]+)$/.exec(keyId)?.[1] : keyId
      if (id === undefined) throw new KmsRefusal('InvalidArnException', `Invalid arn ${keyId}`)
      const key = keys.get(id)
      if (key !== undefined && (!isArn || key.arn === keyId)) return key
      throw new KmsRefusal('NotFoundException', `Key '${keyId}' does not exist`)
    },
    async setState(key, state, deletionAt) {
      keys.set(key.id, { ...key, state, deletionAt })
      await save()
    },
    list: () => [...keys.values()]
  }
}

async function saveKeys(file: string, keys: readonly KmsKey[]): Promise<void> {
  const entries = keys.map(key => ({
    ...key,
    privateKey: key.privateKey.export({ type: 'pkcs8', format: 'pem' })
  }))
  await writeFile(`${file}.new`, `${JSON.stringify({ keys: entries }, undefined, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

type StoredKey = Omit<KmsKey, 'createdAt' | 'deletionAt' | 'privateKey'> & {
  readonly createdAt: string
  readonly deletionAt?: string
  readonly privateKey: string
}

async function loadKeys(file: string | undefined): Promise<KmsKey[]> {
  if (file === undefined) return []
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"keys":[]}'
    throw error
  })
  const { keys } = JSON.parse(text) as { readonly keys?: readonly StoredKey[] }
  if (keys === undefined || !keys.every(({ spec }) => isKeySpec(spec)))
    throw new Error(`${file} is not a state file of the KMS stand-in`)
  return keys.map(key => ({
    ...key,
    createdAt: new Date(key.createdAt),
    deletionAt: key.deletionAt === undefined ? undefined : new Date(key.deletionAt),
    privateKey: createPrivateKey(key.privateKey)
  }))
}
