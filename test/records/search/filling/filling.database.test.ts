import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IssuanceQuery } from '../../../../src/records/record.ts'
import { createFillStore } from '../../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../../src/records/search/filling/filling.ts'
import type { Signer } from '../../../../src/signing/signers/signer.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { type Issuing, type IssuingOptions, startIssuing } from '../../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'
import { writeRefusals } from './refusals.ts'

let test: TestDatabase
let directory: TemporaryDirectory

beforeEach(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
})
afterEach(async () => {
  const astray = await test.database.prisma.$queryRaw`
    SELECT term.* FROM search_term AS term LEFT JOIN issuance_search AS own ON own.record_id = term.record_id
    WHERE own.facet_id IS DISTINCT FROM term.facet_id`
  await test.drop()
  await directory.remove()
  expect(astray, 'values whose records are of another facet').toEqual([])
})

const start = (options: IssuingOptions = {}) => startIssuing(test.database, directory.path, options)
const fillingWith = (batchSize: number, clock = () => new Date()) =>
  createFilling({ store: createFillStore(test.database), clock, batchSize })

async function fillAll() {
  const filling = fillingWith(20)
  while (await filling.step());
}

async function idsOf({ records }: Issuing, query: Omit<IssuanceQuery, 'limit'>) {
  return (await records.list({ ...query, limit: 100 })).items.map(({ id }) => id)
}

const thing = (value: string, isPrefix = false) => ({
  terms: [{ name: 'thingName', value, isPrefix }] as const
})
const commonName = (value: string) => ({ terms: [{ name: 'CommonName', value, isPrefix: false }] as const })
const request = (CommonName: string) => makeCertificationRequest({ Country: 'DE', CommonName })

describe('an intent that is filled in before it has its certificate', () => {
  /** A key that somebody fills in beside. */
  const beside = (signer: Signer): Signer => ({
    ...signer,
    sign: async (...parameters) => {
      await fillAll()
      return signer.sign(...parameters)
    }
  })

  it('is found by the name of its thing from then on', async () => {
    const issuing = await start({ wrapSigner: beside })
    const { record } = await issuing.issue(request('sensor-1'))
    const thingName = record.thing!.thingName!
    await fillAll()
    for (const query of [
      thing(thingName),
      thing(thingName.slice(0, 4), true),
      commonName('sensor-1'),
      { state: 'issued' as const }
    ])
      expect(await idsOf(issuing, query)).toEqual([record.id])
    const terms = await test.database.prisma.searchTerm.findMany()
    expect(terms.map(({ value }) => value).sort()).toEqual(['DE', 'sensor-1', thingName].sort())
    expect(await test.database.prisma.searchPending.count()).toBe(0)
  })

  it('and lost what tells how it stands is left alone, and hinders nobody', async () => {
    const issuing = await start({
      onStep(step) {
        if (step === 'before the signature') throw new Error('cut off')
      }
    })
    await issuing.issue(request('sensor-1')).catch(() => undefined)
    await fillAll()
    await test.owner.prisma.$executeRaw`DELETE FROM open_intent`
    const filling = fillingWith(20)
    const steps = [await filling.step(), await filling.step()]
    expect(steps).toEqual([false, false])
    expect(await test.database.prisma.searchPending.count()).toBe(1)
  })
})

describe('a certificate that ends after it was filled in', () => {
  it('takes its values along to its state', async () => {
    const issuing = await start()
    const { record } = await issuing.issue(request('sensor-1'))
    const other = await issuing.issue(request('sensor-2'))
    await fillAll()
    await test.owner.prisma.$executeRaw`
      INSERT INTO revocation VALUES (${record.id}::uuid, now(), 'admin/test', 'scrap', 'by hand', NULL, NULL)`
    await fillAll()
    expect(await idsOf(issuing, { ...commonName('sensor-1'), state: 'revoked' })).toEqual([record.id])
    expect(await idsOf(issuing, { ...commonName('sensor-1'), state: 'issued' })).toEqual([])
    expect(await idsOf(issuing, { ...commonName('sensor-2'), state: 'issued' })).toEqual([other.record.id])
  })
})

describe('records that are committed late', () => {
  const second = 1_000

  /** So many, a second apart. */
  async function write(issuing: Issuing, from: Date, count: number) {
    const refusals = Array.from({ length: count }, (_, index) => ({
      createdAt: new Date(from.getTime() + index * second),
      commonName: 'sensor-1'
    }))
    return writeRefusals(test.database, issuing.station.tokenId, refusals)
  }

  it.each([5, 100])('by %d s are filled in, while there is more to do each time', async late => {
    const issuing = await start()
    let now = new Date(Date.now() - 3_600_000)
    const filling = fillingWith(10, () => now)
    const ids: string[] = []
    // Ten minutes of full batches: each is of the ten seconds before it, and of one that comes late.
    for (let step = 0; step < 60; step++) {
      ids.push(...(await write(issuing, now, 10)))
      now = new Date(now.getTime() + 10 * second)
      if (step % 10 === 5) ids.push(...(await write(issuing, new Date(now.getTime() - late * second), 1)))
      await filling.step()
    }
    while (await filling.step());
    expect(await test.database.prisma.issuanceSearch.count()).toBe(ids.length)
  })
})

describe('refusals that name lots and profiles that there are not', () => {
  it('have one facet, and are found by these', async () => {
    const issuing = await start()
    const written = Array.from({ length: 30 }, (_, index) => ({
      createdAt: new Date(),
      commonName: 'sensor-1',
      lot: `serial-${index % 15}`,
      profile: `other-${index % 10}`
    }))
    const ids = await writeRefusals(test.database, issuing.station.tokenId, written)
    await fillAll()
    expect(await test.database.prisma.searchFacet.count()).toBe(1)
    const meant = (isMeant: (index: number) => boolean) =>
      ids
        .filter((_, index) => isMeant(index))
        .sort()
        .reverse()
    expect(await idsOf(issuing, { lot: 'serial-7' })).toEqual(meant(index => index % 15 === 7))
    expect(await idsOf(issuing, { profile: 'other-3' })).toEqual(meant(index => index % 10 === 3))
    expect(await idsOf(issuing, { lot: 'serial-3', profile: 'other-3' })).toEqual([ids[3]])
    expect(await idsOf(issuing, { lot: 'serial-3', profile: 'other-4' })).toEqual([])
    expect(await idsOf(issuing, { lot: 'serial-3', state: 'issued' })).toEqual([])
    expect(await idsOf(issuing, { beginnings: { lot: 'serial-1' } })).toEqual(
      meant(index => `${index % 15}`.startsWith('1'))
    )
    expect(await idsOf(issuing, { beginnings: { lot: 'serial-1' }, profile: 'other-3' })).toEqual(
      meant(index => `${index % 15}`.startsWith('1') && index % 10 === 3)
    )
    expect(await idsOf(issuing, { beginnings: { lot: 'cereal' } })).toEqual([])
  })
})

describe('more changes than are taken at once', () => {
  it('are to be taken before it is told that all is filled in', async () => {
    const issuing = await start()
    await writeRefusals(test.database, issuing.station.tokenId, [
      { createdAt: new Date(), commonName: 'sensor-1' }
    ])
    await fillAll()
    const { prisma } = test.owner
    await prisma.$executeRaw`UPDATE search_progress SET filled_at = NULL`
    await prisma.$executeRaw`
      INSERT INTO search_change (record_id) SELECT record_id FROM issuance_search CROSS JOIN generate_series(1, 10)`
    const filling = fillingWith(4)
    const told: boolean[] = []
    for (let step = 0; step < 3; step++) {
      await filling.step()
      const { filledAt } = await prisma.searchProgress.findFirstOrThrow()
      told.push(filledAt !== null)
    }
    expect(told).toEqual([false, false, true])
  })
})

describe('the cursor of a list by a beginning', () => {
  it('is taken where its record is for who asks, and from nobody else', async () => {
    const issuing = await start()
    const [own, foreign] = await writeRefusals(test.database, issuing.station.tokenId, [
      { createdAt: new Date(), station: 'station-1', commonName: 'sensor-1' },
      { createdAt: new Date(), station: 'station-2', commonName: 'sensor-2' }
    ])
    await fillAll()
    const list = (commonName: string, cursor: string) => {
      const terms = [{ name: 'CommonName', value: commonName, isPrefix: true }] as const
      return issuing.records.list({ terms, station: 'station-1', limit: 10, cursor })
    }
    expect((await list('sensor', own!)).items).toEqual([])
    const refused: unknown[] = []
    // What the other says must not be told by it.
    for (const beginning of ['sensor-2', 'sensor-3'])
      refused.push(await list(beginning, foreign!).catch((error: unknown) => String(error)))
    expect(refused[0]).toBe(refused[1])
    expect(refused[0]).toContain('The cursor is no place in this list')
  })
})
