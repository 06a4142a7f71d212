import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { createAuthorities } from './authorities/authority.ts'
import { createAuthorityStore } from './authorities/authority-store.ts'
import { createSignerOpener } from './authorities/signers/open-signer.ts'
import type { Config } from './config.ts'
import { createDatabase, type Database } from './database/database.ts'
import { startEmbeddedPostgres } from './database/embedded-postgres.ts'
import { createGroupCommit } from './database/group-commit.ts'
import { migrateDatabase } from './database/migrations.ts'
import { createTokens } from './factory/token.ts'
import { createTokenStore } from './factory/token-store.ts'
import { createHttpServer } from './http/app.ts'
import type { HttpServices, HttpSettings } from './http/services.ts'
import { createCompletion } from './issuance/completion.ts'
import { createCycle } from './issuance/cycle.ts'
import { createCycleStore } from './issuance/cycle-store.ts'
import { createEntryStore } from './issuance/entry-store.ts'
import { createIssuance } from './issuance/issuance.ts'
import { createPreview } from './issuance/preview.ts'
import { createRecords } from './issuance/records.ts'
import { createRefusalRecorder } from './issuance/refusal.ts'
import { createRejectionStore } from './issuance/rejection-store.ts'
import { createReplay } from './issuance/replay.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createProfiles } from './profiles/profile.ts'
import { createProfileStore } from './profiles/profile-store.ts'
import { createRandomSource } from './random.ts'
import { createReadiness } from './readiness.ts'
import { createStarterSet } from './starter/starter.ts'
import { createStarterStore } from './starter/starter-store.ts'
import { programVersion } from './version.ts'

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
/** Searches of auditors wait for each other before they hold up anything else. */
const searchPoolSize = 3

type StopPart = () => Promise<unknown>

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
    const { database, search } = await openDatabases(config, log, started)
    const { services, madeStarterSet } = await createParts(config, database, search, log, started)
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

async function openDatabases(config: Config, log: Logger, started: StopPart[]) {
  const connectionString = config.databaseUrl ?? (await startOwnPostgres(config, log, started))
  await migrateDatabase({ connectionString, log })
  const open = (purpose: 'commit' | 'search', poolSize: number) => {
    const database = createDatabase({
      connectionString,
      poolSize,
      purpose,
      onConnectionLost: error => log.warn({ err: error }, 'a connection to the database was lost')
    })
    started.push(() => database.close())
    return database
  }
  const database = open('commit', config.databasePoolSize)
  if (!(await database.isDurable())) {
    log.error(
      {},
      'PostgreSQL runs with fsync or full_page_writes off: a power cut may lose what was answered'
    )
  }
  return { database, search: open('search', searchPoolSize) }
}

async function startOwnPostgres(config: Config, log: Logger, started: StopPart[]): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, log })
  started.push(() => postgres.stop())
  return postgres.connectionString
}

async function createParts(
  config: Config,
  database: Database,
  search: Database,
  log: Logger,
  started: StopPart[]
) {
  const clock = () => new Date()
  const randomBytes = createRandomSource()
  const keyDirectory = join(config.dataDirectory, 'authorities')
  const passphraseFile = config.caPassphraseFile ?? join(config.dataDirectory, 'ca-passphrase')
  const madeStarterSet =
    config.starter &&
    (await createStarterSet({
      store: createStarterStore(database),
      dataDirectory: config.dataDirectory,
      keyDirectory,
      passphraseFile,
      makePassphrase: config.caPassphraseFile === undefined,
      clock,
      randomBytes
    }))
  const authorities = createAuthorities({
    store: createAuthorityStore(database),
    openSigner: createSignerOpener({ keyDirectory, passphraseFile })
  })
  started.push(() => authorities.close())
  await authorities.refresh()
  const metrics = createMetrics(() => authorities.list(), clock)
  const profiles = createProfiles({
    store: createProfileStore(database),
    hasAuthorityLine: line => authorities.hasLine(line),
    clock,
    randomBytes
  })
  const entries = createEntryStore(database, search)
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
    recordRefusal: createRefusalRecorder({ rejections: groups.rejections, clock, randomBytes }),
    clock,
    randomBytes,
    observe: metrics.observeIssuance
  })
  const openIntents = await entries.countOpenIntents()
  metrics.setOpenIntents(openIntents)
  if (openIntents > 0) {
    log.warn({ openIntents }, 'intents without a record: GET /v1/issuances?outcome=unknown lists them')
  }
  const services: HttpServices = {
    issuance,
    records,
    profiles,
    preview: createPreview({ profiles, authorities, clock, randomBytes }),
    tokens: createTokens({ store: createTokenStore(database), clock, randomBytes }),
    readiness: createReadiness({ database, authorities }),
    metrics: metrics.registry
  }
  return { services, madeStarterSet }
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
    rejections: createGroupCommit({ commit: createRejectionStore(database).commit, ...limits('rejection') })
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
