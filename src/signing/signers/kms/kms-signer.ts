import { createHash } from 'node:crypto'
import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'
import { hashNameOf } from '../../../pki/key/signature-algorithm.ts'
import { createFuse } from '../fuse.ts'
import type { Signer } from '../signer.ts'
import type { KmsReference } from '../signer-reference.ts'
import { closedError, createSlots } from '../signer-slots.ts'
import { type KmsAlgorithm, kmsAlgorithmOf } from './algorithm.ts'
import { attempt } from './attempts.ts'
import { createKmsClient, type KmsClient } from './client.ts'
import { isThrottled, kmsFailure, type KmsPermission } from './failure.ts'

export interface KmsSettings {
  /** How many signatures may be asked for at once. */
  readonly maximumConcurrent: number
  /** How many more may wait; what comes then is `overloaded`. */
  readonly maximumWaiting: number
  /** For one request to KMS, whether or not it is sent again. */
  readonly requestTimeoutMs: number
  /** Another address than the SDK's own chain gives: for a rehearsal. */
  readonly endpoint?: string | undefined
}

/** Else those that wait while KMS does not answer would each wait for its time limit, one after the other. */
const fuseSettings = { failures: 5, firstPauseMs: 1_000, longestPauseMs: 5_000 }

/** How long an answer on the state of the key is taken for true. A failed signature ends it early. */
const stateTrustMs = 3_000

/**
 * A signer whose key is in AWS KMS. The region is the reference's; credentials come by the SDK's own chain.
 *
 * The digest is made here and each `sign` hands back one signature. How often KMS makes one for it: exactly once when
 * every reply arrives, however often KMS throttles or says that it failed; at most twice when a reply is lost, since
 * KMS has no idempotency token and the signature in the lost reply cannot be asked for again. Both are over the same
 * digest and one is thrown away unseen. A call of `sign` that failed may still have made signatures that nobody has.
 *
 * @throws MintlineError `key_unusable`: no key for an authority, an alias, or a
 *   permission is missing. `signer_disabled`: no such key, or its state does not allow it. `signer_unavailable`: KMS
 *   cannot be reached. `sign` throws these too, and `overloaded`.
 */
export async function createKmsSigner(reference: KmsReference, settings: KmsSettings): Promise<Signer> {
  assertNoAlias(reference.keyId)
  const { maximumConcurrent, requestTimeoutMs, endpoint } = settings
  const client = createKmsClient({
    ...reference,
    endpoint,
    requestTimeoutMs,
    // One more than signatures at once, so that the readiness check need not wait for them.
    maximumConnections: maximumConcurrent + 1
  })
  try {
    return createSignerOf(client, settings, await openKey(client))
  } catch (error) {
    client.destroy()
    throw error
  }
}

interface OpenedKey extends KmsAlgorithm {
  readonly publicKeySpkiDer: Uint8Array
}

function createSignerOf(client: KmsClient, settings: KmsSettings, key: OpenedKey): Signer {
  const { signatureAlgorithm, kmsSigningAlgorithm, publicKeySpkiDer } = key
  const hashName = hashNameOf(signatureAlgorithm)
  const slots = createSlots(settings)
  const fuse = createFuse({
    ...fuseSettings,
    isSickness: error => isMintlineError(error, 'signer_unavailable') && !isThrottled(error)
  })
  let state: KeyState | undefined
  let closed = false
  const isClosed = () => closed

  async function signDigest(digest: Uint8Array): Promise<Uint8Array> {
    const send = () => client.signDigest(kmsSigningAlgorithm, digest)
    try {
      // A slot is kept through the pauses: when KMS throttles, fewer requests are under way.
      const signOnce = async () => assertSignature(await attempt(send, explain('kms:Sign'), isClosed))
      return await slots.run(() => fuse.run(signOnce))
    } catch (error) {
      // One question at a time, also while signatures fail at once.
      if (state?.trustedUntil !== Number.POSITIVE_INFINITY) state = undefined
      throw error
    }
  }

  return {
    signatureAlgorithm,
    publicKeySpkiDer,
    async sign(toBeSignedDer) {
      if (closed) throw closedError()
      return signDigest(createHash(hashName).update(toBeSignedDer).digest())
    },
    async assertUsable() {
      if (closed) throw closedError()
      if (state === undefined || state.trustedUntil <= performance.now()) {
        state = askForState(client, isClosed)
      }
      await state.usable
    },
    async close() {
      closed = true
      await slots.close()
      client.destroy()
    }
  }
}

interface KeyState {
  /** Rejects when the key cannot sign. */
  readonly usable: Promise<void>
  /** On the clock of `performance`; without end while the answer is under way, so that there is one question at a time. */
  trustedUntil: number
}

function askForState(client: KmsClient, isClosed: () => boolean): KeyState {
  const usable = assertEnabled(client, isClosed)
  const state: KeyState = { usable, trustedUntil: Infinity }
  const settle = () => {
    state.trustedUntil = performance.now() + stateTrustMs
  }
  usable.then(settle, settle)
  return state
}

const explain = (permission: KmsPermission) => (cause: unknown) => kmsFailure(cause, permission)

async function openKey(client: KmsClient): Promise<OpenedKey> {
  const { spkiDer, keySpec, keyUsage } = await attempt(
    () => client.getPublicKey(),
    explain('kms:GetPublicKey'),
    () => false
  )
  if (keyUsage !== 'SIGN_VERIFY' || spkiDer === undefined) {
    throw new MintlineError(
      'key_unusable',
      `An authority needs a KMS key with the usage SIGN_VERIFY; this one has ${keyUsage ?? 'none'}.`
    )
  }
  const publicKeySpkiDer = new Uint8Array(spkiDer)
  return { ...kmsAlgorithmOf(keySpec, publicKeySpkiDer), publicKeySpkiDer }
}

async function assertEnabled(client: KmsClient, isClosed: () => boolean): Promise<void> {
  const keyState = await attempt(() => client.describeKeyState(), explain('kms:DescribeKey'), isClosed)
  if (keyState === 'Enabled' || keyState === 'Updating') return
  throw new MintlineError(
    'signer_disabled',
    `The CA key in AWS KMS cannot sign: its state is ${keyState ?? 'unknown'}.`
  )
}

function assertSignature(signature: Uint8Array | undefined): Uint8Array {
  if (signature === undefined || signature.length === 0)
    throw new MintlineError(
      'signer_unavailable',
      'AWS KMS answered without the signature that was asked for.',
      { retryAfterSeconds: 5 }
    )
  return new Uint8Array(signature)
}

function assertNoAlias(keyId: string): void {
  if (!/(^|:)alias\//.test(keyId)) return
  throw new MintlineError(
    'key_unusable',
    'The CA key is named by an alias, which can be pointed at another key; give the key id or the key ARN.'
  )
}
