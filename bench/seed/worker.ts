import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parentPort, workerData } from 'node:worker_threads'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Span } from './factory.ts'
import type { Model } from './model.ts'
import type { SeededStation } from './preparation.ts'
import { type LotCount, RecordMaker } from './rows/records.ts'
import type { SharedValues } from './rows/search-rows.ts'

export interface SeedWorkerData {
  readonly connectionString: string
  readonly stations: readonly SeededStation[]
  readonly models: readonly (readonly Model[])[]
  /** All that is seeded. */
  readonly span: Span
  readonly shared: SharedValues
  /** What all workers have filled in for the search: see `filledPlaces`. */
  readonly filled: BigInt64Array<SharedArrayBuffer>
}

export interface SeedMonth extends Span {
  readonly epoch: number
  /** Number of its first record, and how many there are. */
  readonly first: number
  readonly count: number
  /** Of them, the last, which wait for their certificates. */
  readonly open: number
}

export interface SeededMonth {
  readonly count: number
  readonly lots: ReadonlyMap<string, LotCount>
  readonly samples: RecordMaker['samples']
}

const batchSize = 5_000

const { connectionString, stations, models, span, shared, filled } = workerData as SeedWorkerData
const client = new pg.Client({ connectionString })
await client.connect()
parentPort!.on('message', (month: SeedMonth | null) => {
  void (month === null ? client.end() : seed(month))
  if (month === null) parentPort!.close()
})
parentPort!.postMessage(undefined)

async function seed({ start, end, epoch, first, count, open }: SeedMonth): Promise<void> {
  const maker = new RecordMaker(stations, { shared, filled })
  for (let index = 0; index < count; index++) {
    const time = Math.floor(start + ((index + Math.random()) * (end - start)) / count)
    maker.make({
      number: first + index,
      time,
      progress: (time - span.start) / (span.end - span.start),
      models: models[epoch]!,
      isOpen: index >= count - open
    })
    if (index % batchSize === batchSize - 1) await copy(maker)
  }
  await maker.search.finish(client, maker.rows)
  await copy(maker)
  parentPort!.postMessage({ count, lots: maker.lots, samples: maker.samples } satisfies SeededMonth)
}

async function copy({ rows }: RecordMaker): Promise<void> {
  await client.query('BEGIN')
  for (const table of Object.values(rows)) {
    if (table.isEmpty) continue
    const { statement } = table
    await pipeline(Readable.from([table.takeAll()]), client.query(copyFrom(statement)))
  }
  await client.query('COMMIT')
}
