import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFillStore } from '../../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../../src/records/search/filling/filling.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { startIssuing } from '../../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'
import { writeRefusals } from './refusals.ts'

let test: TestDatabase
let directory: TemporaryDirectory
/** Neither issued nor void. */
let openIds: readonly string[]

const refused = 110
const count = refused + 2

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  const issuing = await startIssuing(test.database, directory.path, {
    onStep(step) {
      if (step === 'before the signature') throw new Error('cut off')
    }
  })
  for (const CommonName of ['open-1', 'open-2'])
    await issuing.issue(makeCertificationRequest({ Country: 'DE', CommonName })).catch(() => undefined)
  openIds = (await test.database.prisma.openIntent.findMany()).map(({ intentId }) => intentId)
  const start = Date.now() - 3_600_000
  const refusals = Array.from({ length: refused }, (_, index) => ({
    createdAt: new Date(start + index * 20_000),
    station: `station-${index % 3}`,
    commonName: `sensor-${index}`
  }))
  await writeRefusals(test.database, issuing.station.tokenId, refusals)
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const childFile = fileURLToPath(new URL('fill-child.ts', import.meta.url))

function killWith(when: string, number: number) {
  const args = [childFile, test.serviceConnectionString, when, String(number)]
  const { signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(signal, stderr).toBe('SIGKILL')
}

const resetAll = () => test.database.prisma.$queryRaw`SELECT reset_search()::text`

async function fillAll() {
  const filling = createFilling({
    store: createFillStore(test.database),
    clock: () => new Date(),
    batchSize: 20
  })
  while (await filling.step());
}

async function filled() {
  const { prisma } = test.database
  const [rows, terms, pending, { records }] = await Promise.all([
    prisma.issuanceSearch.count(),
    prisma.searchTerm.count(),
    prisma.searchPending.count(),
    prisma.searchProgress.findFirstOrThrow()
  ])
  const tallies = await prisma.$queryRaw<{ quarter: Date; facet: string; count: number }[]>`
    SELECT quarter, encode(sha256, 'hex') AS facet, count FROM issuance_tally JOIN search_facet ON id = facet_id ORDER BY 1, 2`
  return { rows, terms, pending, records: Number(records), tallies }
}

const tallied = ({ tallies }: Awaited<ReturnType<typeof filled>>) =>
  tallies.reduce((sum, tally) => sum + tally.count, 0)

describe('the process that fills in is killed', () => {
  beforeEach(resetAll)

  it.each([
    ['before', 1, 0],
    ['after', 1, 20],
    ['before', 4, 60],
    ['after', 4, 80],
    ['after', 6, count]
  ])('%s the commit of batch %d: each record is there once, and counted once', async (when, number, rows) => {
    killWith(when, number)
    const left = await filled()
    expect([left.rows, left.records, tallied(left)]).toEqual([rows, rows, rows])
    await fillAll()
    const after = await filled()
    expect([after.rows, after.records, tallied(after), after.pending]).toEqual([count, count, count, 2])

    await resetAll()
    await fillAll()
    expect(await filled()).toEqual(after)
  })

  it.each([
    ['before', 1],
    ['after', 2]
  ])('%s the commit of a change: it counts once', async (when, number) => {
    await fillAll()
    const { prisma } = test.owner
    const id = openIds[number - 1]!
    await prisma.$executeRaw`
      WITH closed AS (DELETE FROM open_intent WHERE intent_id = ${id}::uuid)
      INSERT INTO void (intent_id, created_at, actor, reason) VALUES (${id}::uuid, now(), 'admin/test', 'test')`
    killWith(when, 1)
    await fillAll()
    const after = await filled()
    expect([after.rows, after.records, tallied(after), after.pending]).toEqual([
      count,
      count,
      count,
      2 - number
    ])
    const states = await prisma.$queryRaw<{ state: string; count: number }[]>`
      SELECT state, sum(count)::int AS count FROM issuance_tally JOIN search_facet ON id = facet_id
      GROUP BY state HAVING sum(count) > 0`
    expect(Object.fromEntries(states.map(each => [each.state, each.count]))).toEqual({
      refused,
      void: number,
      ...(number < 2 && { unknown: 2 - number })
    })
  })
})
