import { tokenRevoked } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { Station } from '../../factory/stations/station.ts'
import type { StoredToken } from './token-store.ts'

/** Why a token is not taken any more: `token_invalid`, `token_expired`, `station_disabled`, `station_paused`. Undefined while it is. */
export function endOf(token: StoredToken, now: Date): MintlineError | undefined {
  const { revokedAt, expiresAt, station } = token
  if (revokedAt !== undefined) return tokenRevoked()
  if (expiresAt !== undefined && expiresAt <= now) {
    return new MintlineError(
      'token_expired',
      `This token ended ${expiresAt.toISOString()}. Ask the administrator for a new one.`
    )
  }
  return station && endOfStation(station)
}

/** Why a station is kept from its work, whatever it comes with: `station_disabled`, `station_paused`. */
export function endOfStation({
  name,
  enabled,
  pausedAt
}: Pick<Station, 'name' | 'enabled' | 'pausedAt'>): MintlineError | undefined {
  if (!enabled) {
    return new MintlineError(
      'station_disabled',
      `The station ${name} is disabled. Ask the administrator, who enables it with PATCH /v1/stations/${name}.`
    )
  }
  return pausedAt === null ? undefined : stationPaused(name, pausedAt)
}

/** The token is as it was; the station is what is kept from its work. */
export function isOfStation({ code }: MintlineError): boolean {
  return code === 'station_disabled' || code === 'station_paused'
}

function stationPaused(name: string, pausedAt: Date): MintlineError {
  return new MintlineError(
    'station_paused',
    `The station ${name} is paused since ${pausedAt.toISOString()}: it sent too many weak keys, or keys of other devices, so that its source of random numbers must be taken for broken. Stop the line at this station and find out what makes its keys. Then an operator lets it go on with POST /v1/stations/${name}/resume.`,
    { members: { station: name, pausedAt: pausedAt.toISOString() } }
  )
}

/** For every reason alike, so that nobody learns by trying which tokens there are. */
export function invalidToken(): MintlineError {
  return new MintlineError(
    'token_invalid',
    'This token is not valid: it is mistyped, revoked or from another Mintline. Ask the administrator for a new one.'
  )
}
