import type { FastifyInstance } from 'fastify'
import type { People } from '../access/oidc/people.ts'
import { authenticateEither } from '../access/oidc/sign-in.ts'
import type { RefusedAccesses } from '../access/refused/refused-access.ts'
import { createPermitStore } from '../authorities/token-logins/permit-store.ts'
import { createLoginPermits } from '../authorities/token-logins/permits.ts'
import type { CleanUps } from '../aws/fleet/clean-ups/clean-up.ts'
import type { Fleet } from '../aws/fleet/reading/fleet.ts'
import type { Reconciliations } from '../aws/fleet/reconciliation.ts'
import { type AwsAccesses, createAwsAccesses } from '../aws/iot/access.ts'
import type { Pushes } from '../aws/push/reading/pushes.ts'
import { createPushes } from '../aws/push/reading/reading-store.ts'
import { describeGap } from '../aws/registrations/gaps.ts'
import { createRegistrations } from '../aws/registrations/registration.ts'
import type { Config } from '../config/config.ts'
import { programVersion } from '../config/version.ts'
import { createEvents } from '../events/events.ts'
import { createOutboxStore } from '../events/outbox-store.ts'
import { createSetAsideStore } from '../events/set-aside-store.ts'
import { loadWeakKeys, type WeakKeys } from '../factory/weak-keys/weak-keys.ts'
import { createHttpServer } from '../http/app.ts'
import type { HttpServices, HttpSettings } from '../http/services.ts'
import { createReleaseStore } from '../issuance/ends/release-store.ts'
import { createReleasing } from '../issuance/ends/releasing.ts'
import { createScrapStore } from '../issuance/ends/scrap-store.ts'
import { createScrapping } from '../issuance/ends/scrapping.ts'
import { createVoidStore } from '../issuance/ends/void-store.ts'
import { createVoiding } from '../issuance/ends/voiding.ts'
import { createPreview } from '../issuance/preview.ts'
import { createJobQueue, type JobService } from '../jobs/queue.ts'
import { addFleetMetrics } from '../monitoring/fleet-metrics.ts'
import { addJobMetrics } from '../monitoring/job-metrics.ts'
import { createMetrics, type Metrics } from '../monitoring/metrics.ts'
import { addPushMetrics } from '../monitoring/push-metrics.ts'
import { createReadiness } from '../monitoring/readiness.ts'
import { addSearchMetrics } from '../monitoring/search-metrics.ts'
import { addStorageMetrics } from '../monitoring/storage-metrics.ts'
import { createCounting } from '../records/counts/count-store.ts'
import { createPurging } from '../records/purge/purge.ts'
import { createPurgeStore } from '../records/purge/purge-store.ts'
import { createReportStore } from '../records/reports/report-store.ts'
import { createReports } from '../records/reports/reports.ts'
import { createSearchLag, type SearchLag } from '../records/search/lag/lag.ts'
import { createLagStore } from '../records/search/lag/lag-store.ts'
import type { Crls } from '../status/crl/crls.ts'
import type { StorageWatch } from '../storage/storage-watch.ts'
import { createAuthorityServices } from './authority-services.ts'
import { createFleetServices } from './aws/fleet.ts'
import type { Core } from './core.ts'
import { createExporting } from './exports/exporting.ts'
import { createIssuancePath, type IssuancePath } from './issuance-path.ts'
import { openClientCertificates, openClientTrust, type OpenedClientTrust } from './listening/client-trust.ts'
import { closeWithin } from './listening/closing.ts'
import { listenForStatus } from './listening/status.ts'
import { examineBoth, type OpenedTls, openTls } from './listening/tls.ts'
import { watchStorage } from './open-database.ts'
import { createRegistrationParts } from './registration-parts.ts'
import { createRevocationServices } from './revocation/revocation.ts'
import { openPeople } from './sign-in/people.ts'
import { openRefusedAccesses } from './sign-in/refused-accesses.ts'
import { openStationCertifying } from './station-certificates/certifying.ts'
import { openCrls } from './status/crl.ts'
import { type OpenedOcsp, openOcsp } from './status/ocsp.ts'

export interface Worker {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
}

/**
 * What answers stations and administrators. Jobs are sent, and done wherever the background duties are.
 *
 * @param ready what must have come about before it listens
 */
export async function startWorker(
  core: Core,
  stops: AsyncDisposableStack,
  ready?: Promise<unknown>
): Promise<Worker> {
  const { config, database, connectionString, log } = core
  const jobs = await createJobQueue({ connectionString, log, stopTimeoutMs: config.shutdownTimeoutMs })
  stops.defer(() => jobs.close())
  const storage = watchStorage(core, stops)
  const metrics = createMetrics(core)
  addStorageMetrics(metrics.registry, storage)
  const searchLag = createSearchLag(createLagStore(core.search))
  addSearchMetrics(metrics.registry, searchLag)
  const awsPushes = createPushes(core.search)
  addPushMetrics(metrics.registry, awsPushes)
  const fleetServices = createFleetServices(core, jobs)
  addFleetMetrics(metrics.registry, fleetServices.fleet)
  addJobMetrics({ registry: metrics.registry, jobs, outbox: createOutboxStore(database) })
  const { observeIssuance: observe, observeGroup, observeDamage, observeCounted, observeMes } = metrics
  const storageReserve = () => storage.isReserveTouched()
  const observers = { observe, observeGroup, observeDamage, observeCounted, observeMes }
  const weakKeys = await loadWeakKeys({ files: config.weakKeysFiles, log })
  stops.defer(() => weakKeys.stop())
  const path = createIssuancePath(core, stops, { ...observers, storageReserve, weakKeys })
  await tellOpenIntents(core, path, metrics)
  const refusedAccesses = openRefusedAccesses(core, stops, storageReserve)
  const accesses = createAwsAccesses()
  stops.defer(() => accesses.close())
  const clientTrust = await openClientTrust(core, stops)
  const tls = await openTls(core, stops, clientTrust)
  const people = await openPeople(core, stops)
  const crls = openCrls(core, metrics.registry)
  const watches = { metrics, storage, searchLag, crls, awsPushes, ...fleetServices }
  const ocsp = openOcsp(core, metrics.registry)
  const parts = { ...watches, ocsp, path, weakKeys, accesses, tls, clientTrust, people, refusedAccesses }
  const settings = httpSettings(config)
  const http = await createHttpServer(createServices(core, jobs, parts), { ...settings, tls })
  stops.defer(() => closeWithin(http.server, config.shutdownTimeoutMs, () => http.close()))
  await ready
  const url = await listen(http, config)
  await listenForStatus({ core, http, settings }, stops)
  return { url }
}

/** Fastify takes it for plain HTTP where the server is ours. */
async function listen(http: FastifyInstance, { host, port, tlsCertFile }: Config): Promise<string> {
  const withScheme = (url: string) => (tlsCertFile === undefined ? url : url.replace(/^http:/, 'https:'))
  const listenTextResolver = (url: string) => `Server listening at ${withScheme(url)}`
  return withScheme(await http.listen({ host, port, listenTextResolver }))
}

interface WorkerParts {
  readonly ocsp: OpenedOcsp
  readonly path: IssuancePath
  readonly weakKeys: WeakKeys
  readonly metrics: Metrics
  readonly storage: StorageWatch
  readonly searchLag: SearchLag
  readonly crls: Crls
  readonly awsPushes: Pushes
  readonly fleet: Fleet
  readonly reconciliations: Reconciliations
  readonly cleanUps: CleanUps
  readonly accesses: AwsAccesses
  readonly tls: OpenedTls | undefined
  readonly clientTrust: OpenedClientTrust | undefined
  readonly people: People | undefined
  readonly refusedAccesses: RefusedAccesses
}

function createServices(core: Core, jobs: JobService, parts: WorkerParts): HttpServices {
  const { path, weakKeys, metrics, storage, accesses, clientTrust, people, refusedAccesses } = parts
  const { database, profiles, tokens, lots, clockTrust, clock, randomBytes } = core
  const awsRegistrations = createRegistrations({ ...createRegistrationParts(core), accesses, jobs })
  const { webhookUrl, webhookOverdueMs: overdueMs } = core.config
  const outbox = createOutboxStore(database)
  const events = createEvents({
    outbox,
    setAside: createSetAsideStore(database),
    jobs,
    isEnabled: webhookUrl !== undefined,
    overdueMs,
    clock,
    randomBytes
  })
  const listRegistrationGaps = async (line: string) =>
    (await awsRegistrations.registrationGaps(line)).map(describeGap)
  return {
    issuance: path.issuance,
    records: path.records,
    ...createRecordCounts(core, path),
    ...createExporting(core, jobs),
    ...{ refusedAccesses, ocsp: parts.ocsp, crls: parts.crls },
    disclosures: path.disclosures,
    blockedKeys: path.blockedKeys,
    ...createRecordActs(core, path, jobs),
    ...createStationParts(core, path, weakKeys),
    profiles,
    authorities: createAuthorityServices(core, { listRegistrationGaps }).administration,
    loginPermits: createLoginPermits({ store: createPermitStore(database), clock, randomBytes }),
    awsRegistrations,
    awsPushes: parts.awsPushes,
    ...{ fleet: parts.fleet, reconciliations: parts.reconciliations, cleanUps: parts.cleanUps },
    preview: createPreview({ ...core, ...path, weakKeys, publicUrl: core.config.publicUrl }),
    tokens: { ...tokens, authenticate: authenticateEither(tokens, people) },
    clientCertificates: openClientCertificates(core, clientTrust),
    lots,
    deviceLists: core.deviceLists,
    lotClosing: path.lotClosing,
    clock: clockTrust,
    jobs,
    events,
    readiness: createReadiness({
      ...core,
      storage,
      events,
      awsRegistrations,
      ...examinersOf(parts),
      examineMes: core.mesSystems.size === 0 ? undefined : () => path.mes.examine()
    }),
    metrics: metrics.registry,
    explain: error => storage.explain(error)
  }
}

function createStationParts(core: Core, { blockedKeys }: IssuancePath, weakKeys: WeakKeys) {
  const { stations, stationProfiles } = core
  return {
    stations,
    stationProfiles,
    stationCertifying: openStationCertifying(core, { blockedKeys, weakKeys })
  }
}

/** How many records there are, by the clocks of the site. */
function createRecordCounts({ config, search, clock }: Core, { refusalCounts }: IssuancePath) {
  const site = { zone: config.siteTimeZone, shifts: config.shifts }
  return {
    refusalCounts,
    site,
    counting: createCounting(search),
    reports: createReports({ store: createReportStore(search), site, clock })
  }
}

/** What can be done with what is on record. */
function createRecordActs(core: Core, path: IssuancePath, jobs: JobService) {
  const { database, profiles, clock, randomBytes } = core
  const common = { records: path.records, clock, randomBytes }
  return {
    ...createRevocationServices(core, { ...path, jobs }),
    purging: createPurging({ ...common, store: createPurgeStore(database) }),
    releasing: createReleasing({ ...common, profiles, store: createReleaseStore(database) }),
    scrapping: createScrapping({ ...common, store: createScrapStore(database) }),
    voiding: createVoiding({ ...common, store: createVoidStore(database) })
  }
}

function examinersOf({ searchLag, crls, awsPushes, fleet, ocsp, tls, clientTrust, people }: WorkerParts) {
  return {
    searchLag,
    crls,
    awsPushes,
    fleet,
    examineOcsp: ocsp.examine,
    examineTls: examineBoth(tls, clientTrust),
    examineProvider: people?.examine
  }
}

async function tellOpenIntents({ log }: Core, path: IssuancePath, metrics: Metrics): Promise<void> {
  const openIntents = await path.countOpenIntents()
  metrics.setOpenIntents(openIntents)
  if (openIntents === 0) return
  log.warn({ openIntents }, 'intents without a record: GET /v1/issuances?outcome=unknown lists them')
}

function httpSettings(config: Config): HttpSettings {
  const { clientCertHeader: header, trustedProxies: networks } = config
  return {
    certificateProxies: header && { header, networks },
    requestTimeoutMs: config.requestTimeoutMs,
    headersTimeoutMs: Math.min(config.requestTimeoutMs, 10_000),
    keepAliveTimeoutMs: 72_000,
    bodyLimitBytes: 262_144,
    maximumWaiting: config.maximumWaiting,
    stationRequestsPerMinute: config.stationRequestsPerMinute,
    logLevel: config.logLevel,
    version: programVersion
  }
}
