import type { Principal } from '../../access/principal.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import { isProfileAllowed } from '../../factory/stations/station.ts'

/** @throws MintlineError `profile_not_allowed`. The commit looks once more, at what the station may do then. */
export function assertProfileAllowed({
  station,
  profile
}: {
  readonly station: Principal
  readonly profile: string
}): void {
  if (station.station !== undefined && !isProfileAllowed(station.station, profile))
    throw profileNotAllowed(station, profile)
}

export function profileNotAllowed({ name }: Principal, profile: string): MintlineError {
  return new MintlineError(
    'profile_not_allowed',
    `The station ${name} may not use the profile ${profile}. Check the profile that the station names; where it is right, the administrator adds it with PATCH /v1/stations/${name}.`
  )
}
