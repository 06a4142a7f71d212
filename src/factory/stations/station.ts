import type { Act } from '../../audit/audit-event.ts'
import type { Page, PageQuery } from '../../sources/page.ts'

/** In the place of the names of profiles: all of them, also those to come. */
export const allProfiles = '*'

/** Why a station is paused. A closed list: clients branch on it. */
export type PauseReason =
  /** It sent more weak keys, or keys of other devices, than its random generator can be trusted with. */
  'key_faults'

/** What an administrator says of a station. */
export interface StationSettings {
  /** Of production; null where it was not told. */
  readonly line: string | null
  readonly site: string | null
  /** Names, or `*` alone. */
  readonly profiles: readonly string[]
  /** Ids; none for all. */
  readonly lots: readonly string[]
  readonly enabled: boolean
  /** Null for no limit. */
  readonly requestsPerMinute: number | null
  /** How many devices it is to make in an hour, for whoever watches the line. */
  readonly hourlyTarget: number | null
  /** What its client certificates are known by, as `textOfIdentity` writes it; none for no certificate. */
  readonly clientIdentities: readonly string[]
}

export interface Station extends StationSettings {
  readonly id: string
  /** Stays, since records have it. */
  readonly name: string
  readonly createdAt: Date
  readonly createdBy: string
  readonly changedAt: Date
  readonly changedBy: string
  /** Since when it is refused whatever it asks; null while it is not. */
  readonly pausedAt: Date | null
  readonly pauseReason: PauseReason | null
  /** When an operator let it go on; null where it never was paused. */
  readonly resumedAt: Date | null
}

/** A station with what it has done. */
export interface StationReport extends Station {
  /** To the minute or so; null where it never came. */
  readonly lastSeenAt: Date | null
  /** Since midnight UTC. */
  readonly issuedToday: number
  readonly refusedToday: number
}

/** What is left out stays as it is, or has its default: enabled, and no limits. */
export type StationChange = Partial<StationSettings>

export interface NewStation extends StationChange {
  readonly name: string
  readonly profiles: readonly string[]
}

export interface StationQuery extends PageQuery {
  readonly lines?: readonly string[] | undefined
}

export interface Stations {
  /**
   * Makes a station. The same again changes nothing.
   *
   * @throws MintlineError `station_exists`, `station_invalid`.
   */
  create(request: NewStation, act: Act): Promise<{ readonly station: Station; readonly isNew: boolean }>
  /** By name; of these lines alone, where some are given. */
  list(query: StationQuery): Promise<Page<Station>>
  /** @throws MintlineError `station_not_found`. */
  find(name: string): Promise<StationReport>
  /** Takes effect with the next request of the station. @throws MintlineError `station_not_found`, `station_invalid`, `overloaded`. */
  change(name: string, change: StationChange, act: Act): Promise<StationReport>
  /** Lets one go on that is paused; of another nothing changes. @throws MintlineError `station_not_found`. */
  resume(name: string, act: Act): Promise<StationReport>
  /** The client certificates that let it in, newest first. @throws MintlineError `station_not_found`. */
  listCertificates(name: string, query: PageQuery): Promise<Page<StationCertificate>>
  /**
   * Ends a client certificate of the station, for good: it lets nobody in, whoever issued it, and where Mintline did, its
   * key gets no other. One that has ended stays as it is.
   *
   * @param sha256 of its DER. @throws MintlineError `station_not_found`, `client_certificate_not_found`.
   */
  endCertificate(name: string, sha256: Uint8Array, act: Act & { readonly reason: string }): Promise<void>
}

/** A client certificate that let a station in, by what it was known, or that was issued to it here. Records name it as their credential. */
export interface StationCertificate {
  readonly id: string
  readonly identity: string
  readonly sha256: Uint8Array
  readonly subject: string
  readonly issuer: string
  /** The content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  readonly notAfter: Date
  readonly firstSeenAt: Date
  /** To the minute or so; null before it was noted. */
  readonly lastUsedAt: Date | null
  /** Since when it lets nobody in, by an act; null while none ended it. */
  readonly endedAt: Date | null
  readonly endedBy: string | null
  readonly endReason: string | null
}

/** Whether a station may use a profile. */
export function isProfileAllowed({ profiles }: Pick<StationSettings, 'profiles'>, profile: string): boolean {
  return profiles.includes(allProfiles) || profiles.includes(profile)
}
