import { join } from 'node:path'
import { systemAct } from '../audit/audit-event.ts'
import { findKeyHolders } from '../authorities/generations/key-holders.ts'
import { programVersion } from '../config/version.ts'
import { createGroupCommit } from '../database/group-commit.ts'
import { createBlockedKeyStore } from '../factory/blocked-keys/blocked-key-store.ts'
import { type BlockedKeys, createBlockedKeys } from '../factory/blocked-keys/blocked-keys.ts'
import { loadStatementKey, statementKeyFile } from '../factory/lots/statement/statement-key.ts'
import { createStatementStore } from '../factory/lots/statement/statement-store.ts'
import { createKeyFaults, type KeyFaults } from '../factory/stations/key-faults/key-fault.ts'
import { createKeyFaultStore } from '../factory/stations/key-faults/key-fault-store.ts'
import { noWeakKeys, type WeakKeys } from '../factory/weak-keys/weak-keys.ts'
import { createCycle, type Cycle } from '../issuance/commit/cycle.ts'
import { createCycleStore } from '../issuance/commit/cycle-store.ts'
import { createCompletion } from '../issuance/completion.ts'
import { createVoidStore } from '../issuance/ends/void-store.ts'
import { createVoiding } from '../issuance/ends/voiding.ts'
import { createFirstUse, type FirstUse } from '../issuance/first-use.ts'
import { createIssuance, type Issuance, type IssuanceDependencies } from '../issuance/issuance.ts'
import { createLotClosing, type LotClosing, type LotClosingDependencies } from '../issuance/lots/closing.ts'
import { createRefusalCounting } from '../issuance/refusals/counting.ts'
import { createDisclosureAudit } from '../issuance/refusals/disclosures/audit.ts'
import {
  blocksPerMinute,
  createDisclosures,
  type Disclosures
} from '../issuance/refusals/disclosures/disclosure.ts'
import { createDisclosureStore } from '../issuance/refusals/disclosures/disclosure-store.ts'
import { createRefusalRecorder } from '../issuance/refusals/refusal.ts'
import { createRepeatWindows } from '../issuance/refusals/repeat-windows.ts'
import { createStationLimits } from '../issuance/refusals/station-limits.ts'
import { createReplay } from '../issuance/replay.ts'
import { createMes, type Mes, type MesDependencies } from '../mes/mes.ts'
import { createRecordStore, type RecordStore } from '../records/record-store.ts'
import { createRecords, type Records } from '../records/records.ts'
import type { CountReason, RefusalCounts } from '../records/refusal-counts/refusal-count.ts'
import {
  createRefusalCountStore,
  type RefusalCountStore
} from '../records/refusal-counts/refusal-count-store.ts'
import { createRefusalStore } from '../records/refusal-store.ts'
import { createSearchStore } from '../records/search/finding/search-store.ts'
import { type Stopwatch, systemStopwatch } from '../sources/clock.ts'
import type { Core } from './core.ts'
import { refuseUnexpectedWith } from './lots/lots.ts'
import { publicUrlsOf } from './status/addresses.ts'

export interface IssuancePath {
  readonly issuance: Issuance
  readonly firstUse: FirstUse
  readonly disclosures: Disclosures
  readonly blockedKeys: BlockedKeys
  readonly records: Records
  readonly refusalCounts: RefusalCounts
  readonly lotClosing: LotClosing
  readonly mes: Mes
  /** Of all processes. @throws MintlineError `database_unavailable`. */
  countOpenIntents(): Promise<number>
}

export interface IssuancePathOptions {
  readonly observe?: IssuanceDependencies['observe']
  /** Told after each group: of intents and certificates, or of refusals. */
  readonly observeGroup?: (kind: 'cycle' | 'refusal', size: number, seconds: number) => void
  /** Told each time that a record is found changed. */
  readonly observeDamage?: () => void
  /** Told of each refusal that is counted and not recorded. */
  readonly observeCounted?: (reason: CountReason) => void
  /** Told of each question to a MES. */
  readonly observeMes?: MesDependencies['observe']
  /** Those that the operator lists. */
  readonly weakKeys?: WeakKeys
  /** True while the database has no room to spare for refusals. */
  readonly storageReserve?: () => boolean
  /** What repeats and limits of refusals are measured by. */
  readonly stopwatch?: Stopwatch
  /** How long a retry waits for another process's record before it completes the intent itself. */
  readonly resumeAfterMs?: number
  readonly maximumGroupSize?: number
  /** For tests that watch, delay or break off what is committed. */
  readonly wrapCycle?: (cycle: Cycle) => Cycle
}

/** The path from a CSR to a recorded certificate, and the record it leads to. */
export function createIssuancePath(
  core: Core,
  stops: AsyncDisposableStack,
  options: IssuancePathOptions = {}
): IssuancePath {
  const { database, search, authorities, profiles, clock, clockTrust, randomBytes, log } = core
  const { observe = () => undefined, observeDamage = () => undefined } = options
  const { resumeAfterMs = 5_000, wrapCycle = cycle => cycle, weakKeys = noWeakKeys } = options
  const store = createRecordStore(database, search, clock)
  const records = openRecords(core, store, observeDamage)
  const { commit } = createCycleStore(database)
  const cycle = wrapCycle(createCycle(createGroupCommit({ commit, ...groupLimits(core, 'cycle', options) })))
  const refusalCounts = createRefusalCountStore(database, search)
  const recording = createRecording(core, stops, { ...options, refusalCounts })
  const blockedKeys = blockedKeysOf(core)
  const disclosures = createDisclosures({ blockedKeys, ...recording, log })
  const voiding = createVoiding({ store: createVoidStore(database), records, clock, randomBytes })
  const completion = createCompletion({
    cycle,
    endRefused: async (intentId, reason) =>
      void (await voiding.declareVoid(intentId, { ...systemAct, reason })),
    clock
  })
  // A client that left does not end the work for it: what is signed gets recorded before the keys are closed.
  stops.defer(() => completion.settled())
  const firstUse = createFirstUse(randomBytes, options.stopwatch)
  const mes = openMes(core, stops, options.observeMes)
  const path = { records, completion, weakKeys }
  const publicUrls = publicUrlsOf(core.config)
  const replay = createReplay({ ...path, profiles, authorities, clockTrust, publicUrls, resumeAfterMs })
  const issuance = createIssuance({
    ...path,
    firstUse,
    profiles,
    authorities,
    cycle,
    replay,
    recordRefusal: recording.recordRefusal,
    blockedKeys,
    keyFaults: keyFaultsOf(core),
    mes,
    publicUrl: core.config.publicUrl,
    refuseUnexpected: refuseUnexpectedWith(core),
    whyTokenEnded: id => whyCredentialEnded(core, id),
    clock,
    clockTrust,
    randomBytes,
    observe
  })
  const lotClosing = closeLotsWith(core, { replay, voiding })
  const found = { records, refusalCounts, countOpenIntents: () => store.countOpenIntents() }
  return { issuance, firstUse, disclosures, blockedKeys, lotClosing, mes, ...found }
}

function openMes(
  { mesSystems: systems, clock, randomBytes }: Core,
  stops: AsyncDisposableStack,
  observe: MesDependencies['observe']
): Mes {
  const sources = { clock, randomBytes, version: programVersion }
  return createMes({ systems, ...sources, ...(observe && { observe }) }, stops)
}

/** @param observeDamage told, beside the log, each time that a record is found changed. */
export function openRecords(
  { search, authorities, log }: Core,
  store: RecordStore,
  observeDamage: () => void
): Records {
  return createRecords({
    store,
    search: createSearchStore(search),
    findIssuer: id => authorities.find(id),
    onDamaged(recordId, damage) {
      log.error({ recordId, damage }, 'a record was changed in the database; it is not handed out')
      observeDamage()
    }
  })
}

function closeLotsWith(
  { database, lots, lotStore, config: { dataDirectory }, clock }: Core,
  acts: Pick<LotClosingDependencies, 'replay' | 'voiding'>
): LotClosing {
  const loadKey = () => loadStatementKey(join(dataDirectory, statementKeyFile))
  return createLotClosing({
    ...acts,
    lots,
    lotStore,
    statements: createStatementStore(database),
    loadKey,
    clock
  })
}

export function blockedKeysOf(core: Core): BlockedKeys {
  return createBlockedKeys({
    store: createBlockedKeyStore(core.database),
    listHolders: spkiSha256s => findKeyHolders(core.authorityStore, spkiSha256s),
    maximumWaiting: core.config.maximumWaiting,
    clock: core.clock,
    randomBytes: core.randomBytes
  })
}

function keyFaultsOf(core: Core): KeyFaults {
  return createKeyFaults({
    ...core,
    store: createKeyFaultStore(core.database),
    maximum: core.config.stationKeyFaults,
    onPause() {
      core.tokens.forget()
      core.stationCertificates.forget()
    },
    maximumWaiting: core.config.maximumWaiting
  })
}

interface RecordingOptions extends IssuancePathOptions {
  readonly refusalCounts: RefusalCountStore
}

/** What is counted is written before the database is closed. */
function createRecording(core: Core, stops: AsyncDisposableStack, options: RecordingOptions) {
  const { database, config, clock, clockTrust, randomBytes, log } = core
  const { refusalCounts, observeCounted: observe = () => undefined } = options
  const { storageReserve = () => false, stopwatch = systemStopwatch } = options
  const counting = createRefusalCounting({ insert: refusalCounts.insert, clock, randomBytes, log, observe })
  stops.defer(() => counting.close())
  const { insertEvent, readSalt } = createDisclosureStore(database)
  // Each has its windows and its share: what one of them is full of does not keep the other from being recorded.
  const bounds = () => ({
    repeats: createRepeatWindows({ stopwatch }),
    limits: createStationLimits({ perMinute: config.refusalsPerMinute, stopwatch })
  })
  const common = { counting, storageReserve, clockTrust, clock, randomBytes, log }
  const auditDisclosure = createDisclosureAudit({ ...common, ...bounds(), insertEvent })
  const recordRefusal = createRefusalRecorder({
    ...common,
    ...bounds(),
    refusals: createGroupCommit({
      commit: createRefusalStore(database).commit,
      ...groupLimits(core, 'refusal', options)
    }),
    whyTokenEnded: id => whyCredentialEnded(core, id),
    log
  })
  const blockLimits = createStationLimits({ perMinute: blocksPerMinute, stopwatch })
  return { recordRefusal, auditDisclosure, readSalt, blockLimits }
}

function groupLimits(
  { config: { maximumWaiting } }: Core,
  kind: 'cycle' | 'refusal',
  { observeGroup = () => undefined, maximumGroupSize = 128 }: IssuancePathOptions
) {
  return {
    maximumItems: maximumGroupSize,
    maximumWaiting,
    // One at a time: a group that waits grows, and a larger group costs less for each of its rows.
    concurrency: 1,
    onGroup: (size: number, seconds: number) => observeGroup(kind, size, seconds)
  }
}

/** Of a token or of a client certificate, whose ids are told apart by who has them. */
async function whyCredentialEnded(
  { tokens, stationCertificates }: Pick<Core, 'tokens' | 'stationCertificates'>,
  id: string
) {
  const end = await stationCertificates.whyEnded(id)
  return end === 'unknown' ? tokens.whyEnded(id) : end
}
