import { mkdir } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createTokens } from '../access/token.ts'
import { createTokenStore } from '../access/token-store.ts'
import { createAuthorityAdministration } from '../authorities/administration.ts'
import { type Authorities, createAuthorities } from '../authorities/authority.ts'
import { createAuthorityStore } from '../authorities/authority-store.ts'
import { createCertificateIntentStore } from '../authorities/certificates/certificate-intent-store.ts'
import { createAuthorityCreation } from '../authorities/generations/creation.ts'
import { createAuthorityRegister } from '../authorities/register.ts'
import { findWarnings } from '../authorities/rotation/warnings.ts'
import { describeGap } from '../aws/registrations/gaps.ts'
import type { Config } from '../config/config.ts'
import { programVersion } from '../config/version.ts'
import type { Database } from '../database/database.ts'
import { createGroupCommit } from '../database/group-commit.ts'
import { listenForChanges } from '../database/notifications.ts'
import type { Nudge } from '../events/webhook.ts'
import { createHttpServer } from '../http/app.ts'
import type { HttpServices, HttpSettings } from '../http/services.ts'
import { createCompletion } from '../issuance/completion.ts'
import { createCycle } from '../issuance/cycle.ts'
import { createCycleStore } from '../issuance/cycle-store.ts'
import { createIssuance } from '../issuance/issuance.ts'
import { createPreview } from '../issuance/preview.ts'
import { createRefusalRecorder } from '../issuance/refusal.ts'
import { createReplay } from '../issuance/replay.ts'
import { createProfiles, type Profiles } from '../profiles/profile.ts'
import { createProfileStore } from '../profiles/profile-store.ts'
import { createRecordStore } from '../records/record-store.ts'
import { createRecords } from '../records/records.ts'
import { createRefusalStore } from '../records/refusal-store.ts'
import { createKeyProvision } from '../signing/signers/key-provision.ts'
import { createSignerOpener } from '../signing/signers/open-signer.ts'
import type { Clock } from '../sources/clock.ts'
import type { RandomBytes } from '../sources/random-bytes.ts'
import { createRandomSource } from '../sources/random-bytes.ts'
import { createStarterSet } from '../starter/starter.ts'
import { createStarterStore } from '../starter/starter-store.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { openDatabase, type OpenedDatabase, type StopPart } from './open-database.ts'
import { needsOf } from './profile-needs.ts'
import { createReadiness } from './readiness.ts'
import { signerSettingsOf } from './signer-settings.ts'
import { startJobs } from './start-jobs.ts'

export interface Service {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  /** Whether this start made the starter set. */
  readonly madeStarterSet: boolean
  /** Takes no new requests, lets those in flight finish, then closes everything. */
  stop(): Promise<void>
}

/** How long a retry waits for another process's record before it completes the intent itself. */
const resumeAfterMs = 5_000
const maximumGroupSize = 128

/**
 * Puts the parts together and starts them: database, authorities, HTTP. What was started is stopped again when a
 * later part fails.
 */
export async function startService(config: Config, log: Logger): Promise<Service> {
  const started: StopPart[] = []
  const stop = async () => {
    for (const stopPart of started.splice(0).reverse()) await stopPart()
  }
  try {
    await mkdir(config.dataDirectory, { recursive: true, mode: 0o700 })
    const opened = await openDatabase(config, log, started)
    const { services, madeStarterSet } = await createParts(config, opened, log, started)
    const http = await createHttpServer(services, httpSettings(config))
    started.push(() => closeHttp(http, config.shutdownTimeoutMs))
    const url = await http.listen({ host: config.host, port: config.port })
    return { url, madeStarterSet, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Lets requests in flight finish, but no client that stalls in the middle of one keep the service from stopping. */
async function closeHttp(http: FastifyInstance, timeoutMs: number): Promise<void> {
  const impatience = setTimeout(() => http.server.closeAllConnections(), timeoutMs)
  await http.close().finally(() => clearTimeout(impatience))
}

async function createParts(config: Config, opened: OpenedDatabase, log: Logger, started: StopPart[]) {
  const { database } = opened
  const clock = () => new Date()
  const randomBytes = createRandomSource()
  const signerSettings = signerSettingsOf(config)
  const openSigner = createSignerOpener(signerSettings)
  const keys = createKeyProvision(signerSettings)
  const intents = createCertificateIntentStore(database)
  const madeStarterSet =
    config.starter &&
    (await createStarterSet({
      store: createStarterStore(database),
      intents,
      dataDirectory: config.dataDirectory,
      ...signerSettings,
      makePassphrase: config.caPassphraseFile === undefined,
      clock,
      randomBytes
    }))
  const store = createAuthorityStore(database)
  const authorities = createAuthorities({ store, openSigner })
  started.push(() => authorities.close())
  await authorities.refresh()
  await authorities.openSigners()
  const profiles = createProfiles({
    store: createProfileStore(database),
    hasAuthorityLine: line => authorities.hasLine(line),
    clock,
    randomBytes
  })
  const listNeeds = async () => needsOf(await profiles.list())
  const listWarnings = async () => findWarnings(authorities.list(), await listNeeds(), clock())
  const metrics = createMetrics({ authorities, listWarnings, clock })
  const { jobs, nudge, awsRegistrations } = await startJobs(
    config,
    opened,
    { log, registry: metrics.registry, authorities: store, profiles, openSigner, clock, randomBytes },
    started
  )
  // The registrations that carry a profile follow its newest version.
  const sweep = () => jobs.send('aws-registration.sweep', {})
  followChanges(opened, { authorities, profiles, sweep, nudge }, log, started)
  const parts = { authorities, profiles, metrics, clock, randomBytes }
  const { issuance, records } = await createIssuanceParts(config, opened, parts, log, started)
  const services: HttpServices = {
    issuance,
    records,
    profiles,
    authorities: {
      ...createAuthorityRegister({
        store,
        intents,
        openSigner,
        listNeeds,
        listRegistrationGaps: async line => (await awsRegistrations.registrationGaps(line)).map(describeGap),
        clock
      }),
      ...createAuthorityAdministration({
        store,
        intents,
        authorities,
        creation: createAuthorityCreation({ store, intents, keys, openSigner, clock, randomBytes }),
        openSigner,
        clock,
        randomBytes
      })
    },
    awsRegistrations,
    preview: createPreview({ profiles, authorities, clock, randomBytes }),
    tokens: createTokens({ store: createTokenStore(database), clock, randomBytes }),
    jobs,
    readiness: createReadiness({ database, authorities, listWarnings }),
    metrics: metrics.registry
  }
  return { services, madeStarterSet }
}

interface IssuanceParts {
  readonly authorities: Authorities
  readonly profiles: Profiles
  readonly metrics: Metrics
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

async function createIssuanceParts(
  config: Config,
  { database, search }: OpenedDatabase,
  { authorities, profiles, metrics, clock, randomBytes }: IssuanceParts,
  log: Logger,
  started: StopPart[]
) {
  const entries = createRecordStore(database, search)
  const records = createRecords(entries, authorities)
  const groups = createGroups(config, database, metrics)
  const completion = createCompletion({ cycle: groups.cycle, clock })
  // A client that left does not end the work for it: what is signed gets recorded before the keys are closed.
  started.push(() => completion.settled())
  const issuance = createIssuance({
    profiles,
    authorities,
    records,
    cycle: groups.cycle,
    completion,
    replay: createReplay({ records, completion, authorities, profiles, clock, resumeAfterMs }),
    recordRefusal: createRefusalRecorder({ refusals: groups.refusals, clock, randomBytes }),
    clock,
    randomBytes,
    observe: metrics.observeIssuance
  })
  const openIntents = await entries.countOpenIntents()
  metrics.setOpenIntents(openIntents)
  if (openIntents > 0) {
    log.warn({ openIntents }, 'intents without a record: GET /v1/issuances?outcome=unknown lists them')
  }
  return { issuance, records }
}

/** What another process changes is seen at once; without the notice, an intent's commit would tell. */
function followChanges(
  { connectionString }: OpenedDatabase,
  {
    authorities,
    profiles,
    sweep,
    nudge
  }: {
    readonly authorities: Authorities
    readonly profiles: Profiles
    readonly sweep: () => Promise<void>
    readonly nudge: Nudge | undefined
  },
  log: Logger,
  started: StopPart[]
): void {
  const refreshes: Readonly<Record<string, () => Promise<void>>> = {
    authority: () => authorities.refresh(),
    async profile_version() {
      await profiles.refresh()
      await sweep()
    },
    outgoing_event: async () => nudge?.give()
  }
  const notifications = listenForChanges({
    connectionString,
    onChange(table) {
      const due =
        table === undefined ? Object.values(refreshes) : [refreshes[table] ?? (async () => undefined)]
      for (const refresh of due) {
        refresh().catch((error: unknown) => log.warn({ err: error }, 'a change could not be read'))
      }
    },
    onConnectionLost: error => log.debug({ err: error }, 'the connection that listens for changes was lost')
  })
  started.push(() => notifications.close())
}

function createGroups({ maximumWaiting }: Config, database: Database, metrics: Metrics) {
  const limits = (kind: Parameters<Metrics['observeGroup']>[0]) => ({
    maximumItems: maximumGroupSize,
    maximumWaiting,
    // One at a time: a group that waits grows, and a larger group costs less for each of its rows.
    concurrency: 1,
    onGroup: (size: number, seconds: number) => metrics.observeGroup(kind, size, seconds)
  })
  return {
    cycle: createCycle(createGroupCommit({ commit: createCycleStore(database).commit, ...limits('cycle') })),
    refusals: createGroupCommit({ commit: createRefusalStore(database).commit, ...limits('rejection') })
  }
}

function httpSettings(config: Config): HttpSettings {
  return {
    requestTimeoutMs: config.requestTimeoutMs,
    headersTimeoutMs: Math.min(config.requestTimeoutMs, 10_000),
    keepAliveTimeoutMs: 72_000,
    bodyLimitBytes: 262_144,
    logLevel: config.logLevel,
    version: programVersion
  }
}
