import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeProgress } from '../../../src/cli/search/progress.ts'
import { runSearch, searchUsage } from '../../../src/cli/search/search.ts'
import { type HttpService, openService } from '../../http/service.ts'
import { runMintline } from '../mintline.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
  for (let count = 0; count < 3; count++) await service.issue()
})
afterAll(() => service.stop())

const environment = () => ({
  DATABASE_URL: service.connectionString,
  MINTLINE_DATA_DIR: service.dataDirectory
})

const count = async () => ({
  rows: await service.database.prisma.issuanceSearch.count(),
  tallied: (await service.database.prisma.issuanceTally.aggregate({ _sum: { count: true } }))._sum.count
})

/** What nobody would fill in so. */
const spoil = () => service.owner.prisma.$executeRaw`UPDATE search_facet SET line = 'nowhere', state = 'held'`

const searchFor = async (query: string) =>
  (await service.as('auditor').get(`/v1/issuances?${query}`)).json<{ items?: object[] }>().items?.length

describe('mintline search rebuild', () => {
  it('makes anew what was spoilt, beside the service, and tells it to the audit', async () => {
    await expect.poll(() => searchFor('state=issued'), { timeout: 10_000 }).toBe(3)
    await spoil()
    expect(await searchFor('state=issued')).toBe(0)
    const { exitCode, output, errors } = await runMintline(['search', 'rebuild'], environment())
    expect([exitCode, errors]).toEqual([0, ''])
    expect(output).toMatch(/^3 records can be searched anew, after \d+ s\.\n$/)
    expect(await count()).toEqual({ rows: 3, tallied: 3 })
    await expect.poll(() => searchFor('state=issued'), { timeout: 10_000 }).toBe(3)
    const acts = (await service.as('admin').get('/v1/audit-events?act=search.rebuild')).json<{
      items: object[]
    }>()
    expect(acts.items).toMatchObject([{ actor: expect.stringMatching(/^cli\//) as string }])
  })

  it('leaves it to the service when it is told not to wait', async () => {
    await spoil()
    const { exitCode, output } = await runMintline(['search', 'rebuild', '--no-wait'], environment())
    expect([exitCode, output]).toEqual([
      0,
      'What records are searched by is empty. The service fills it in.\n'
    ])
    await expect.poll(() => searchFor('state=issued'), { timeout: 10_000 }).toBe(3)
    expect(await count()).toEqual({ rows: 3, tallied: 3 })
  })

  it('tells how far it is where that is a terminal', async () => {
    let told = ''
    const io = { environment: environment(), write: () => undefined, isTerminal: true }
    const writeError = (text: string) => (told += text)
    expect(await runSearch({ ...io, writeError }, ['rebuild'])).toBe(0)
    expect(told).toMatch(/3 records filled in/)
  })

  it.each([
    {
      records: 5_000,
      total: 20_000,
      text: '5,000 of about 20,000 records filled in, 2,500 a second, 6 s left'
    },
    { records: 5_000, total: 4_000, text: '5,000 records filled in, 2,500 a second' },
    { records: 0, total: 4_000, text: '0 records filled in, 0 a second' }
  ])('says $text', ({ records, total, text }) => {
    expect(describeProgress({ records, total, ms: 2_000 })).toBe(text)
  })

  it.each([[[]], [['restore']], [['rebuild', 'now']], [['rebuild', '--wait']]])('refuses %j', async args => {
    const { exitCode, errors } = await runMintline(['search', ...args], environment())
    expect(exitCode).toBe(2)
    expect(errors).toContain(searchUsage)
  })

  it('says what is wrong where the database is away', async () => {
    const { exitCode, errors } = await runMintline(['search', 'rebuild'], {
      ...environment(),
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none'
    })
    expect([exitCode, errors]).toEqual([1, expect.stringContaining('database_unavailable') as string])
  })
})
