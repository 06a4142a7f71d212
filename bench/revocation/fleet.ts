import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { encodeCertificatePem } from '../../src/pki/pem/pem.ts'
import { createIotStandIn, type IotStandIn } from '../../src/rehearsal/iot/iot-stand-in.ts'
import { standInEnvironment } from '../../test/aws/registering.ts'
import { drive } from '../support/load.ts'
import { type RunningMintline, startMintline } from '../support/mintline.ts'
import { makeRequests } from '../support/requests.ts'

export const authority = 'starter-g1'
const region = 'eu-central-1'
const atOnce = 2_000

export interface FleetOptions {
  readonly devices: number
  /** Calls of an operation in a second that the stand-in takes, and the service makes. */
  readonly perSecond: number
}

export type Fleet = Awaited<ReturnType<typeof openFleet>>

/**
 * A service on a PostgreSQL of its own, which outlives it, with devices that have been certified and have connected once to a stand-in of AWS
 * IoT, which knows their CA.
 */
export async function openFleet({ devices, perSecond }: FleetOptions) {
  await using opened = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'mintline-bench-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const postgres = await startEmbeddedPostgres({ dataDirectory: directory, log: silent })
  opened.defer(() => postgres.stop())
  const standIn = await createIotStandIn({ region, tpsLimits: { UpdateCertificate: perSecond } })
  opened.defer(() => standIn.stop())
  const environment = {
    ...standInEnvironment(standIn.controlUrl),
    DATABASE_URL: postgres.connectionString,
    MINTLINE_AWS_PUSH_PER_SECOND: String(perSecond)
  }
  const start = () => startMintline({ dataDirectory: directory, environment })
  let service = await start()
  opened.defer(() => service.stop())
  const database = new pg.Pool({ connectionString: postgres.connectionString, max: 1 })
  opened.defer(() => database.end())
  await issue(service, devices)
  await register(service)
  const revokedTimes = countRevocations(standIn)
  await connectAll(standIn, database)
  const stops = opened.move()
  // Of PostgreSQL, too: it ends with the service that is killed.
  const spentByKilled = { service: 0, postgres: 0 }
  let [peakMebibytes, isAlive] = [0, true]
  const watch = setInterval(() => {
    if (!isAlive) return
    peakMebibytes = Math.max(peakMebibytes, service.residentMebibytes())
  }, 500)
  const before = service.cpuSeconds()
  return {
    standIn,
    database,
    service: () => service,
    /** How often each certificate was set REVOKED at the stand-in, by its id. */
    revokedTimes,
    get: (path: string, accept = 'application/json') =>
      fetch(`http://127.0.0.1:${service.port}${path}`, {
        headers: { authorization: `Bearer ${service.adminToken}`, accept }
      }),
    /** Kills it with no chance to clean up, and starts it again. */
    async kill() {
      const { service: ofService, postgres } = service.cpuSeconds()
      spentByKilled.service += ofService
      spentByKilled.postgres += postgres
      isAlive = false
      await service.kill()
      service = await start()
      isAlive = true
    },
    spent() {
      const { service: ofService, postgres } = service.cpuSeconds()
      return {
        service: spentByKilled.service + ofService - before.service,
        postgres: spentByKilled.postgres + postgres - before.postgres,
        peakMebibytes
      }
    },
    async stop() {
      clearInterval(watch)
      await stops.disposeAsync()
    }
  }
}

async function issue({ issuances }: RunningMintline, devices: number): Promise<void> {
  for (let made = 0; made < devices; made += atOnce) {
    const bodies = makeRequests(Math.min(atOnce, devices - made), `fleet-${made}`)
    const { statuses } = await drive(issuances, bodies, { connections: 32, seconds: 600 })
    if (statuses.get(201) !== bodies.length) throw new Error(`issued: ${JSON.stringify([...statuses])}`)
  }
}

async function register(service: RunningMintline): Promise<void> {
  const path = `/v1/authorities/${authority}/aws-registrations`
  const asked = { certificateMode: 'SNI_ONLY', setAsActive: true, allowAutoRegistration: true }
  const { id } = (await service.administer(path, { region, ...asked })) as { id: string }
  for (let tries = 0; tries < 120; tries++) {
    const found = await fetch(`http://127.0.0.1:${service.port}${path}/${id}`, {
      headers: { authorization: `Bearer ${service.adminToken}` }
    })
    if (((await found.json()) as { state: string }).state === 'registered') return
    await delay(500)
  }
  throw new Error('the CA was not registered within a minute')
}

function countRevocations({ registry }: IotStandIn): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  const original = registry.setCertificateStatus.bind(registry)
  const counting: typeof original = (certificateId, status) => {
    if (status === 'REVOKED') times.set(certificateId, (times.get(certificateId) ?? 0) + 1)
    return original(certificateId, status)
  }
  Object.assign(registry, { setCertificateStatus: counting })
  return times
}

/** As the first connection of each does. */
async function connectAll({ registry }: IotStandIn, database: pg.Pool): Promise<void> {
  const [ca] = registry.listCaCertificates()
  let last = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await database.query<{ id: string; der: Buffer }>(
      'SELECT intent_id AS id, certificate_der AS der FROM issued WHERE intent_id > $1 ORDER BY intent_id LIMIT 1000',
      [last]
    )
    for (const { der } of rows) {
      const { certificateId } = registry.registerPending(encodeCertificatePem(der), ca!)
      registry.setCertificateStatus(certificateId, 'ACTIVE')
    }
    if (rows.length === 0) return
    last = rows.at(-1)!.id
    await delay(1)
  }
}

/** Of what the stand-in has: all REVOKED, and each told once. */
export function findFaults(
  { standIn, revokedTimes }: Pick<Fleet, 'standIn' | 'revokedTimes'>,
  devices: number
) {
  const all = standIn.registry.listCertificates()
  return {
    forgotten: devices - all.filter(({ status }) => status === 'REVOKED').length,
    twice: [...revokedTimes.values()].filter(times => times > 1).length
  }
}

/** @throws Error at the deadline. */
export async function until(what: string, seconds: number, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + seconds * 1_000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`)
    await delay(100)
  }
}
