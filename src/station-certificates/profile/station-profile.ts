import { isDeepStrictEqual } from 'node:util'
import { type Act, type AuditEvent, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import type { Authorities } from '../../authorities/authority.ts'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import type { Clock } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import { type StationProfileDocument, type StationProfileVersion, usualStationProfile } from './document.ts'
import type { StationProfileStore } from './station-profile-store.ts'

export interface StationProfiles {
  /** The newest version. @throws MintlineError `station_profile_missing`. */
  current(): Promise<StationProfileVersion>
  /**
   * Makes the next version. The same again changes nothing. What was issued stays as it is.
   *
   * @param document what is left out has its default. @throws MintlineError `station_profile_invalid`, `token_invalid`.
   */
  put(
    document: Partial<StationProfileDocument> & Pick<StationProfileDocument, 'authority'>,
    act: Act
  ): Promise<StationProfileVersion>
}

export interface StationProfileDependencies {
  readonly store: StationProfileStore
  readonly authorities: Pick<Authorities, 'purposeOf'>
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

export function createStationProfiles(dependencies: StationProfileDependencies): StationProfiles {
  const { store, authorities, clock, randomBytes } = dependencies
  return {
    async current() {
      const found = await store.findNewest()
      if (found !== undefined) return found
      throw new MintlineError(
        'station_profile_missing',
        'There is no station profile yet. An administrator makes one with PUT /v1/station-profile.'
      )
    },
    async put(request, act) {
      const document = { ...usualStationProfile, ...request }
      await assertUsable(authorities, document)
      for (;;) {
        const newest = await store.findNewest()
        if (newest !== undefined && isDeepStrictEqual(newest.document, document)) return newest
        const createdAt = clock()
        const profile = {
          id: newId(createdAt, randomBytes),
          version: (newest?.version ?? 0) + 1,
          document,
          createdAt,
          createdBy: act.actor
        }
        // Lost to another administrator's: theirs is what this one changes then.
        if (await store.insert(profile, eventOf(profile, newest, { act, randomBytes }))) return profile
      }
    }
  }
}

function eventOf(
  { version, document, createdAt }: StationProfileVersion,
  before: StationProfileVersion | undefined,
  { act, randomBytes }: { readonly act: Act; readonly randomBytes: RandomBytes }
): AuditEvent {
  const what: ToldAct = {
    ...act,
    act: 'station_profile.put',
    subject: 'station-profile',
    ...(before && { before: { version: before.version } }),
    after: { version, ...document }
  }
  return buildAuditEvent(what, { time: createdAt, randomBytes })
}

async function assertUsable(
  authorities: Pick<Authorities, 'purposeOf'>,
  { authority, keys: { rsa } }: StationProfileDocument
): Promise<void> {
  const violations: Violation[] = []
  const purpose = await authorities.purposeOf(authority)
  if (purpose !== 'stations') {
    violations.push({
      pointer: '/authority',
      expected: 'an authority line for stations',
      found: purpose === undefined ? `${authority}, which there is not` : `${authority}, for ${purpose}`,
      message: 'Name another line, or make one: POST /v1/authorities with "purpose": "stations".'
    })
  }
  if (rsa !== undefined && rsa.minimumBits > rsa.maximumBits) {
    violations.push({
      pointer: '/keys/rsa/minimumBits',
      expected: `at most maximumBits, ${rsa.maximumBits}`,
      found: String(rsa.minimumBits),
      message: 'No key would be taken.'
    })
  }
  if (violations.length === 0) return
  throw new MintlineError('station_profile_invalid', 'The station profile cannot be like this.', {
    violations
  })
}
