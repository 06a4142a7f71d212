import { isDeepStrictEqual } from 'node:util'
import type { VerbOf } from '../../audit/audit-act.ts'
import { type Act, type AuditEvent, buildAuditEvent, type ToldAct } from '../../audit/audit-event.ts'
import { MintlineError, type Violation } from '../../errors/mintline-error.ts'
import { toHex } from '../../pki/der/octet-text.ts'
import { type Clock, laterThan } from '../../sources/clock.ts'
import { newId } from '../../sources/identifier.ts'
import { pageOf } from '../../sources/page.ts'
import type { RandomBytes } from '../../sources/random-bytes.ts'
import type { DeviceLists, PreparedList } from './devices/list/device-list.ts'
import type { Lot, LotCounts, LotProgress, LotRequest, Lots, LotState, StationShare } from './lot.ts'
import type { LotStore } from './lot-store.ts'

export interface LotDependencies {
  readonly store: LotStore
  /** Those of the names of which there is no profile. */
  readonly findUnknownProfiles: (names: readonly string[]) => Promise<readonly string[]>
  /** Those of the names of which there is no station. */
  readonly findUnknownStations: (names: readonly string[]) => Promise<readonly string[]>
  readonly prepareList: DeviceLists['prepare']
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** What the audit and the events tell of a lot. */
const settingsOf = (lot: Lot) => ({ ...requestedOf(lot), state: lot.state })

export function createLots(dependencies: LotDependencies): Lots {
  const { store } = dependencies
  const require = (id: string) => findOrRefuse(store, id)
  const change = (id: string, alteration: Alteration, act: Act) =>
    alterLot(dependencies, { id, ...alteration }, act)

  const report = async (lot: Lot): Promise<LotProgress> => {
    const besides = lot.devices === null ? 0 : await store.countBesides(lot.id)
    return progressOf(lot, await store.shares(lot.id), besides)
  }

  return {
    async create(request, act) {
      let lot = buildLot(request, act, dependencies.clock())
      await assertSound(dependencies, lot)
      const list = request.devices && (await dependencies.prepareList(lot.profile, request.devices))
      if (list !== undefined) lot = { ...lot, devices: factsOf(list, dependencies) }
      const event = lotEvent(dependencies, act, { act: 'lot.create', after: lot })
      if (await store.insert(lot, event, list)) return { lot, isNew: true }
      const existing = await require(lot.id)
      if (isDeepStrictEqual(requestedOf(existing), requestedOf(lot))) return { lot: existing, isNew: false }
      throw new MintlineError(
        'lot_exists',
        `There is a lot ${lot.id} that says something else. GET /v1/lots/${lot.id} shows it; PATCH changes its quantity.`
      )
    },
    async list(query) {
      const { limit } = query
      const lots = await store.list({ ...query, limit: limit + 1 })
      return pageOf(lots, { limit, cursorOf: ({ id }) => id })
    },
    find: async id => report(await require(id)),
    change: async (id, { quantity }, act) => {
      const alter = (lot: Lot) => ({ state: requireOpen(lot, 'lot.change') && lot.state, quantity })
      return report(await change(id, { act: 'lot.change', alter }, act))
    },
    pause: async (id, act) => report(await change(id, turn('paused', 'lot.pause'), act)),
    resume: async (id, act) => report(await change(id, turn('open', 'lot.resume'), act)),
    end: (id, act) =>
      change(id, { act: 'lot.close', alter: ({ quantity }) => ({ quantity, state: 'closed' }) }, act)
  }
}

/** As the audit names it. */
type LotAct = `lot.${VerbOf<'lot'>}`

interface Alteration {
  readonly act: LotAct
  /** @throws MintlineError where the lot cannot become that. */
  readonly alter: (lot: Lot) => Pick<Lot, 'quantity' | 'state'>
}

function turn(to: LotState, act: LotAct): Alteration {
  return { act, alter: lot => ({ quantity: lot.quantity, state: requireOpen(lot, act) && to }) }
}

async function alterLot(
  dependencies: LotDependencies,
  { id, act: name, alter }: Alteration & { readonly id: string },
  act: Act
): Promise<Lot> {
  const { store, clock } = dependencies
  for (;;) {
    const before = await findOrRefuse(store, id)
    const altered = { ...before, ...alter(before) }
    if (isDeepStrictEqual(before, altered)) return before
    const after = { ...altered, changedAt: laterThan(before.changedAt, clock), changedBy: act.actor }
    const event = lotEvent(dependencies, act, { act: name, before, after })
    const outcome = await store.change(before, after, event)
    if (outcome === 'taken') throw quantityTaken(await findOrRefuse(store, id), after.quantity)
    // Lost to another operator's change: theirs is what this one changes then.
    if (outcome === 'changed') return after
  }
}

/** What the audit keeps of a change of a lot, or of a new one. */
export function lotEvent(
  { randomBytes }: Pick<LotDependencies, 'randomBytes'>,
  act: Act,
  { act: name, before, after }: { readonly act: LotAct; readonly before?: Lot; readonly after: Lot }
): AuditEvent {
  const what: ToldAct = {
    ...act,
    act: name,
    subject: `lot/${after.id}`,
    ...(before && { before: settingsOf(before) }),
    after: settingsOf(after)
  }
  return buildAuditEvent(what, { time: after.changedAt, randomBytes })
}

/** @throws MintlineError `lot_not_found`. */
export async function findOrRefuse(store: Pick<LotStore, 'find'>, id: string): Promise<Lot> {
  const lot = await store.find(id)
  if (lot === undefined) throw lotNotFound(id)
  return lot
}

export function lotNotFound(id: string): MintlineError {
  return new MintlineError('lot_not_found', `There is no lot ${id}. GET /v1/lots lists those that there are.`)
}

/** What whoever is held to these lines is told of any lot that they are not shown, also of one that there is not. */
export function lotNotOfLines(id: string, lines: readonly string[]): MintlineError {
  return new MintlineError(
    'lot_not_found',
    `There is no lot ${id} for the lines ${lines.join(', ')} alone, which is what a token for these is shown: a lot whose \`stations\` all stand on them. Records that name the lot are in GET /v1/issuances?lot=${id}.`
  )
}

/** What is in it, and by whom. */
function progressOf(lot: Lot, stationShares: readonly StationShare[], besides: number): LotProgress {
  const sumOf = (name: keyof LotCounts) => stationShares.reduce((sum, share) => sum + share[name], 0)
  const counts = {
    issued: sumOf('issued'),
    open: sumOf('open'),
    refused: sumOf('refused'),
    scrapped: sumOf('scrapped')
  }
  return { ...lot, ...counts, devicesIssued: Math.max(counts.issued - besides, 0), stationShares }
}

const factsOf = (
  { devices, ...digests }: PreparedList,
  { clock, randomBytes }: Pick<LotDependencies, 'clock' | 'randomBytes'>
) => ({ id: newId(clock(), randomBytes), devices: devices.length, ...digests })

function buildLot(request: LotRequest, act: Act, time: Date): Lot {
  const { id, profile, quantity, stations = [], opensAt, closesAt } = request
  return {
    id,
    profile,
    quantity,
    stations: [...stations].sort(),
    opensAt: opensAt ?? null,
    closesAt: closesAt ?? null,
    devices: null,
    state: 'open',
    taken: 0,
    createdAt: time,
    createdBy: act.actor,
    changedAt: time,
    changedBy: act.actor,
    flags: []
  }
}

/** What two requests for one lot must agree in. */
const requestedOf = ({ profile, quantity, stations, opensAt, closesAt, devices }: Lot) => ({
  profile,
  quantity,
  stations,
  opensAt,
  closesAt,
  ...(devices && { devices: { devices: devices.devices, sha256: toHex(devices.sha256) } })
})

/** @returns true, for who goes on with it. @throws MintlineError `lot_closed`. */
export function requireOpen({ id, state }: Lot, act: string): true {
  if (state !== 'closed') return true
  const verb = act.replace('lot.', '')
  throw new MintlineError(
    'lot_closed',
    `The lot ${id} is closed, for ever: there is nothing to ${verb}. What more is made is another lot (POST /v1/lots).`
  )
}

function quantityTaken({ id, taken }: Lot, quantity: number): MintlineError {
  const violation: Violation = {
    pointer: '/quantity',
    expected: `at least ${taken}, the number of places that are taken`,
    found: String(quantity),
    message: 'What is made cannot be made undone.'
  }
  return new MintlineError(
    'lot_quantity_taken',
    `Of the lot ${id}, ${taken} places are taken. Choose at least that, or close the lot, which ends it with what there is.`,
    { violations: [violation] }
  )
}

async function assertSound(dependencies: LotDependencies, { id, ...lot }: Lot): Promise<void> {
  const violations: Violation[] = []
  const isUnknown = (await dependencies.findUnknownProfiles([lot.profile])).length > 0
  if (isUnknown) violations.push(absent('/profile', 'profile', lot.profile))
  for (const station of await dependencies.findUnknownStations(lot.stations)) {
    violations.push(absent(`/stations/${lot.stations.indexOf(station)}`, 'station', station))
  }
  if (lot.closesAt !== null && lot.closesAt <= (lot.opensAt ?? lot.createdAt)) {
    violations.push({
      pointer: '/closesAt',
      expected: `after ${lot.opensAt === null ? 'now' : 'opensAt'}`,
      found: lot.closesAt.toISOString(),
      message: 'The lot would be over before it is open.'
    })
  }
  if (violations.length === 0) return
  throw new MintlineError('lot_invalid', `The lot ${id} cannot be like this.`, { violations })
}

function absent(pointer: string, kind: string, found: string): Violation {
  const expected = `the name of a ${kind} that there is`
  return { pointer, expected, found, message: `Correct the name, or POST the ${kind} first.` }
}
