import { MintlineError } from '../../../../errors/mintline-error.ts'
import type { KeyStoreLog } from '../../key-store-log.ts'
import type { Login, Withholding } from './login-judgement.ts'
import { loadMarkKey, type MarkKey } from './mark-key.ts'
import type { PinStore } from './pin-store.ts'

type LoginName = Omit<Login, 'triesLeft' | 'markKeyId'>

/** What is known of the PINs that tokens were given, also by other processes and before a restart. */
export interface PinRecord {
  /** What the marks of PINs are keyed with. */
  markKey(): Promise<Buffer>
  /**
   * Allows a login, which is on record before it is made.
   *
   * @throws MintlineError `key_unusable`: it is withheld, since the token would lock itself; `signer_unavailable`: another
   * process is at it; `database_unavailable`: what is on record cannot be read.
   */
  admit(login: Omit<Login, 'markKeyId'>): Promise<void>
  /** Keeps what the token said. Never rejects: what cannot be kept now is kept before the next login. */
  settle(login: LoginName, outcome: 'accepted' | 'refused'): Promise<void>
}

export interface PinRecordDependencies {
  readonly store: PinStore
  readonly markKeyFile: string
  readonly log?: KeyStoreLog | undefined
}

export function createPinRecord({ store, markKeyFile, log }: PinRecordDependencies): PinRecord {
  let loading: Promise<MarkKey> | undefined
  const markKey = () => (loading ??= loadMarkKey(markKeyFile, log))
  /** By token and mark. */
  const unsettled = new Map<string, () => Promise<void>>()

  async function settleAll(): Promise<void> {
    for (const [name, settle] of unsettled) {
      await settle()
      unsettled.delete(name)
    }
  }

  return {
    markKey: async () => (await markKey()).key,
    async admit(login) {
      await settleAll()
      const verdict = await store.admit({ ...login, markKeyId: (await markKey()).id })
      if (verdict.kind === 'waits') throw isTriedElsewhere(login)
      if (verdict.kind === 'withheld') throw loginWithheld(login, verdict)
    },
    async settle(login, outcome) {
      const { id: markKeyId } = await markKey()
      const name = `${login.tokenLabel} ${login.tokenSerial} ${login.mark.toString('hex')}`
      unsettled.set(name, () => store.settle({ ...login, markKeyId }, outcome))
      await settleAll().catch((err: unknown) => {
        log?.warn(
          { err, token: login.tokenLabel },
          `that the token has ${outcome} a PIN is not on record yet`
        )
      })
    }
  }
}

function isTriedElsewhere({ tokenLabel }: LoginName): MintlineError {
  return new MintlineError(
    'signer_unavailable',
    `The PIN of the HSM token ${tokenLabel} is being tried by another process of the service, or was by one that crashed. It is tried again by itself.`,
    { retryAfterSeconds: 2 }
  )
}

function loginWithheld({ tokenLabel }: LoginName, { why, way }: Withholding): MintlineError {
  return new MintlineError('key_unusable', `The HSM token ${tokenLabel} ${why}. ${way}`)
}
