/**
 * What a row costs when a group of intents is inserted as one statement, by the way its bytes travel. CPU is that
 * of this process alone, the database's is not in it; wall time is one statement after the other.
 *
 *   npx node bench/batch-insert.ts [postgresql://…]     a migrated database; without one, on an embedded PostgreSQL
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { byteaArray } from '../src/database/array-literal.ts'
import { createDatabase } from '../src/database/database.ts'
import { startEmbeddedPostgres } from '../src/database/embedded/embedded-postgres.ts'
import { PrismaClient } from '../src/database/generated/client.ts'
import { migrateDatabase } from '../src/database/migrations/migrations.ts'

const rowsPerBatch = 32
const batchesPerRound = 40
const rounds = 12

interface Row {
  readonly id: string
  readonly serialNumber: Buffer
  readonly spkiSha256: Buffer
  readonly deviceSha256: Buffer
  readonly requestSha256: Buffer
  readonly tbsDer: Buffer
  readonly csrDer: Buffer
}

interface References {
  readonly tokenId: string
  readonly profileVersionId: string
  readonly authorityId: string
}

type Way = (rows: readonly Row[]) => Promise<unknown>

const byteColumns = [
  'serialNumber',
  'spkiSha256',
  'deviceSha256',
  'requestSha256',
  'tbsDer',
  'csrDer'
] as const

const insertHead = `INSERT INTO intent (id, created_at, serial_number, spki_sha256, device_sha256, request_sha256,
  tbs_der, csr_der, station, token_id, profile_version_id, authority_id, metadata, request_id)`
const insertTail = `'station-1', $2::uuid, $3::uuid, $4::uuid, '{"fixture":"7"}'::jsonb, 'req-1'`

/** $5 to $10: one array of bytea per column. */
const fromArrays = `${insertHead}
  SELECT r.id, now(), r.serial, r.spki, r.device, r.request, r.tbs, r.csr, ${insertTail}
  FROM unnest($1::uuid[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[])
    AS r(id, serial, spki, device, request, tbs, csr)
  ON CONFLICT DO NOTHING RETURNING id`

/** The same with the bytes as hexadecimal text. */
const fromHex = `${insertHead}
  SELECT r.id, now(), decode(r.serial, 'hex'), decode(r.spki, 'hex'), decode(r.device, 'hex'),
    decode(r.request, 'hex'), decode(r.tbs, 'hex'), decode(r.csr, 'hex'), ${insertTail}
  FROM unnest($1::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
    AS r(id, serial, spki, device, request, tbs, csr)
  ON CONFLICT DO NOTHING RETURNING id`

/** $5: all bytes in one bytea, row after row; $6, $7, $8: where each row begins and how long its two long parts are. */
const fromPacked = `${insertHead}
  SELECT r.id, now(), substring($5::bytea FROM r.at FOR 16), substring($5::bytea FROM r.at + 16 FOR 32),
    substring($5::bytea FROM r.at + 48 FOR 32), substring($5::bytea FROM r.at + 80 FOR 32),
    substring($5::bytea FROM r.at + 112 FOR r.tbs), substring($5::bytea FROM r.at + 112 + r.tbs FOR r.csr), ${insertTail}
  FROM unnest($1::uuid[], $6::int[], $7::int[], $8::int[]) AS r(id, at, tbs, csr)
  ON CONFLICT DO NOTHING RETURNING id`

/** The service's ids are UUIDv7; random ones would measure scattered index pages instead. */
function timeOrderedId(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

function makeRows(): Row[] {
  return Array.from({ length: rowsPerBatch }, () => {
    const serialNumber = randomBytes(16)
    serialNumber[0] = 1
    return {
      id: timeOrderedId(),
      serialNumber,
      spkiSha256: randomBytes(32),
      deviceSha256: randomBytes(32),
      requestSha256: randomBytes(32),
      tbsDer: randomBytes(440),
      csrDer: randomBytes(330)
    }
  })
}

function columnsOf<T>(rows: readonly Row[], map: (bytes: Buffer) => T): T[][] {
  return byteColumns.map(column => rows.map(row => map(row[column])))
}

function pack(rows: readonly Row[]): unknown[] {
  const at: number[] = []
  let length = 1
  for (const row of rows) {
    at.push(length)
    length += 112 + row.tbsDer.length + row.csrDer.length
  }
  const bytes = Buffer.concat(
    rows.flatMap(row => byteColumns.map(column => row[column])),
    length - 1
  )
  return [bytes, at, rows.map(row => row.tbsDer.length), rows.map(row => row.csrDer.length)]
}

const arrayLiteral = (values: readonly string[]): string => `{${values.join(',')}}`

function waysThrough(prisma: PrismaClient, pool: pg.Pool, references: References): Record<string, Way> {
  const { tokenId, profileVersionId, authorityId } = references
  const head = (rows: readonly Row[]): unknown[] => [
    rows.map(row => row.id),
    tokenId,
    profileVersionId,
    authorityId
  ]
  const literalHead = (rows: readonly Row[]): unknown[] => [
    arrayLiteral(rows.map(row => row.id)),
    tokenId,
    profileVersionId,
    authorityId
  ]
  const literals = (rows: readonly Row[]): unknown[] => [
    ...literalHead(rows),
    ...columnsOf(rows, bytes => bytes).map(byteaArray)
  ]
  const literalPacked = (rows: readonly Row[]): unknown[] => {
    const [bytes, ...lengths] = pack(rows)
    return [...literalHead(rows), bytes, ...lengths.map(list => arrayLiteral((list as number[]).map(String)))]
  }
  const throughPg = (name: string, text: string, values: unknown[]): Promise<unknown> =>
    pool.query({ name, text, values })
  return {
    'pg, Buffer[]': rows => throughPg('a', fromArrays, [...head(rows), ...columnsOf(rows, bytes => bytes)]),
    'pg, array literals': rows => throughPg('b', fromArrays, literals(rows)),
    'pg, one packed bytea': rows => throughPg('c', fromPacked, literalPacked(rows)),
    'Prisma, Buffer[]': rows =>
      prisma.$queryRawUnsafe(fromArrays, ...head(rows), ...columnsOf(rows, bytes => bytes)),
    'Prisma, Uint8Array[]': rows =>
      prisma.$queryRawUnsafe(fromArrays, ...head(rows), ...columnsOf(rows, bytes => new Uint8Array(bytes))),
    'Prisma, hex text[]': rows =>
      prisma.$queryRawUnsafe(fromHex, ...head(rows), ...columnsOf(rows, bytes => bytes.toString('hex'))),
    'Prisma, array literals': rows => prisma.$queryRawUnsafe(fromArrays, ...literals(rows)),
    'Prisma, one packed bytea': rows => prisma.$queryRawUnsafe(fromPacked, ...literalPacked(rows)),
    'Prisma, array literals, execute': rows => prisma.$executeRawUnsafe(fromArrays, ...literals(rows))
  }
}

/** An intent names them; nothing holds it to it. */
function createReferences(): References {
  return { tokenId: randomUUID(), profileVersionId: randomUUID(), authorityId: randomUUID() }
}

interface Cost {
  readonly cpuMicroseconds: number
  readonly wallMicroseconds: number
}

async function measureRound(way: Way): Promise<Cost> {
  const prepared = Array.from({ length: batchesPerRound }, makeRows)
  const cpuBefore = process.cpuUsage()
  const start = process.hrtime.bigint()
  for (const rows of prepared) await way(rows)
  const wallMicroseconds = Number(process.hrtime.bigint() - start) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  return { cpuMicroseconds: user + system, wallMicroseconds }
}

/** Rounds of all ways by turns, and the median of each, so that a busy moment of the machine hits no one way alone. */
async function measure(ways: Readonly<Record<string, Way>>): Promise<void> {
  const costs = new Map<string, Cost[]>(Object.keys(ways).map(name => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const cost = await measureRound(way)
      if (round > 1) costs.get(name)?.push(cost)
    }
  }
  console.log(`${'µs per row'.padEnd(40)}     CPU    wall`)
  for (const [name, list] of costs) {
    const cpu = median(list.map(cost => cost.cpuMicroseconds))
    const wall = median(list.map(cost => cost.wallMicroseconds))
    console.log(`${name.padEnd(40)} ${perRow(cpu)} ${perRow(wall)}`)
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

function perRow(microseconds: number): string {
  return (microseconds / batchesPerRound / rowsPerBatch).toFixed(1).padStart(7)
}

/** With the statement named, as the service's own database client does, and without. */
async function run(connectionString: string): Promise<void> {
  const pool = new pg.Pool({ connectionString, max: 2 })
  const named = createDatabase({ connectionString, poolSize: 2 })
  const unnamed = new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 2 }) })
  const references = createReferences()
  const withoutNames = waysThrough(unnamed, pool, references)
  await measure({
    ...waysThrough(named.prisma, pool, references),
    'Prisma, array literals, unnamed': withoutNames['Prisma, array literals'] as Way,
    'Prisma, one packed bytea, unnamed': withoutNames['Prisma, one packed bytea'] as Way
  })
  await Promise.all([named.close(), unnamed.$disconnect(), pool.end()])
}

async function runEmbedded(): Promise<void> {
  const log = { info: () => undefined, warn: console.warn, error: console.error }
  const dataDirectory = await mkdtemp(path.join(tmpdir(), 'mintline-bench-'))
  const postgres = await startEmbeddedPostgres({ dataDirectory, log })
  try {
    await migrateDatabase({ connectionString: postgres.connectionString, log })
    await run(postgres.connectionString)
  } finally {
    await postgres.stop()
    await rm(dataDirectory, { recursive: true, force: true })
  }
}

const [address] = process.argv.slice(2)
await (address === undefined ? runEmbedded() : run(address))
