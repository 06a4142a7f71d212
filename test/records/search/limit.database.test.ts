import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Prisma } from '../../../src/database/generated/client.ts'
import { withinLimit } from '../../../src/records/search/finding/search-session-store.ts'
import { startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'
import { expectWithin } from '../../support/time-limit.ts'

let test: TestDatabase
let directory: Awaited<ReturnType<typeof createTemporaryDirectory>>
let issuing: Awaited<ReturnType<typeof startIssuing>>

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
}, 60_000)
afterAll(async () => {
  await issuing.core.stops.disposeAsync()
  await test.drop()
  await directory.remove()
})

const tooBroad = { code: 'search_too_broad' }
const sleep = Prisma.sql`SELECT pg_sleep(0.4)::text`

describe('what is asked for one answer', () => {
  it('has its time together, however many statements it is', async () => {
    const asked = withinLimit(
      test.database,
      async ask => {
        for (let times = 0; times < 20; times += 1) await ask(sleep)
      },
      { limitMs: 1_000, narrower: 'Ask for a shift.' }
    )
    await expect(asked).rejects.toMatchObject({
      ...tooBroad,
      detail: expect.stringMatching(/Ask for a shift\.$/) as string
    })
    expect(await withinLimit(test.database, ask => ask(sleep), { limitMs: 8_000 })).toHaveLength(1)
  })

  it('is seen as it is at one moment where that is asked for', async () => {
    const count = Prisma.sql`SELECT count(*)::int AS count FROM search_change`
    const grown = (isOneMoment: boolean) =>
      withinLimit(
        test.database,
        async ask => {
          const [before] = await ask<{ count: number }>(count)
          await test.owner.prisma
            .$executeRaw`INSERT INTO search_change (record_id) VALUES (gen_random_uuid())`
          const [after] = await ask<{ count: number }>(count)
          return after!.count - before!.count
        },
        { isOneMoment, limitMs: 8_000 }
      )
    expect([await grown(true), await grown(false)]).toEqual([0, 1])
  })
})

describe('a list of records that are read as they are', () => {
  it.each([
    ['nothing', {}],
    ['an authority', { authority: 'starter-g1' }],
    ['an outcome', { outcome: 'void' }],
    ['a serial number', { serialNumber: '01' }],
    ['a request id', { requestId: 'request-1' }],
    ['a time', { from: new Date('2026-01-01T00:00:00Z') }]
  ] as const)('is refused after two seconds where it is asked for by %s', async (_, query) => {
    await test.owner.prisma.$transaction(
      async transaction => {
        await transaction.$executeRaw`LOCK TABLE intent IN ACCESS EXCLUSIVE MODE`
        const start = performance.now()
        await expect(issuing.records.list({ ...query, limit: 10 })).rejects.toMatchObject(tooBroad)
        expectWithin(performance.now() - start, 3_000)
      },
      { timeout: 20_000 }
    )
    expect((await issuing.records.list({ ...query, limit: 10 })).items).toEqual([])
  })
})
