import { type Act, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import type { Clock } from '../../sources/clock.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { PermitStore } from './permit-store.ts'

interface LoginPermit {
  readonly tokenLabel: string
  readonly expiresAt: Date
}

/** Logins at PKCS#11 tokens that are withheld since the token could lock itself. */
export interface LoginPermits {
  /**
   * Lets the PIN of the PIN file be tried once at the token, by whichever process needs it first. A permit that is not
   * used expires.
   *
   * @throws MintlineError `token_invalid`, `database_unavailable`.
   */
  permit(tokenLabel: string, act: Act & { readonly reason: string }): Promise<LoginPermit>
}

export interface PermitDependencies {
  readonly store: PermitStore
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** It is for what is about to be done. */
const permitMinutes = 60

export function createLoginPermits({ store, clock, randomBytes }: PermitDependencies): LoginPermits {
  return {
    async permit(tokenLabel, act) {
      const what: ToldAct = { ...act, act: 'token-login.permit', subject: `pkcs11-token/${tokenLabel}` }
      const event = buildAuditEvent(what, { time: clock(), randomBytes })
      return { tokenLabel, expiresAt: await store.permit(tokenLabel, permitMinutes, event) }
    }
  }
}
