import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { systemAct } from '../../src/audit/audit-event.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import type { ExportList } from '../../src/exports/export.ts'
import { createExportStore } from '../../src/exports/export-store.ts'
import { createExports, type Exports } from '../../src/exports/exports.ts'
import { type ExportRunDependencies, runExports } from '../../src/exports/run/run.ts'
import { createRunStore } from '../../src/exports/run/run-store.ts'
import { newId } from '../../src/sources/identifier.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const pages = 5
const dayMs = 24 * 60 * 60_000

let test: TestDatabase
let now = new Date()
let exports: Exports
/** Called before each page is read. */
let onPage: (page: number) => void | Promise<void>
let detachedOf: (page: number) => readonly string[]
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.owner.prisma.exportChunk.deleteMany()
  await test.owner.prisma.exportJob.deleteMany()
  now = new Date()
  onPage = () => undefined
  detachedOf = () => []
  exports = createExports({
    store: createExportStore(test.database),
    openList,
    jobs: { send: async () => undefined },
    clock: () => now,
    randomBytes
  })
})

const rowOf = (page: number) => ({ page, text: 'x'.repeat(1_000) })
const whole = Array.from({ length: pages }, (_, page) => `${JSON.stringify(rowOf(page))}\n`).join('')

function openList(): ExportList {
  return {
    columns: [],
    async read(cursor = '0') {
      const page = Number(cursor)
      await onPage(page)
      const nextCursor = page + 1 < pages ? String(page + 1) : undefined
      return { items: [[rowOf(page)]], nextCursor, detachedMonths: detachedOf(page) }
    },
    estimate: async () => undefined
  }
}

/** One is older than the next. */
function ask() {
  now = new Date(now.getTime() + 1)
  return exports.create(
    { of: 'issuances', format: 'ndjson', filter: {}, fields: undefined, lines: undefined },
    systemAct
  )
}

const run = (more: Partial<ExportRunDependencies> = {}, signal = new AbortController().signal) =>
  runExports(
    {
      store: createRunStore(test.database),
      openList,
      keptDays: 7,
      maximumOctets: 1_000_000,
      isReserveTouched: () => false,
      clock: () => now,
      randomBytes,
      ...more
    },
    signal
  )

const chunks = () => test.owner.prisma.exportChunk.count()

async function readAll(id: string): Promise<string> {
  const { read, octets } = await exports.open(await exports.find(id), systemAct)
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < octets; offset += parts.at(-1)!.length) parts.push(await read(offset))
  return Buffer.concat(parts).toString()
}

it('is there until it expires, and is forgotten later', async () => {
  const { id } = await ask()
  await run()
  const done = await exports.find(id)
  expect(done).toMatchObject({ state: 'done', rows: pages, octets: whole.length })
  expect(Buffer.from(done.sha256!).toString('hex')).toBe(createHash('sha256').update(whole).digest('hex'))
  expect(await readAll(id)).toBe(whole)

  now = new Date(now.getTime() + 7 * dayMs + 1)
  await run()
  expect((await exports.find(id)).state).toBe('expired')
  expect(await chunks()).toBe(0)
  await expect(exports.open(await exports.find(id), systemAct)).rejects.toMatchObject({
    code: 'export_expired'
  })
  now = new Date(now.getTime() + 31 * dayMs)
  await run()
  await expect(exports.find(id)).rejects.toMatchObject({ code: 'export_not_found' })
})

it('tells of the months that it has nothing of, also of one that was detached in the middle of it', async () => {
  const [plain, lacking] = [await ask(), await ask()]
  let isFirst = true
  onPage = page => void (isFirst &&= page < pages - 1)
  detachedOf = page => (isFirst ? [] : ['2026-03', ...(page < 2 ? ['2026-05'] : [])])
  await run()
  expect((await exports.find(plain.id)).detachedMonths).toEqual(['2026-03'])
  expect((await exports.find(lacking.id)).detachedMonths).toEqual(['2026-05', '2026-03'])
})

it('fails where the database has no room to spare, before as in the middle of it, and leaves no octets', async () => {
  for (const full of [0, 3]) {
    const { id } = await ask()
    let isFull = full === 0
    onPage = page => void (isFull ||= page === full - 1)
    await run({ isReserveTouched: () => isFull })
    expect((await exports.find(id)).failure?.code).toBe('export_no_room')
    await run()
    expect(await chunks()).toBe(0)
  }
})

it('fails where all files together would be too large', async () => {
  const first = await ask()
  await run({ maximumOctets: whole.length + 10 })
  const second = await ask()
  await run({ maximumOctets: whole.length + 10 })
  expect((await exports.find(first.id)).state).toBe('done')
  expect((await exports.find(second.id)).failure?.code).toBe('export_too_large')
})

it('that is deleted while it is made is not made, and the next one is', async () => {
  const [first, second] = [await ask(), await ask()]
  onPage = async page => {
    if (page === 2 && (await exports.find(first.id).catch(() => undefined)) !== undefined)
      await exports.remove(first.id, systemAct)
  }
  await run()
  await expect(exports.find(first.id)).rejects.toMatchObject({ code: 'export_not_found' })
  expect((await exports.find(second.id)).state).toBe('done')
})

it('is begun anew after what passes, and fails after what does not', async () => {
  const { id } = await ask()
  let tries = 0
  onPage = page => {
    if (page === 3 && ++tries < 3) throw new MintlineError('database_unavailable', 'It is away.')
  }
  await expect(run()).rejects.toMatchObject({ code: 'database_unavailable' })
  expect((await exports.find(id)).state).toBe('running')
  await expect(run()).rejects.toMatchObject({ code: 'database_unavailable' })
  await run()
  expect(await readAll(id)).toBe(whole)

  const broad = await ask()
  onPage = () => {
    throw new MintlineError('search_too_broad', 'Narrow it.')
  }
  await run()
  expect((await exports.find(broad.id)).failure).toEqual({ code: 'search_too_broad', detail: 'Narrow it.' })
})

it.each([
  ['goes on', 3, 'done'],
  ['fails', 4, 'failed']
])('%s where a page takes too long %d times', async (_, count, state) => {
  let late = 0
  onPage = page => {
    if (page === 2 && late++ < count) throw new MintlineError('search_too_broad', 'Too broad.')
  }
  const { id } = await ask()
  await run()
  expect(await exports.find(id)).toMatchObject({ state })
})

it('that the search is behind for lets others go first, and is made once the search is not, or given up after a day', async () => {
  const [late, other] = [await ask(), await ask()]
  let [isBehind, isLate] = [true, true]
  onPage = page => {
    // The first one alone, and in its middle.
    if (isBehind && isLate && page === 2) {
      isLate = false
      throw new MintlineError('search_behind', 'The records are still being filled in.')
    }
  }
  for (let round = 0; round < 8; round += 1) {
    isLate = true
    await run()
    expect(await exports.find(late.id)).toMatchObject({
      state: 'waiting',
      rows: 0,
      octets: 0,
      begunAt: undefined
    })
    expect((await exports.find(other.id)).state).toBe('done')
    now = new Date(now.getTime() + 31_000)
  }
  isBehind = false
  await run()
  expect(await readAll(late.id)).toBe(whole)

  isBehind = isLate = true
  const never = await ask()
  now = new Date(now.getTime() + dayMs)
  await run()
  expect((await exports.find(never.id)).failure?.code).toBe('search_behind')
})

it('whose process dies each time fails in the end, and leaves no octets', async () => {
  const { id } = await ask()
  const store = createRunStore(test.database)
  for (let tries = 0; tries < 5; tries += 1) {
    const dying = { exportId: id, run: newId(now, randomBytes) }
    await store.begin(dying, now)
    await store.append(dying, Buffer.from('half'), { rows: 1, octets: 4 })
  }
  await run()
  const failed = await exports.find(id)
  expect(failed).toMatchObject({ state: 'failed', failure: { code: 'job_interrupted' } })
  await expect(exports.open(failed, systemAct)).rejects.toMatchObject({ code: 'export_not_ready' })
  await run()
  expect(await chunks()).toBe(0)
})

it('of two processes that make it, one does', async () => {
  const { id } = await ask()
  await Promise.all([run(), run()])
  expect(await readAll(id)).toBe(whole)
  await run()
  const kept = await test.owner.prisma.exportChunk.findMany({ select: { run: true } })
  expect(new Set(kept.map(({ run }) => run)).size).toBe(1)
})

it('that the end of the service cuts off waits for the next', async () => {
  const { id } = await ask()
  const stopping = new AbortController()
  onPage = page => {
    if (page === 2) stopping.abort()
  }
  await expect(run({}, stopping.signal)).rejects.toMatchObject({ code: 'job_interrupted' })
  onPage = () => undefined
  await run()
  expect(await readAll(id)).toBe(whole)
})
