import { tokenRevoked } from '../audit/audit-event.ts'
import { MintlineError } from '../errors/mintline-error.ts'
import type { StoredToken } from './token-store.ts'

/** Why a token is not taken any more: `token_invalid`, `token_expired`, `station_disabled`. Undefined while it is. */
export function endOf(token: StoredToken, now: Date): MintlineError | undefined {
  const { revokedAt, expiresAt, station } = token
  if (revokedAt !== undefined) return tokenRevoked()
  if (expiresAt !== undefined && expiresAt <= now) {
    return new MintlineError(
      'token_expired',
      `This token ended ${expiresAt.toISOString()}. Ask the administrator for a new one.`
    )
  }
  if (station === undefined || station.enabled) return undefined
  return new MintlineError(
    'station_disabled',
    `The station ${station.name} is disabled. Ask the administrator, who enables it with PATCH /v1/stations/${station.name}.`
  )
}

/** For every reason alike, so that nobody learns by trying which tokens there are. */
export function invalidToken(): MintlineError {
  return new MintlineError(
    'token_invalid',
    'This token is not valid: it is mistyped, revoked or from another Mintline. Ask the administrator for a new one.'
  )
}
