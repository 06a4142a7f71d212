import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCycleStore } from '../../src/issuance/commit/cycle-store.ts'
import { buildTbsCertificate } from '../../src/pki/certificate/tbs-certificate.ts'
import type { IssuanceQuery, Outcome } from '../../src/records/record.ts'
import { intentColumns, refusalColumns } from '../../src/records/record-model.ts'
import { createRefusalStore } from '../../src/records/refusal-store.ts'
import { newId } from '../../src/sources/identifier.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { createTestAuthority, deviceContent } from '../pki/certificate/authority-fixture.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { nullsOf } from './nulls.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing

const random = (size: number) => new Uint8Array(randomBytes(size))
const minute = (count: number) => new Date(Date.UTC(2026, 10, 23, 10, count))
const tbsDer = buildTbsCertificate(deviceContent(createTestAuthority()))

interface Entry {
  readonly outcome: Outcome
  readonly station?: string
  readonly profile?: string
  /** Null: refused before there was one. */
  readonly authority?: string | null
}

/** What is on record, one a minute from minute 0 on. What an entry does not say is line-1, starter and starter-g1. */
const entries: readonly Entry[] = [
  { outcome: 'issued' },
  { outcome: 'rejected' },
  { outcome: 'unknown' },
  { outcome: 'issued', station: 'line-2' },
  { outcome: 'rejected', station: 'line-2' },
  { outcome: 'issued', profile: 'other' },
  { outcome: 'rejected', profile: 'other' },
  { outcome: 'issued', authority: 'other-g1' },
  { outcome: 'rejected', authority: 'other-g1' },
  { outcome: 'rejected', profile: 'mistyped', authority: null },
  { outcome: 'unknown', station: 'line-2', profile: 'other' }
]
const newestFirst = entries.map((_, index) => index).reverse()

const written = entries.map((_, index) => {
  const certificateDer = random(500)
  return {
    id: newId(minute(index), random),
    serialNumber: Uint8Array.of(1, ...random(15)),
    certificateDer,
    certificateId: new Uint8Array(createHash('sha256').update(certificateDer).digest())
  }
})

const idOf = (index: number) => written[index]!.id
const serialNumberOf = (index: number) => Buffer.from(written[index]!.serialNumber).toString('hex')
const certificateIdOf = (index: number) => Buffer.from(written[index]!.certificateId).toString('hex')

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  const authorities = await makeOtherAuthority()
  await issuing.profiles.post({ ...starterProfile, name: 'other' }, administrator)
  for (const [index, entry] of entries.entries()) {
    if (entry.outcome === 'rejected') await writeRefusal(index, entry)
    else await writeIntent(index, entry, authorities)
    // A profile's entries belong together, whichever version they were made under.
    if (index === 0)
      await issuing.profiles.post({ ...starterProfile, description: 'version 2' }, administrator)
  }
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

/** A second line with the same key; returns the ids of both by name. */
async function makeOtherAuthority(): Promise<ReadonlyMap<string, string>> {
  const { prisma } = test.database
  const starter = await prisma.authority.findFirstOrThrow()
  const id = newId(minute(0), random)
  const signer = starter.signer as object
  await prisma.authority.create({
    data: { ...starter, id, name: 'other-g1', line: 'other', signer, certificateIntentId: null }
  })
  return new Map([
    [starter.name, starter.id],
    ['other-g1', id]
  ])
}

async function writeIntent(index: number, entry: Entry, authorities: ReadonlyMap<string, string>) {
  const { station = 'line-1', profile = 'starter', authority = 'starter-g1' } = entry
  const { id, serialNumber, certificateDer, certificateId } = written[index]!
  const { version } = await issuing.profiles.current(profile)
  const intent = {
    ...nullsOf(intentColumns),
    id,
    createdAt: minute(index),
    serialNumber,
    spkiSha256: random(32),
    deviceSha256: random(32),
    requestSha256: random(32),
    tbsDer,
    csrDer: random(300),
    station,
    credential: issuing.station.tokenId,
    profileVersionId: version.id,
    authorityId: authorities.get(authority!)!,
    metadata: {},
    requestId: 'test'
  }
  const store = createCycleStore(test.database)
  const [outcome] = await store.commit([{ kind: 'intent', intent }])
  expect(outcome).toMatchObject({ kind: 'durable' })
  if (entry.outcome === 'unknown') return
  const certificate = {
    intentId: id,
    certificateDer,
    certificateId,
    issuedAt: minute(index),
    thing: null
  }
  await store.commit([{ kind: 'certificate', certificate }])
}

async function writeRefusal(index: number, entry: Entry) {
  const { station = 'line-1', profile = 'starter', authority = 'starter-g1' } = entry
  await createRefusalStore(test.database).commit([
    {
      ...nullsOf(refusalColumns),
      id: idOf(index),
      createdAt: minute(index),
      code: 'subject_refused',
      detail: 'One field is refused.',
      violations: [],
      csr: random(300),
      station,
      credential: issuing.station.tokenId,
      profile,
      profileVersion: authority === null ? null : 1,
      authority,
      metadata: {},
      requestId: 'test'
    }
  ])
}

/** The entries of each page, as the indexes they have above, from the first page to the last. */
async function pagesOf(query: Omit<IssuanceQuery, 'cursor'>): Promise<number[][]> {
  const pages: number[][] = []
  let cursor: string | undefined
  do {
    const page = await issuing.records.list({ ...query, ...(cursor !== undefined && { cursor }) })
    pages.push(page.items.map(({ id }) => written.findIndex(row => row.id === id)))
    cursor = page.nextCursor
  } while (cursor !== undefined && pages.length <= entries.length)
  return pages
}

function inPagesOf(limit: number, list: readonly number[]): number[][] {
  const pages: number[][] = []
  for (let start = 0; start < list.length; start += limit) pages.push(list.slice(start, start + limit))
  return pages.length === 0 ? [[]] : pages
}

const allowed = (condition: (entry: Entry) => boolean) =>
  newestFirst.filter(index => condition(entries[index]!))

type Conditions = Omit<IssuanceQuery, 'limit'>

const queries: readonly (readonly [string, Conditions, readonly number[]])[] = [
  ['nothing', {}, newestFirst],
  ['a station', { station: 'line-2' }, [10, 4, 3]],
  ['a profile, in all its versions', { profile: 'starter' }, [8, 7, 4, 3, 2, 1, 0]],
  ['another profile', { profile: 'other' }, [10, 6, 5]],
  ['a profile that never was', { profile: 'mistyped' }, [9]],
  ['an authority', { authority: 'other-g1' }, [8, 7]],
  ['another authority', { authority: 'starter-g1' }, [10, 6, 5, 4, 3, 2, 1, 0]],
  ['what was issued', { outcome: 'issued' }, allowed(({ outcome }) => outcome === 'issued')],
  ['what was rejected', { outcome: 'rejected' }, allowed(({ outcome }) => outcome === 'rejected')],
  ['what is unknown', { outcome: 'unknown' }, allowed(({ outcome }) => outcome === 'unknown')],
  ['the serial number of a certificate', { serialNumber: serialNumberOf(3) }, [3]],
  ['the serial number of an open intent', { serialNumber: serialNumberOf(2) }, [2]],
  ['a serial number that was never drawn', { serialNumber: '01' }, []],
  ['a certificate', { certificateId: certificateIdOf(5) }, [5]],
  ['a certificate that never was', { certificateId: 'ab'.repeat(32) }, []],
  ['an intent on, the first included', { from: minute(7) }, [10, 9, 8, 7]],
  ['a refusal on, the first included', { from: minute(8) }, [10, 9, 8]],
  ['before an intent, the last excluded', { to: minute(2) }, [1, 0]],
  ['before a refusal, the last excluded', { to: minute(1) }, [0]],
  ['a span of time', { from: minute(1), to: minute(5) }, [4, 3, 2, 1]],
  ['an empty span of time', { from: minute(5), to: minute(5) }, []],
  ['a page in a span that ends before it', { cursor: idOf(9), to: minute(2) }, [1, 0]],
  [
    'a page in a span that ends before it, by a cursor in capitals',
    { cursor: idOf(9).toUpperCase(), to: minute(2) },
    [1, 0]
  ],
  ['a page in a span that ends after it', { cursor: idOf(2), to: minute(9) }, [1, 0]],
  ['a page in a span that begins before it', { cursor: idOf(4), from: minute(2) }, [3, 2]],
  ['a station and an outcome', { station: 'line-2', outcome: 'issued' }, [3]],
  ['a station and a profile', { station: 'line-2', profile: 'other' }, [10]],
  ['a station and a time', { station: 'line-2', to: minute(10) }, [4, 3]],
  ['a profile and an outcome', { profile: 'other', outcome: 'rejected' }, [6]],
  ['an authority and an outcome', { authority: 'other-g1', outcome: 'rejected' }, [8]],
  ['a serial number and its own station', { serialNumber: serialNumberOf(3), station: 'line-2' }, [3]],
  ['a serial number and another station', { serialNumber: serialNumberOf(3), station: 'line-1' }, []],
  ['the serial number of one and the certificate of another', idsOf(3, 5), []],
  ['the serial number and the certificate of one', idsOf(5, 5), [5]],
  ['a serial number among refusals', { serialNumber: serialNumberOf(3), outcome: 'rejected' }, []],
  ['a certificate among refusals', { certificateId: certificateIdOf(3), outcome: 'rejected' }, []],
  ['a certificate among open intents', { certificateId: certificateIdOf(3), outcome: 'unknown' }, []]
]

function idsOf(serialNumberIndex: number, certificateIndex: number): Conditions {
  return {
    serialNumber: serialNumberOf(serialNumberIndex),
    certificateId: certificateIdOf(certificateIndex)
  }
}

describe('a list of what is on record', () => {
  it.each(queries)('asked for %s, has just that, newest first', async (_, conditions, expected) => {
    const { items, nextCursor } = await issuing.records.list({ ...conditions, limit: entries.length })
    expect(items.map(({ id }) => written.findIndex(row => row.id === id))).toEqual(expected)
    expect(nextCursor).toBeUndefined()
  })

  it('tells of each entry what a look at it alone tells', async () => {
    const { items } = await issuing.records.list({ limit: entries.length })
    expect(items.map(({ outcome }) => outcome)).toEqual(newestFirst.map(index => entries[index]!.outcome))
    for (const item of items) expect(await issuing.records.find(item.id)).toEqual(item)
  })
})

describe('the pages of a list', () => {
  it.each([1, 2, 3, 4, 10, 11, 12])('of %i entries lose none and show none twice', async limit => {
    expect(await pagesOf({ limit })).toEqual(inPagesOf(limit, newestFirst))
  })

  it.each(queries.filter(([, { cursor }]) => cursor === undefined))(
    'hold to their conditions: %s',
    async (_, conditions, expected) => {
      expect(await pagesOf({ ...conditions, limit: 1 })).toEqual(inPagesOf(1, expected))
      expect(await pagesOf({ ...conditions, limit: 2 })).toEqual(inPagesOf(2, expected))
    }
  )
})
