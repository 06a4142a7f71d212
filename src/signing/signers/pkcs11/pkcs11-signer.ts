import { createHash } from 'node:crypto'
import { authoritySignatureAlgorithm } from '../../../pki/key/signature-algorithm.ts'
import type { KeyStoreLog } from '../key-store-log.ts'
import type { Signer } from '../signer.ts'
import type { Pkcs11Reference } from '../signer-reference.ts'
import { closedError, createSlots } from '../signer-slots.ts'
import { buildTokenInput, encodeTokenSignature } from './encoding.ts'
import type { PinRecord } from './pins/pin-record.ts'
import { type TokenProcess, tokenProcessOf } from './supervision/token-process.ts'

export interface Pkcs11Settings {
  /** The module of the HSM's maker, a shared library. */
  readonly modulePath: string
  /** Its first line is the user's PIN. Read at each login, never kept. */
  readonly pinFile: string
  /** How many signatures are made at the same time; each has a session of its own, and one more looks things up. */
  readonly sessions: number
  /** How many calls may wait for a session; further ones are refused with `overloaded`. */
  readonly maximumWaiting: number
  /** In which the module must answer; else its process is ended, and started anew after a pause. */
  readonly callTimeoutMs: number
  /** All that the module's process gets of the service's environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Of the PINs that tokens were given: there is no login without it. */
  readonly pins: PinRecord
  readonly log?: KeyStoreLog | undefined
}

/**
 * A signer whose key is on a PKCS#11 token: EC with CKM_ECDSA, RSA with CKM_RSA_PKCS, over a digest made here. The module
 * is in a process of its own, one for each token, so that nothing it does can take more along than its keys.
 *
 * A token that is pulled, and a module that hangs or crashes, make `sign` throw `signer_unavailable`; when it is back, a
 * later call finds it. A PIN that the token refuses is not tried again until the PIN file changes, since tokens lock
 * themselves: see `pins/login-judgement.ts`.
 *
 * @throws MintlineError `key_unusable`: no pkcs11js, no module, PIN refused, two tokens of one label, no single key
 *   of that label, or a key that no authority can have; `signer_unavailable`: the token is not there now.
 */
export async function createPkcs11Signer(
  { tokenLabel, keyLabel }: Pkcs11Reference,
  settings: Pkcs11Settings
): Promise<Signer> {
  const { maximumWaiting: _, ...rest } = settings
  const token = tokenProcessOf({ ...rest, tokenLabel })
  const key = token.addKey(keyLabel)
  try {
    const publicKeySpkiDer = new Uint8Array(await token.ask({ call: 'open', key, keyLabel }))
    return createSigner({ token, key, keyLabel, publicKeySpkiDer }, settings)
  } catch (error) {
    token.abandonKey(key)
    throw error
  }
}

interface OpenedKey {
  readonly token: TokenProcess
  readonly key: number
  readonly keyLabel: string
  readonly publicKeySpkiDer: Uint8Array
}

function createSigner(
  { token, key, keyLabel, publicKeySpkiDer }: OpenedKey,
  { sessions, maximumWaiting }: Pkcs11Settings
): Signer {
  const signatureAlgorithm = authoritySignatureAlgorithm(publicKeySpkiDer)
  const slots = createSlots({ maximumConcurrent: sessions, maximumWaiting })
  const spkiSha256 = createHash('sha256').update(publicKeySpkiDer).digest('hex')
  const at = { key, keyLabel, spkiSha256 } as const
  let examination: Promise<void> | undefined
  let closing: Promise<void> | undefined

  async function examine(): Promise<void> {
    await token.ask({ call: 'examine', ...at })
  }

  return {
    signatureAlgorithm,
    publicKeySpkiDer,
    async sign(toBeSignedDer) {
      const input = Buffer.from(buildTokenInput(signatureAlgorithm, toBeSignedDer)).toString('base64')
      const signature = await slots.run(() => token.ask({ call: 'sign', ...at, input }))
      return encodeTokenSignature(signatureAlgorithm, new Uint8Array(signature))
    },
    async assertUsable() {
      if (closing !== undefined) throw closedError()
      // However many ask, the token is asked once at a time.
      examination ??= examine().finally(() => {
        examination = undefined
      })
      await examination
    },
    async close() {
      closing ??= slots.close().then(() => token.removeKey(key))
      return closing
    }
  }
}
