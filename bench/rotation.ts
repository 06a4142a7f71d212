/**
 * A rotation in the middle of full load: two service processes on one PostgreSQL with fsync on. Ends with 1 unless
 * nothing failed, the records show the switch at one intent, and each record is verified by the issuer that it names.
 *
 * usage: npm run bench:rotation [-- --seconds 8 --connections 128]
 */
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startEmbeddedPostgres } from '../src/database/embedded/embedded-postgres.ts'
import { drive, type LoadResult } from './support/load.ts'
import { type RunningMintline, startMintline } from './support/mintline.ts'
import { assertThat, report } from './support/report.ts'
import { makeRequests } from './support/requests.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, connections: { type: 'string', default: '128' } }
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
/** More than the two can take. */
const requestsPerSecond = 6_000

const directory = await mkdtemp(join(tmpdir(), 'mintline-bench-'))
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
const postgres = await startEmbeddedPostgres({ dataDirectory: directory, log: silent })
const options = { dataDirectory: directory, environment: { DATABASE_URL: postgres.connectionString } }
const first = await startMintline(options)
const second = await startMintline(options)
try {
  await rotateUnderLoad()
} finally {
  await Promise.all([first.stop(), second.stop()])
  await postgres.stop()
  await rm(directory, { recursive: true, force: true })
}

async function rotateUnderLoad(): Promise<void> {
  await first.administer('/v1/authorities', {
    line: 'starter',
    key: { kind: 'local', keyType: 'P-256' },
    subject: { CommonName: 'Mintline Starter CA' },
    certificate: { kind: 'self-signed', days: 9125 }
  })
  const [result, activatedAt] = await Promise.all([driveBoth(), activateInTheMiddle()])
  report('both', result, 201)
  await verifyRecords(result.requests, activatedAt)
}

async function driveBoth(): Promise<LoadResult> {
  const bodies = makeRequests(seconds * requestsPerSecond, 'rotation')
  const half = bodies.length / 2
  const load = { connections: connections / 2, seconds }
  const [one, other] = await Promise.all([
    drive(first.issuances, bodies.slice(0, half), load),
    drive(second.issuances, bodies.slice(half), load)
  ])
  return merge(one, other)
}

function merge(one: LoadResult, other: LoadResult): LoadResult {
  const statuses = new Map(one.statuses)
  for (const [status, count] of other.statuses) statuses.set(status, (statuses.get(status) ?? 0) + count)
  return {
    connections: one.connections + other.connections,
    requests: one.requests + other.requests,
    seconds: Math.max(one.seconds, other.seconds),
    statuses,
    latenciesMs: Float64Array.from([...one.latenciesMs, ...other.latenciesMs]).sort()
  }
}

/** @returns when the call came back, in ms since 1970. */
async function activateInTheMiddle(): Promise<number> {
  await untilLoaded(first)
  await delay(seconds * 500)
  const start = performance.now()
  await first.administer('/v1/authorities/starter-g2/activate', { reason: 'bench' })
  const activatedAt = Date.now()
  console.log(`activate took ${(performance.now() - start).toFixed(1)} ms`)
  return activatedAt
}

/** Making the requests takes its time. */
async function untilLoaded({ port }: RunningMintline): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    if (metrics.includes('mintline_issuances_total{outcome="issued"}')) return
    await delay(50)
  }
}

interface RecordRow {
  readonly id: string
  readonly authority: string
  readonly certificate: Buffer | null
  readonly issuer: Buffer
}

async function verifyRecords(answered: number, activatedAt: number): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.connectionString })
  await client.connect()
  const { rows } = await client.query<RecordRow>(
    `SELECT intent.id, authority.name AS authority, issued.certificate_der AS certificate,
            authority.certificate_der AS issuer
     FROM intent JOIN authority ON authority.id = intent.authority_id
     LEFT JOIN issued ON issued.intent_id = intent.id
     ORDER BY intent.id`
  )
  await client.end()
  const before = rows.filter(({ authority }) => authority === 'starter-g1')
  const after = rows.filter(({ authority }) => authority === 'starter-g2')
  console.log(`records  ${before.length} of starter-g1, ${after.length} of starter-g2`)
  assertThat(before.length > 0 && after.length > 0, 'both generations issued')
  assertThat(rows.length === answered, 'one intent for each answer')
  assertThat(
    [before, after].every(areVerified),
    'each intent has a certificate, which the authority that it names verifies'
  )
  const last = before.at(-1)!
  const next = after[0]!
  assertThat(draftedAt(last) <= draftedAt(next), `the switch is at one intent, ${next.id}`)
  assertThat(draftedAt(last) <= activatedAt, 'no intent after the answer names starter-g1')
}

/** In ms since 1970: ids are UUIDv7. */
function draftedAt({ id }: RecordRow): number {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16)
}

/** @param rows all of one authority. */
function areVerified(rows: readonly RecordRow[]): boolean {
  const issuer = new X509Certificate(rows[0]!.issuer)
  return rows.every(({ certificate }) => isIssuedBy(issuer, certificate))
}

function isIssuedBy(issuer: X509Certificate, certificate: Buffer | null): boolean {
  if (certificate === null) return false
  const issued = new X509Certificate(certificate)
  return issued.issuer === issuer.subject && issued.verify(issuer.publicKey)
}
