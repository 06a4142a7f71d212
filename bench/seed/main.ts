/**
 * Fills a data directory with three years of records of a made-up factory: of the service's own making all that is not a record, and
 * one issuance of each kind; the records are copies of these with names, keys, serial numbers, times and signatures of their
 * own. Certificates verify. A CSR has the signature of the one it was copied from, which nothing looks at again. What records
 * are searched by is there as the service would have filled it in; `mintline search rebuild` comes to the same.
 *
 * usage: npm run bench:seed -- --data-dir DIR [--rows 1000000 --workers 2]
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { epochCount, monthsUntil } from './factory.ts'
import { loadModels } from './model.ts'
import { prepareFactory } from './preparation.ts'
import type { LotCount } from './rows/records.ts'
import type { Sample } from './rows/sample.ts'
import { filledPlaces, insertSharedValues } from './rows/search-rows.ts'
import { finishRecords, insertLots, layOpen, makePartitions } from './tables.ts'
import type { SeededMonth, SeedMonth, SeedWorkerData } from './worker.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    'data-dir': { type: 'string' },
    workers: { type: 'string', default: '2' }
  }
})
const rows = Number(values.rows)
const openCount = 40
/** How many of a search's samples are kept. */
const sampleCount = 400

if (values['data-dir'] === undefined) throw new Error('--data-dir names the directory that is to be filled')
const dataDirectory = resolve(values['data-dir'])
await mkdir(dataDirectory, { recursive: true })
if ((await readdir(dataDirectory)).length > 0) throw new Error(`${dataDirectory} is not empty`)

/** A crash loses all of it, and it is made again: nothing waits for the disk. */
const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  min_wal_size: '64MB',
  shared_buffers: '1GB',
  maintenance_work_mem: '1GB',
  autovacuum: 'off'
}
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

const prepared = await prepareFactory(dataDirectory)
const postgres = await startEmbeddedPostgres({ dataDirectory, log: silent, settings })
const client = new pg.Client({ connectionString: postgres.connectionString })
await client.connect()
try {
  await seed()
} finally {
  await client.end()
  await postgres.stop()
}

async function seed(): Promise<void> {
  const months = planMonths()
  const models = await loadModels(client, dataDirectory, prepared.models)
  await makePartitions(client, months)
  const restore = await layOpen(client)
  const filled = new BigInt64Array(new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT))
  const { connectionString } = postgres
  const span = { start: months[0]!.start, end: months.at(-1)!.end }
  const start = performance.now()
  const { lots, samples } = await fill(months, {
    connectionString,
    stations: prepared.stations,
    models,
    span,
    shared: await insertSharedValues(client),
    filled
  })
  const copied = performance.now()
  await insertLots(client, months, lots)
  await restore()
  await finishRecords(client, filled[filledPlaces.records]!)
  const restored = performance.now()
  await client.query("VACUUM (ANALYZE, BUFFER_USAGE_LIMIT '512MB')")
  // Takes the log of what was copied away.
  await client.query('CHECKPOINT')
  const seconds = (since: number, until = performance.now()) => ((until - since) / 1_000).toFixed(0)
  console.log(
    `${rows} records in ${seconds(start)} s: ${seconds(start, copied)} s copied (${Math.round(rows / ((copied - start) / 1_000))} rows/s), ` +
      `${seconds(copied, restored)} s primary keys and ends, ${seconds(restored)} s vacuum and statistics`
  )
  await writeFile(
    join(dataDirectory, 'seed.json'),
    JSON.stringify({ rows, ...span, stations: prepared.stations.map(({ name }) => name), samples })
  )
}

/** Each month has somewhat more than the one before. */
function planMonths(): readonly SeedMonth[] {
  const months = monthsUntil(Date.now() - 3_600_000)
  const weights = months.map(({ start, end }, index) => (end - start) * (1 + index / months.length))
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  let passed = 0
  return months.map((month, index) => {
    const first = Math.round((rows * passed) / all)
    passed += weights[index]!
    return {
      ...month,
      epoch: Math.floor((index * epochCount) / months.length),
      first,
      count: Math.round((rows * passed) / all) - first,
      open: index === months.length - 1 ? openCount : 0
    }
  })
}

/** By several threads, a month each at a time. */
async function fill(months: readonly SeedMonth[], data: SeedWorkerData) {
  const lots = new Map<string, LotCount>()
  const samples: Sample[] = []
  const waiting = [...months]
  let done = 0
  const work = async () => {
    const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: data })
    const { promise, resolve: end, reject } = Promise.withResolvers<void>()
    worker.on('error', reject)
    worker.on('exit', () => end())
    worker.on('message', (seeded: SeededMonth | undefined) => {
      if (seeded !== undefined) {
        addLots(lots, seeded.lots)
        samples.push(...seeded.samples)
        done += seeded.count
        console.log(`${done} of ${rows}`)
      }
      worker.postMessage(waiting.shift() ?? null)
    })
    await promise
  }
  await Promise.all(Array.from({ length: Number(values.workers) }, work))
  return {
    lots,
    samples: samples.filter((_, index) => index % Math.ceil(samples.length / sampleCount) === 0)
  }
}

function addLots(all: Map<string, LotCount>, some: ReadonlyMap<string, LotCount>): void {
  for (const [key, { taken, scrapped }] of some) {
    const count = all.get(key) ?? { taken: 0, scrapped: 0 }
    all.set(key, { taken: count.taken + taken, scrapped: count.scrapped + scrapped })
  }
}
