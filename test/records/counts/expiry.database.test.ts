import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCounting } from '../../../src/records/counts/count-store.ts'
import { createFillStore } from '../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../src/records/search/filling/filling.ts'
import { createZone } from '../../../src/sources/site/zone.ts'
import { act } from '../../support/authority-administration.ts'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let now = new Date()
const clock = () => now
/** By Vienna's clocks 2027 has begun by then, by those of UTC it has not. */
const turn = new Date('2026-12-31T23:20:00Z')

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path, { clock })
  const { document } = (await issuing.profiles.current('starter')).version
  const whenIssuerExpiresFirst = 'shorten'
  const validities = {
    month: { days: 31, whenIssuerExpiresFirst },
    year: { days: 365, whenIssuerExpiresFirst },
    never: { notAfter: '99991231235959Z', whenIssuerExpiresFirst }
  } as const
  for (const [name, validity] of Object.entries(validities))
    await issuing.profiles.post({ ...document, name, validity }, act)
  for (const minutes of [-40, -1, 0, 1, 39, 41, 90])
    for (const profile of Object.keys(validities)) {
      now = new Date(turn.getTime() + minutes * 60_000)
      const csr = makeCertificationRequest({ Country: 'US', CommonName: `${profile}-${minutes}` })
      await issuing.issue(csr, profile)
    }
  now = new Date(turn.getTime() + 86_400_000)
  await issuing.issue(new Uint8Array([1, 2, 3]), 'month').catch(() => undefined)
  const filling = createFilling({ store: createFillStore(test.database), clock, batchSize: 3 })
  while (await filling.step());
  // As of a CA that has no end either.
  const never = new Date('9999-12-31T23:59:59Z')
  const { prisma } = test.owner
  await prisma.$executeRaw`
    UPDATE issuance_search SET not_after = ${never} WHERE facet_id IN (SELECT id FROM search_facet WHERE profile = 'never')`
  await prisma.$executeRaw`
    UPDATE search_facet SET not_after_first = ${never}, not_after_last = ${never}, validity_most_ms = validity_most_ms * 10000
    WHERE profile = 'never'`
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

async function count(
  zone: string,
  by: readonly ('expiryMonth' | 'profile' | 'outcome' | 'day')[],
  more = {}
) {
  const query = { by, zone: createZone(zone)!, outcome: 'issued', ...more } as const
  const { groups } = await createCounting(test.database).count(query)
  return Object.fromEntries(groups.map(({ values, count }) => [by.map(key => values[key]).join(' '), count]))
}

const expected = {
  UTC: { 'month 2027-01': 5, 'month 2027-02': 2, 'year 2027-12': 5, 'year 2028-01': 2, 'never ': 7 },
  'Europe/Vienna': {
    'month 2027-01': 1,
    'month 2027-02': 6,
    'year 2027-12': 1,
    'year 2028-01': 6,
    'never ': 7
  }
}

it.each(Object.entries(expected))('are told apart by the clocks of %s', async (zone, counts) => {
  expect(await count(zone, ['profile', 'expiryMonth'])).toEqual(counts)
})

it('may be of refusals, which run out never, and of times of the requests', async () => {
  expect(await count('UTC', ['outcome', 'expiryMonth'], { outcome: 'rejected' })).toEqual({ 'rejected ': 1 })
  const byDay = await count('UTC', ['day', 'expiryMonth'], { profile: 'month' })
  expect(byDay).toEqual({ '2026-12-31 2027-01': 5, '2027-01-01 2027-02': 2 })
})

it.each(Object.entries(expected))(
  'are the same by the clocks of %s where little is known of how long the records of a facet are valid',
  async (zone, counts) => {
    await test.owner.prisma.$executeRaw`
      UPDATE search_facet SET not_after_first = not_after_first - interval '50 days', not_after_last = not_after_last + interval '70 days',
        validity_least_ms = validity_least_ms - 4000000000, validity_most_ms = validity_most_ms + 6000000000
      WHERE profile <> 'never'`
    expect(await count(zone, ['profile', 'expiryMonth'])).toEqual(counts)
  }
)
