import {
  createStationCertificates,
  type StationCertificates
} from '../access/client-certificate/station-certificates.ts'
import { createTokens, type Tokens } from '../access/token/token.ts'
import { createTokenStore } from '../access/token/token-store.ts'
import { createTokenUses } from '../access/token/uses.ts'
import { type Authorities, createAuthorities } from '../authorities/authority.ts'
import { type AuthorityStore, createAuthorityStore } from '../authorities/authority-store.ts'
import {
  type CertificateIntentStore,
  createCertificateIntentStore
} from '../authorities/certificates/certificate-intent-store.ts'
import { createLines, type Lines } from '../authorities/lines.ts'
import type { ProfileNeed } from '../authorities/rotation/plan.ts'
import { type AuthorityWarning, findWarnings, lifetimeWarnings } from '../authorities/rotation/warnings.ts'
import { listGapWarnings } from '../aws/registrations/gaps.ts'
import { createRegistrationStore } from '../aws/registrations/registration-store.ts'
import { createClockStore } from '../clock/clock-store.ts'
import { type ClockTrust, createClockTrust } from '../clock/clock-trust.ts'
import type { Config } from '../config/config.ts'
import { builtAt } from '../config/version.ts'
import type { DatabaseLog } from '../database/database-log.ts'
import { createCertificateStore } from '../factory/stations/client-certificates/certificate-store.ts'
import type { Stations } from '../factory/stations/station.ts'
import { createStationStore } from '../factory/stations/station-store.ts'
import { createStations } from '../factory/stations/stations.ts'
import { loadMesSystems, type MesSystem } from '../mes/mes-file.ts'
import { compileProfile } from '../profiles/compiled-profile.ts'
import type { ProfileDocument } from '../profiles/document.ts'
import { createProfiles, type Profiles } from '../profiles/profile.ts'
import { createProfileStore } from '../profiles/profile-store.ts'
import { fitNames, nameFitViolations } from '../profiles/subject/name-fit.ts'
import type { ProfileVersion } from '../profiles/version.ts'
import { createCompromiseStore } from '../revocation/compromise/compromise-store.ts'
import { listCompromiseWarnings } from '../revocation/compromise/warnings.ts'
import { createSignerOpener, type OpenSigner } from '../signing/signers/open-signer.ts'
import type { Clock } from '../sources/clock.ts'
import { createRandomSource, type RandomBytes } from '../sources/random-bytes.ts'
import type { StationProfileVersion } from '../station-certificates/profile/document.ts'
import {
  createStationProfiles,
  type StationProfiles
} from '../station-certificates/profile/station-profile.ts'
import { createStationProfileStore } from '../station-certificates/profile/station-profile-store.ts'
import { createLotParts, type LotParts } from './lots/lots.ts'
import type { OpenedDatabase } from './open-database.ts'
import { signerSettingsOf } from './signer-settings.ts'
import { unaddressedWarnings } from './status/addresses.ts'

/** What every part of a process logs to. */
export interface ServiceLog extends DatabaseLog {
  readonly debug: DatabaseLog['info']
}

/** What a process is given. */
export interface Ground extends OpenedDatabase {
  readonly config: Config
  readonly log: ServiceLog
  /** Of the embedded database: where its files are. */
  readonly databaseDirectory?: string | undefined
}

/** What every process of the service has, whether it answers stations or does the duties in the background. */
export interface Core extends Ground, LotParts {
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly openSigner: OpenSigner
  readonly authorityStore: AuthorityStore
  readonly certificateIntents: CertificateIntentStore
  readonly authorities: Authorities
  readonly lines: Lines
  readonly profiles: Profiles
  /** Those that profiles may have asked. */
  readonly mesSystems: ReadonlyMap<string, MesSystem>
  readonly tokens: Tokens
  readonly stations: Stations
  readonly stationCertificates: StationCertificates
  readonly stationProfiles: StationProfiles
  readonly clockTrust: ClockTrust
  readonly listNeeds: () => Promise<readonly ProfileNeed[]>
  readonly listWarnings: () => Promise<readonly AuthorityWarning[]>
}

/** What a test puts in the place of the usual. */
export interface CoreOverrides {
  readonly clock?: Clock
  /** For tests whose time is made up. */
  readonly wrapClockTrust?: (trust: ClockTrust) => ClockTrust
  readonly randomBytes?: RandomBytes
  readonly wrapOpener?: (open: OpenSigner) => OpenSigner
  /** Gets each store of what authorities are. */
  readonly wrapStore?: <Store extends object>(store: Store) => Store
}

/** Reads nothing of the database yet: `loadAuthorities` does. */
export function createCore(ground: Ground, stops: AsyncDisposableStack, overrides: CoreOverrides = {}): Core {
  const { clock = () => new Date(), randomBytes = createRandomSource() } = overrides
  const { wrapOpener = open => open, wrapStore = store => store, wrapClockTrust = trust => trust } = overrides
  const { config, database } = ground
  const openSigner = wrapOpener(createSignerOpener(signerSettingsOf(config, ground)))
  const authorityStore = wrapStore(createAuthorityStore(database))
  const authorities = createAuthorities({ store: authorityStore, openSigner })
  stops.defer(() => authorities.close())
  const mesSystems = loadMesSystems(config.mesFile)
  const profiles = createProfiles({
    store: createProfileStore(database),
    findLinePurpose: line => authorities.purposeOf(line),
    hasMes: name => mesSystems.has(name),
    publicUrl: config.publicUrl,
    lifetimeWarnings: document => lifetimeWarnings(authorities.list(), needOf(document), clock()),
    findConstraints: line => {
      const active = authorities.list().find(each => each.line === line && each.state === 'active')
      return active && { name: active.name, constrained: active.path.constrained }
    },
    clock,
    randomBytes
  })
  const stationProfileStore = createStationProfileStore(database)
  const compromises = createCompromiseStore(ground.search)
  const registrations = createRegistrationStore(ground.search)
  const listNeeds = async () => [
    ...needsOf(await profiles.list()),
    ...stationNeeds(await stationProfileStore.findNewest())
  ]
  return {
    ...ground,
    clock,
    randomBytes,
    openSigner,
    authorityStore,
    certificateIntents: wrapStore(createCertificateIntentStore(database)),
    authorities,
    lines: createLines(authorities, clock),
    profiles,
    stationProfiles: createStationProfiles({ store: stationProfileStore, authorities, clock, randomBytes }),
    mesSystems,
    ...createAccess(ground, stops, { profiles, clock, randomBytes }),
    clockTrust: wrapClockTrust(
      createClockTrust({ store: createClockStore(database), clock, randomBytes, builtAt })
    ),
    listNeeds,
    listWarnings: async () => [
      ...findWarnings(authorities.list(), await listNeeds(), clock()),
      ...unaddressedWarnings(await profiles.list(), config.publicUrl),
      ...(await listCompromiseWarnings(compromises, clock())),
      ...(await listGapWarnings({
        authorities: authorities.list(),
        listRegistrations: () => registrations.list(),
        now: clock()
      }))
    ]
  }
}

/** Who may ask, and for what: tokens, client certificates, the stations that they belong to, and the lots that these make. */
function createAccess(
  { database, log }: Ground,
  stops: AsyncDisposableStack,
  { profiles, ...sources }: Pick<Core, 'profiles' | 'clock' | 'randomBytes'>
): Pick<Core, 'tokens' | 'stations' | 'stationCertificates' | keyof LotParts> {
  const store = createTokenStore(database)
  const stationStore = createStationStore(database)
  const certificates = createCertificateStore(database)
  const uses = createTokenUses({ store, log }, stops)
  const tokens = createTokens({ ...sources, store, uses, findStation: stationStore.find })
  const findUnknownProfiles = async (names: readonly string[]) => {
    const known = new Set(names.length === 0 ? [] : (await profiles.list()).map(({ name }) => name))
    return names.filter(name => !known.has(name))
  }
  const findUnknownStations = async (names: readonly string[]) => {
    const found = await Promise.all(names.map(name => stationStore.find(name)))
    return names.filter((_, index) => found[index] === undefined)
  }
  const stationCertificates = createStationCertificates({
    ...sources,
    store: certificates,
    findHolders: stationStore.findHolders,
    uses: createTokenUses({ store: certificates, log }, stops)
  })
  return {
    tokens,
    stationCertificates,
    ...createLotParts({ ...sources, database, profiles, findUnknownProfiles, findUnknownStations }),
    stations: createStations({
      ...sources,
      store: stationStore,
      certificates,
      onChange() {
        tokens.forget()
        stationCertificates.forget()
      },
      findUnknownProfiles
    })
  }
}

/** What each profile asks of its authority line. */
function needsOf(profiles: readonly ProfileVersion[]): readonly ProfileNeed[] {
  return profiles.map(({ document }) => needOf(document))
}

/** The same of stations' own certificates. */
function stationNeeds(profile: StationProfileVersion | undefined): readonly ProfileNeed[] {
  if (profile === undefined) return []
  const { authority: line, days: validityDays } = profile.document
  return [{ profile: 'station-profile', line, validityDays }]
}

function needOf(document: ProfileDocument): ProfileNeed {
  const { name, authority, validity } = document
  return {
    profile: name,
    line: authority,
    validityDays: 'days' in validity ? validity.days : Number.POSITIVE_INFINITY,
    judgeNames: (generation, constrained) =>
      nameFitViolations(fitNames({ ...compileProfile(document), document }, constrained), generation)
  }
}

/**
 * A line that cannot issue is told of and keeps neither the others nor the service from starting: what was issued is
 * handed out without its key, and the key may come back.
 *
 * @throws MintlineError `database_unavailable`.
 */
export async function loadAuthorities({ authorities, lines, log }: Core): Promise<void> {
  await authorities.refresh()
  for (const { line, authority, obstacle } of await lines.judgeAll()) {
    if (obstacle === undefined) continue
    const { code, detail } = obstacle
    log.error({ line, authority, code, err: obstacle }, `the line ${line} cannot issue: ${detail}`)
  }
}
