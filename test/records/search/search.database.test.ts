import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createCycleStore } from '../../../src/issuance/commit/cycle-store.ts'
import { buildTbsCertificate } from '../../../src/pki/certificate/tbs-certificate.ts'
import { buildName } from '../../../src/pki/name/name.ts'
import type { IssuanceQuery } from '../../../src/records/record.ts'
import { createRefusalStore } from '../../../src/records/refusal-store.ts'
import { createFillStore } from '../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../src/records/search/filling/filling.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { createTestAuthority, deviceContent } from '../../pki/certificate/authority-fixture.ts'
import { changeRows } from '../../support/forgery/forgery.ts'
import { type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing

const authority = createTestAuthority()
const random = (size: number) => new Uint8Array(randomBytes(size))
const second = (count: number) => new Date(Date.UTC(2026, 10, 23, 10, 0, count))

/** Enough that a value becomes one that is shared, and that there are rows of before. */
const count = 700

interface Entry {
  readonly id: string
  readonly kind: 'issued' | 'unknown' | 'rejected'
  readonly station: string
  readonly line: string
  readonly lot: string | null
  readonly commonName: string
  readonly metadata: Readonly<Record<string, string>>
  readonly notAfter: Date
  readonly spkiSha256: Uint8Array
}

const entries: readonly Entry[] = Array.from({ length: count }, (_, index) => {
  const kinds = ['issued', 'issued', 'issued', 'issued', 'issued', 'issued', 'unknown', 'rejected'] as const
  return {
    id: newId(second(index), random),
    kind: kinds[index % 8]!,
    station: `station-${index % 5}`,
    line: index % 5 < 3 ? 'A' : 'B',
    lot: index % 3 === 0 ? null : `lot-${Math.floor(index / 100)}`,
    commonName: `sensor-${String((index * 37) % count).padStart(4, '0')}`,
    metadata: { firmware: '1.4.2', tray: `tray-${index % 40}` },
    notAfter: new Date(Date.UTC(2030, 0, 1 + Math.floor(index / 20))),
    spkiSha256: random(32)
  }
})

const newestFirst = [...entries].reverse()

/** Some things bear the common name, others a name of their own. */
function thingNameOf({ id, kind, commonName }: Entry): string | undefined {
  const index = entries.findIndex(each => each.id === id)
  if (kind !== 'issued' || index % 3 === 0) return undefined
  return index % 3 === 1 ? commonName : `thing-of-${commonName}`
}

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  await Promise.all([writeIntents(), writeRefusals()])
  await nameLots()
  await fillAll()
}, 120_000)

/** A search wants to know that all was filled in within the last minute. */
beforeEach(fillAll)

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

const resetAll = () => test.database.prisma.$queryRaw`SELECT reset_search()::text`

async function fillAll() {
  const clock = () => new Date()
  const filling = createFilling({ store: createFillStore(test.database), clock, batchSize: 100 })
  while (await filling.step());
}

async function writeIntents() {
  const { version } = await issuing.profiles.current('starter')
  const { id: authorityId } = await test.database.prisma.authority.findFirstOrThrow()
  const store = createCycleStore(test.database)
  for (const [index, entry] of entries.entries()) {
    if (entry.kind === 'rejected') continue
    const { id, station, line, metadata, spkiSha256, commonName, notAfter } = entry
    const content = deviceContent(authority)
    const tbsDer = buildTbsCertificate({
      ...content,
      subjectNameDer: buildName({ CommonName: commonName, Organization: 'Acme' }),
      notAfter
    })
    const intent = {
      ...{ id, station, line, lot: null, metadata, spkiSha256, tbsDer, site: null, stationSubject: null },
      ...{ createdAt: second(index), serialNumber: Uint8Array.of(1, ...random(15)), mes: null },
      ...{ deviceSha256: random(32), requestSha256: random(32), csrDer: random(300), requestId: 'test' },
      ...{ credential: issuing.station.tokenId, profileVersionId: version.id, authorityId }
    }
    const [outcome] = await store.commit([{ kind: 'intent', intent }])
    expect(outcome).toMatchObject({ kind: 'durable' })
    if (entry.kind === 'unknown') continue
    const certificateDer = random(500)
    const certificateId = new Uint8Array(createHash('sha256').update(certificateDer).digest())
    const thing = thingNameOf(entry)
    const nothingElse = { attributes: {}, thingTypeName: null, thingGroups: [], billingGroup: null }
    const predicted = thing === undefined ? null : { thingName: thing, ...nothingElse }
    const certificate = {
      intentId: id,
      certificateDer,
      certificateId,
      issuedAt: second(index),
      thing: predicted
    }
    await store.commit([{ kind: 'certificate', certificate }])
  }
}

/** Lots of issuances, as if there had been such lots, with places. */
function nameLots() {
  const named = entries.filter(({ kind, lot }) => kind !== 'rejected' && lot !== null)
  return changeRows(
    test.owner,
    named.map(({ id, lot }) => ({ table: 'intent', id, columns: { lot } }))
  )
}

async function writeRefusals() {
  const rows = entries
    .filter(({ kind }) => kind === 'rejected')
    .map(({ id, station, line, lot, metadata, commonName }) => ({
      ...{
        id,
        station,
        line,
        lot,
        metadata,
        stationSubject: { CommonName: commonName, Organization: 'Acme' }
      },
      ...{ createdAt: second(entries.findIndex(each => each.id === id)), code: 'subject_refused' as const },
      ...{ detail: 'Refused.', violations: [], bodyLength: null, bodySha256: null, withheld: null },
      ...{ csr: random(300), site: null, credential: issuing.station.tokenId, profile: 'starter' },
      ...{ profileVersion: 1, authority: 'starter-g1', requestId: 'test' }
    }))
  await createRefusalStore(test.database).commit(rows)
}

type Conditions = Omit<IssuanceQuery, 'limit' | 'cursor'>

/** All ids, page by page. */
async function idsOf(query: Conditions, limit = 90): Promise<readonly string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await issuing.records.list({ ...query, limit, ...(cursor !== undefined && { cursor }) })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.nextCursor
  } while (cursor !== undefined && ids.length <= 2 * count)
  return ids
}

const commonName = (value: string, isPrefix = false) => ({ name: 'CommonName', value, isPrefix }) as const
const thingName = (value: string, isPrefix = false) => ({ name: 'thingName', value, isPrefix }) as const
const organization = { name: 'Organization', value: 'Acme', isPrefix: false } as const
const metadata = (value: string, isPrefix = false) => ({ name: 'metadata', value, isPrefix }) as const
const isKind = (kind: Entry['kind']) => (entry: Entry) => entry.kind === kind
const notRejected = ({ kind }: Entry) => kind !== 'rejected'
const someExpiry = new Date(Date.UTC(2030, 0, 11))

/** What is asked, and which entries that are: pairs of these are tried too. */
const conditions: readonly (readonly [string, Conditions, (entry: Entry) => boolean])[] = [
  ['a station', { station: 'station-3' }, ({ station }) => station === 'station-3'],
  ['lines that a token is held to', { lines: ['B'] }, ({ line }) => line === 'B'],
  ['a line', { line: 'A' }, ({ line }) => line === 'A'],
  ['a lot', { lot: 'lot-2' }, ({ lot }) => lot === 'lot-2'],
  [
    'how stations and lots begin',
    { beginnings: { station: 'station-', lot: 'lot' } },
    ({ station, lot }) => station.startsWith('station-') && lot?.startsWith('lot') === true
  ],
  ['issued', { state: 'issued' }, isKind('issued')],
  ['unknown', { state: 'unknown' }, isKind('unknown')],
  ['refused', { state: 'refused' }, isKind('rejected')],
  ['held', { state: 'held' }, () => false],
  ['a code', { code: 'subject_refused' }, isKind('rejected')],
  ['an outcome', { outcome: 'issued' }, isKind('issued')],
  ['a profile', { profile: 'starter', profileVersion: 1 }, () => true],
  ['an authority', { authority: 'starter-g1' }, () => true],
  ['a time', { from: second(100), to: second(300) }, entry => isBetween(entry, 100, 300)],
  ['an end before', { expiresBefore: someExpiry }, each => notRejected(each) && each.notAfter < someExpiry],
  ['an end from', { expiresAfter: someExpiry }, each => notRejected(each) && each.notAfter >= someExpiry]
]

/** Of values; each is tried with each of the conditions. */
const values: readonly (readonly [string, Conditions, (entry: Entry) => boolean])[] = [
  ['one record’s value', { terms: [commonName('sensor-0037')] }, each => each.commonName === 'sensor-0037'],
  ['a thing’s name', { terms: [thingName('sensor-0037')] }, each => thingNameOf(each) === 'sensor-0037'],
  [
    'a thing’s name of its own',
    { terms: [thingName('thing-of-sensor-0074')] },
    each => thingNameOf(each) === 'thing-of-sensor-0074'
  ],
  ['a value of all', { terms: [organization] }, () => true],
  ['a value of some', { terms: [metadata('tray:tray-7')] }, each => each.metadata['tray'] === 'tray-7'],
  [
    'a value of some and one of all',
    { terms: [metadata('tray:tray-7'), metadata('firmware:1.4.2'), organization] },
    each => each.metadata['tray'] === 'tray-7'
  ],
  ['a value of none', { terms: [commonName('sensor')] }, () => false]
]

/** The value that begins so, by which these are sorted. */
const beginnings: readonly (readonly [string, Conditions, (entry: Entry) => string | undefined])[] = [
  [
    'of a hundred',
    { terms: [commonName('sensor-01', true)] },
    each => beginning(each.commonName, 'sensor-01')
  ],
  [
    'of the names that things have of their own',
    { terms: [thingName('thing-of-sensor-0', true)] },
    each => beginning(thingNameOf(each) ?? '', 'thing-of-sensor-0')
  ],
  [
    'of things',
    { terms: [thingName('sensor-', true)] },
    each => beginning(thingNameOf(each) ?? '', 'sensor-')
  ],
  ['of all', { terms: [metadata('firmware:1.', true)] }, () => '1.4.2'],
  ['of all, with a value of all', { terms: [organization, metadata('firmware:1.', true)] }, () => '1.4.2'],
  [
    'with a value of some',
    { terms: [commonName('sensor-', true), metadata('tray:tray-7')] },
    each => (each.metadata['tray'] === 'tray-7' ? each.commonName : undefined)
  ],
  ['of none', { terms: [commonName('gateway', true)] }, () => undefined]
]

const beginning = (value: string, start: string) => (value.startsWith(start) ? value : undefined)

const keyOf = (value: string, { id }: Entry) => `${value} ${id}`

function isBetween(entry: Entry, from: number, to: number) {
  const index = entries.indexOf(entry)
  return index >= from && index < to
}

describe('a search', () => {
  // For what was not looked for during a minute, a search is refused: a slow machine takes longer for all of these.
  beforeEach(fillAll)

  it('shares the value that masses of records have, and no other', async () => {
    const shared = await test.database.prisma.searchValue.findMany({ select: { value: true } })
    expect(shared.map(({ value }) => value).sort()).toEqual(['Acme', 'firmware:1.4.2'])
  })

  for (const [name, query, isMeant] of [...conditions, ...values]) {
    it(`finds by ${name} what a look at each record does`, async () => {
      expect(await idsOf(query)).toEqual(newestFirst.filter(isMeant).map(({ id }) => id))
    })
  }

  for (const [name, one, isOne] of conditions) {
    it(`finds by ${name} and any other what a look at each record does`, async () => {
      for (const [otherName, other, isOther] of [...conditions, ...values]) {
        // Of a parameter that both have, only one can be asked for.
        if (Object.keys(one).some(parameter => parameter in other)) continue
        const meant = newestFirst.filter(each => isOne(each) && isOther(each)).map(({ id }) => id)
        expect(await idsOf({ ...one, ...other }), otherName).toEqual(meant)
      }
    })
  }

  for (const [name, one, valueOf] of beginnings) {
    it(`goes by the value that begins so: ${name}`, async () => {
      for (const [otherName, other, isOther] of [['no other', {}, () => true] as const, ...conditions]) {
        const sorted = entries
          .filter(each => valueOf(each) !== undefined && isOther(each))
          .sort((left, right) => (keyOf(valueOf(left)!, left) < keyOf(valueOf(right)!, right) ? -1 : 1))
        expect(await idsOf({ ...one, ...other }), otherName).toEqual(sorted.map(({ id }) => id))
      }
    })
  }

  it('finds what was asked for with a key', async () => {
    const { id, spkiSha256 } = entries[0]!
    expect(await idsOf({ spkiSha256: Buffer.from(spkiSha256).toString('hex') })).toEqual([id])
  })

  it('is refused for a cursor that has no place in the order', async () => {
    const query = { terms: [commonName('sensor-01', true)], limit: 10, cursor: newId(second(1), random) }
    await expect(issuing.records.list(query)).rejects.toMatchObject({ code: 'request_invalid' })
  })
})

describe('what is counted', () => {
  const tallies = async () =>
    test.database.prisma.issuanceTally.findMany({ orderBy: [{ quarter: 'asc' }, { facetId: 'asc' }] })

  it('counts each record once', async () => {
    const counts = (await tallies()).map(tally => tally.count)
    expect(counts.reduce((sum, each) => sum + each)).toBe(count)
    await fillAll()
    expect((await tallies()).map(tally => tally.count)).toEqual(counts)
  })

  it('is the same after several fill at once', async () => {
    const before = await tallies()
    await resetAll()
    await Promise.all([fillAll(), fillAll(), fillAll()])
    const sum = (list: typeof before) => list.reduce((total, each) => total + each.count, 0)
    expect(sum(await tallies())).toBe(sum(before))
    expect(await test.database.prisma.issuanceSearch.count()).toBe(count)
    expect(await idsOf({ terms: [organization], station: 'station-3' })).toEqual(
      newestFirst.filter(({ station }) => station === 'station-3').map(({ id }) => id)
    )
  })

  it('tells how many facets have values, of a kind with many of which none are in facets', async () => {
    const { prisma } = test.database
    const [progress] = await prisma.searchProgress.findMany()
    const facets = await prisma.$queryRaw<
      { values: number[] }[]
    >`SELECT value_ids AS values FROM search_facet`
    expect(progress!.valuedFacets).toBe(facets.filter(({ values }) => values.length > 0).length)
    expect(progress!.valuedFacets).toBeGreaterThan(0)
    // More organizations than facets are made for: those of the next filling stand in rows, and are found.
    await resetAll()
    await prisma.searchValue.createMany({
      data: Array.from({ length: 17 }, (_, number) => ({ name: 2, value: `other ${number}` }))
    })
    await fillAll()
    expect(await prisma.searchValue.count({ where: { name: 2 } })).toBe(17)
    expect(await idsOf({ terms: [organization], station: 'station-3' })).toHaveLength(count / 5)
    await resetAll()
    await fillAll()
  })

  it('is not filled in: then what it alone knows is refused, and the rest is found', async () => {
    await resetAll()
    await expect(idsOf({ state: 'issued' })).rejects.toMatchObject({ code: 'search_behind' })
    expect(await idsOf({ station: 'station-3' })).toHaveLength(count / 5)
    await fillAll()
  })

  it('follows an end', async () => {
    const { id } = entries.find(({ kind }) => kind === 'unknown')!
    await test.database.prisma.$executeRaw`
      WITH closed AS (DELETE FROM open_intent WHERE intent_id = ${id}::uuid)
      INSERT INTO void (intent_id, created_at, actor, reason) VALUES (${id}::uuid, now(), 'admin/test', 'test')`
    // Today's filters do not wait.
    expect(await idsOf({ outcome: 'void' })).toEqual([id])
    await fillAll()
    expect(await idsOf({ state: 'void' })).toEqual([id])
    expect(await idsOf({ state: 'unknown' })).not.toContain(id)
    const counts = (await tallies()).reduce((sum, each) => sum + each.count, 0)
    expect(counts).toBe(count)
  })

  it('forgets what a purge blanks', async () => {
    const { id, commonName: name } = entries.find(({ kind }) => kind === 'rejected')!
    expect(await idsOf({ terms: [commonName(name)] })).toEqual([id])
    await test.database.prisma.$queryRaw`SELECT purge_refusal(${id}::uuid, now(), 'admin/test', 'test')::text`
    expect(await idsOf({ terms: [commonName(name)] })).toEqual([])
    await fillAll()
    expect(await idsOf({ terms: [organization], state: 'refused' })).not.toContain(id)
    expect(await idsOf({ state: 'refused' })).toContain(id)
  })
})
