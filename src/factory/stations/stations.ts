import { isDeepStrictEqual } from 'node:util'
import { type Act, type AuditEvent, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { type Clock, laterThan } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import { pageOf, readPage } from '../../sources/page.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { CertificateStore } from './client-certificates/certificate-store.ts'
import {
  allProfiles,
  type NewStation,
  type Station,
  type StationChange,
  type StationReport,
  type Stations,
  type StationSettings
} from './station.ts'
import { settingsOf, type StationStore } from './station-store.ts'
import { createTurns } from './turns.ts'

export interface StationDependencies {
  readonly store: StationStore
  readonly certificates: Pick<CertificateStore, 'list' | 'end'>
  /** Those of the names of which there is no profile. */
  readonly findUnknownProfiles: (names: readonly string[]) => Promise<readonly string[]>
  /** Called after each change: what this process remembers of a station is not so any more. Others are told by the database. */
  readonly onChange: () => void
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

const usual: Omit<StationSettings, 'profiles'> = {
  line: null,
  site: null,
  lots: [],
  enabled: true,
  requestsPerMinute: null,
  hourlyTarget: null,
  clientIdentities: []
}

export function createStations(dependencies: StationDependencies): Stations {
  const { store, certificates, onChange, clock, randomBytes } = dependencies
  const inTurn = createTurns()

  async function reportOf(station: Station): Promise<StationReport> {
    const now = clock()
    const midnight = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()))
    const { lastSeenAt, issued, refused } = await store.activity(station.name, midnight)
    return { ...station, lastSeenAt, issuedToday: issued, refusedToday: refused }
  }

  async function require(name: string): Promise<Station> {
    const station = await store.find(name)
    if (station !== undefined) return station
    throw stationNotFound(name)
  }

  async function changeStation(name: string, change: StationChange, act: Act): Promise<Station> {
    for (;;) {
      const before = await require(name)
      const changed = {
        ...before,
        ...change,
        changedAt: laterThan(before.changedAt, clock),
        changedBy: act.actor
      }
      if (isDeepStrictEqual(settingsOf(before), settingsOf(changed))) return before
      await assertUsable(dependencies, changed)
      const event = changeOf(before, changed, { act, randomBytes })
      // Lost to a change by another process: theirs is what this one changes then.
      if (!(await store.change(before, changed, event))) continue
      onChange()
      return changed
    }
  }

  return {
    async create(request, act) {
      const station = buildStation(request, act, { time: clock(), randomBytes })
      await assertUsable(dependencies, station)
      if (await store.insert(station, creationOf(station, act, randomBytes))) return { station, isNew: true }
      return { station: await findSame(dependencies, station), isNew: false }
    },
    async list(query) {
      const { limit } = query
      const stations = await store.list({ ...query, limit: limit + 1 })
      return pageOf(stations, { limit, cursorOf: ({ name }) => name })
    },
    find: async name => reportOf(await require(name)),
    async listCertificates(name, query) {
      const { id } = await require(name)
      return readPage(query, wanted => certificates.list(id, wanted))
    },
    change: async (name, change, act) => reportOf(await inTurn(() => changeStation(name, change, act))),
    endCertificate: async (name, sha256, act) => end(dependencies, await require(name), { sha256, act }),
    async resume(name, act) {
      const station = await require(name)
      if (station.pausedAt === null) return reportOf(station)
      const time = clock()
      // Another operator's resumption does as well, and is on record as theirs.
      await store.resume(station, time, resumptionOf(station, act, { time, randomBytes }))
      onChange()
      return reportOf(await require(name))
    }
  }
}

/** The one of that name, for which it could not be put there. @throws MintlineError `station_exists`, `station_invalid`. */
async function findSame(dependencies: StationDependencies, station: Station): Promise<Station> {
  const existing = await dependencies.store.find(station.name)
  // Then it was an identity that somebody else has got meanwhile.
  if (existing === undefined) {
    await assertUsable(dependencies, station)
    const detail = 'The stations are being changed at this moment. Send it again.'
    throw new MintlineError('overloaded', detail, { retryAfterSeconds: 1 })
  }
  if (isDeepStrictEqual(settingsOf(existing), settingsOf(station))) return existing
  throw new MintlineError(
    'station_exists',
    `There is a station ${station.name} with other settings. PATCH /v1/stations/${station.name} changes it.`
  )
}

export function stationNotFound(name: string): MintlineError {
  return new MintlineError(
    'station_not_found',
    `There is no station ${name}. GET /v1/stations lists those that there are.`
  )
}

interface End {
  readonly sha256: Uint8Array
  readonly act: Act & { readonly reason: string }
}

async function end(
  { certificates, onChange, clock, randomBytes }: StationDependencies,
  station: Station,
  { sha256, act }: End
): Promise<void> {
  const event = endOf(station, sha256, { act, time: clock(), randomBytes })
  if (!(await certificates.end(station.id, sha256, event))) throw certificateNotFound(station.name, sha256)
  onChange()
}

interface EndSources {
  readonly act: Act & { readonly reason: string }
  readonly time: Date
  readonly randomBytes: RandomBytes
}

function endOf({ name }: Station, sha256: Uint8Array, { act, time, randomBytes }: EndSources) {
  const after = { certificate: toHex(sha256) }
  const what: ToldAct = { ...act, act: 'station.certificate-end', subject: `station/${name}`, after }
  return { ...buildAuditEvent(what, { time, randomBytes }), reason: act.reason }
}

function certificateNotFound(name: string, sha256: Uint8Array): MintlineError {
  return new MintlineError(
    'client_certificate_not_found',
    `The station ${name} never had the client certificate ${toHex(sha256)}. GET /v1/stations/${name}/client-certificates lists those that it had.`
  )
}

/** A station with its defaults. */
export function buildStation(
  request: NewStation,
  act: Act,
  { time, randomBytes }: { readonly time: Date; readonly randomBytes: RandomBytes }
): Station {
  return {
    ...usual,
    ...request,
    pausedAt: null,
    pauseReason: null,
    resumedAt: null,
    id: newId(time, randomBytes),
    createdAt: time,
    createdBy: act.actor,
    changedAt: time,
    changedBy: act.actor
  }
}

/** The event of its making. */
export function creationOf(station: Station, act: Act, randomBytes: RandomBytes): AuditEvent {
  const what: ToldAct = {
    ...act,
    act: 'station.create',
    subject: `station/${station.name}`,
    after: settingsOf(station)
  }
  return buildAuditEvent(what, { time: station.createdAt, randomBytes })
}

function resumptionOf(
  { name, pausedAt, pauseReason }: Station,
  act: Act,
  sources: { readonly time: Date; readonly randomBytes: RandomBytes }
): AuditEvent {
  const what: ToldAct = {
    ...act,
    act: 'station.resume',
    subject: `station/${name}`,
    before: { state: 'paused', pausedAt, pauseReason },
    after: { state: 'enabled' }
  }
  return buildAuditEvent(what, sources)
}

function changeOf(
  before: Station,
  after: Station,
  { act, randomBytes }: { readonly act: Act; readonly randomBytes: RandomBytes }
): AuditEvent {
  const subject = `station/${before.name}`
  const what: ToldAct = {
    ...act,
    act: 'station.change',
    subject,
    before: settingsOf(before),
    after: settingsOf(after)
  }
  return buildAuditEvent(what, { time: after.changedAt, randomBytes })
}

/** @throws MintlineError `station_invalid`. */
async function assertUsable(dependencies: StationDependencies, station: Station): Promise<void> {
  const { name } = station
  const violations = [
    ...(await profileViolations(dependencies, station)),
    ...(await identityViolations(dependencies, station))
  ]
  if (violations.length === 0) return
  throw new MintlineError('station_invalid', `The station ${name} cannot be like this.`, { violations })
}

/** A certificate lets one station in. */
async function identityViolations(
  { store }: Pick<StationDependencies, 'store'>,
  { name, clientIdentities }: Station
): Promise<readonly Violation[]> {
  if (clientIdentities.length === 0) return []
  const holders = await store.findHolders(clientIdentities)
  return holders
    .filter(({ station }) => station.name !== name)
    .map(({ identity, station }) => ({
      pointer: `/clientCertificates/${clientIdentities.indexOf(identity)}`,
      expected: 'what no other station is known by',
      found: `${identity}, of the station ${station.name}`,
      message: `Take it from ${station.name} first, with PATCH /v1/stations/${station.name}.`
    }))
}

/** A name that is mistyped would keep a station from its work, and be told to nobody before. */
async function profileViolations(
  { findUnknownProfiles }: Pick<StationDependencies, 'findUnknownProfiles'>,
  { profiles }: Station
): Promise<readonly Violation[]> {
  const violations: Violation[] = []
  if (profiles.includes(allProfiles) && profiles.length > 1) {
    violations.push({
      pointer: '/profiles',
      expected: `names of profiles, or "${allProfiles}" alone`,
      found: `"${allProfiles}" and others`,
      message: 'Leave out what does not count.'
    })
  }
  const unknown = await findUnknownProfiles(profiles.filter(profile => profile !== allProfiles))
  for (const profile of unknown) {
    violations.push({
      pointer: `/profiles/${profiles.indexOf(profile)}`,
      expected: 'the name of a profile that there is',
      found: profile,
      message: 'Correct the name, or POST the profile first.'
    })
  }
  return violations
}
