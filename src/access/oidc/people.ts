import { createHash } from 'node:crypto'
import type { Clock } from '../../sources/clock.ts'
import type { Principal } from '../principal.ts'
import { personOf } from './person.ts'
import type { KeySet } from './provider/document.ts'
import { ProviderKeys, type ProviderKeysDependencies } from './provider/keys.ts'
import type { ProviderSettings } from './provider/settings.ts'
import { verifyJwt } from './verification.ts'

/** People who sign in at an identity provider, and come with what it gave them. */
export interface People {
  /**
   * @throws MintlineError `jwt_refused`, `token_expired`, `jwt_role_unknown`, `identity_provider_unavailable`.
   */
  authenticate(jwt: string): Promise<Principal>
  /** For readiness: whether the provider was heard when it was asked last. */
  examine(): { readonly ok: boolean; readonly detail: string }
  /** Fetches the keys ahead of the first token. Never rejects. */
  prepare(): Promise<void>
  /** Ends what is under way. */
  close(): void
}

export interface PeopleDependencies extends Omit<ProviderKeysDependencies, 'settings'> {
  readonly settings: ProviderSettings
  readonly clock: Clock
}

interface Remembered {
  readonly principal: Principal
  readonly keys: KeySet
  readonly endsAtMs: number
}

/** Tokens, by digest, that are not verified anew while they last and the keys are the same. */
const maximumRemembered = 10_000

export function createPeople({ settings, clock, ...dependencies }: PeopleDependencies): People {
  const keys = new ProviderKeys({ ...dependencies, settings })
  // Who came first goes first.
  const remembered = new Map<string, Remembered>()
  return {
    async authenticate(jwt) {
      const digest = createHash('sha256').update(jwt).digest('base64')
      const seen = remembered.get(digest)
      const now = clock()
      if (seen !== undefined && seen.endsAtMs > now.getTime() && seen.keys === (await keys.current())) {
        return seen.principal
      }
      remembered.delete(digest)
      const verified = await verifyJwt(jwt, { settings, keys }, now)
      const principal = personOf(verified.claims, settings)
      const endsAtMs = (verified.claims.exp + settings.clockToleranceSeconds) * 1_000
      if (remembered.size >= maximumRemembered) remembered.delete(remembered.keys().next().value!)
      remembered.set(digest, { principal, keys: verified.keys, endsAtMs })
      return principal
    },
    examine: () => keys.examine(),
    close: () => keys.close(),
    prepare: () =>
      keys.current().then(
        () => undefined,
        () => undefined
      )
  }
}
