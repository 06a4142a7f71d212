import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/database.ts'
import {
  createCycleStore,
  type CycleOutcome,
  type CycleStore
} from '../../src/issuance/commit/cycle-store.ts'
import type { Intent } from '../../src/records/record-model.ts'
import { intentColumns } from '../../src/records/record-model.ts'
import { newId } from '../../src/sources/identifier.ts'
import { starterProfile } from '../../src/starter/starter-profile.ts'
import { nullsOf } from '../records/nulls.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let base: Intent

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

/** What every intent of these tests shares: the rules as they are now. */
beforeEach(async () => {
  const { version } = await issuing.profiles.current('starter')
  base = {
    ...nullsOf(intentColumns),
    id: '',
    createdAt: new Date(),
    serialNumber: new Uint8Array(),
    spkiSha256: new Uint8Array(),
    deviceSha256: new Uint8Array(),
    requestSha256: random(32),
    tbsDer: random(400),
    csrDer: random(300),
    station: issuing.station.name,
    credential: issuing.station.tokenId,
    profileVersionId: version.id,
    authorityId: issuing.authorities.list()[0]!.id,
    metadata: { fixture: 'A "quoted" {value}, with \\ and a line\nbreak' },
    requestId: 'test'
  }
})

const random = (size: number) => new Uint8Array(randomBytes(size))

function makeIntent(changes: Partial<Intent> = {}): Intent {
  return {
    ...base,
    id: newId(base.createdAt, random),
    serialNumber: Uint8Array.of(1, ...random(15)),
    spkiSha256: random(32),
    deviceSha256: random(32),
    ...changes
  }
}

const commitTo = (store: CycleStore, intents: readonly Intent[]) =>
  store.commit(intents.map(intent => ({ kind: 'intent', intent })))
const commit = (intents: readonly Intent[]) => commitTo(createCycleStore(test.database), intents)
const kinds = (outcomes: readonly CycleOutcome[]) => outcomes.map(({ kind }) => kind)

describe('a group of intents', () => {
  it('is committed whole, and comes back as it went in', async () => {
    const key = random(32)
    const intents = [makeIntent(), makeIntent({ spkiSha256: key, deviceSha256: key })]
    expect(kinds(await commit(intents))).toEqual(['durable', 'durable'])
    for (const { id, tbsDer, metadata, deviceSha256 } of intents) {
      const row = await test.database.prisma.intent.findUniqueOrThrow({ where: { id } })
      expect(Buffer.from(row.tbsDer)).toEqual(Buffer.from(tbsDer))
      expect(row.metadata).toEqual(metadata)
      expect(row.deviceSha256 === null).toBe(deviceSha256 === undefined)
    }
  })

  it('has losers that hurt no neighbour', async () => {
    const earlier = makeIntent()
    await commit([earlier])
    const outcomes = await commit([
      makeIntent(),
      makeIntent({ spkiSha256: earlier.spkiSha256 }),
      makeIntent({ deviceSha256: earlier.deviceSha256 }),
      makeIntent()
    ])
    expect(outcomes).toEqual([
      expect.objectContaining({ kind: 'durable' }),
      { kind: 'taken', byKey: earlier.id, byDevice: undefined },
      { kind: 'taken', byKey: undefined, byDevice: earlier.id },
      expect.objectContaining({ kind: 'durable' })
    ])
  })

  it('that wants one key or device several times gives it to the first', async () => {
    const [key, device] = [random(32), random(32)]
    const first = makeIntent({ spkiSha256: key, deviceSha256: device })
    const outcomes = await commit([
      first,
      makeIntent({ spkiSha256: key }),
      makeIntent({ deviceSha256: device }),
      makeIntent({ spkiSha256: key, deviceSha256: device })
    ])
    expect(kinds(outcomes)).toEqual(['durable', 'taken', 'taken', 'taken'])
  })

  it('lets a request win that only a loser stood in the way of', async () => {
    const [device, contested] = [random(32), random(32)]
    const outcomes = await commit([
      makeIntent({ deviceSha256: device }),
      makeIntent({ deviceSha256: device, spkiSha256: contested }),
      makeIntent({ spkiSha256: contested })
    ])
    expect(kinds(outcomes)).toEqual(['durable', 'taken', 'durable'])
  })
})

describe('a group of both halves', () => {
  const certificateOf = ({ id }: Intent) => ({
    kind: 'certificate' as const,
    certificate: {
      intentId: id,
      certificateDer: random(500),
      certificateId: random(32),
      issuedAt: new Date(),
      thing: null
    }
  })

  it('answers each write in its place', async () => {
    const [first, second, third] = [makeIntent(), makeIntent(), makeIntent()]
    await commit([first, second])
    const store = createCycleStore(test.database)
    await store.commit([certificateOf(first)])
    const outcomes = await store.commit([
      { kind: 'intent', intent: third },
      certificateOf(first),
      { kind: 'intent', intent: makeIntent({ spkiSha256: first.spkiSha256 }) },
      certificateOf(second)
    ])
    expect(kinds(outcomes)).toEqual(['durable', 'recorded-before', 'taken', 'recorded'])
  })

  it('closes the intents whose certificates it records, and opens the new ones', async () => {
    const { prisma } = test.database
    const [earlier, later] = [makeIntent(), makeIntent()]
    await commit([earlier])
    await createCycleStore(test.database).commit([certificateOf(earlier), { kind: 'intent', intent: later }])
    expect(await prisma.openIntent.count({ where: { intentId: earlier.id } })).toBe(0)
    expect(await prisma.openIntent.count({ where: { intentId: later.id } })).toBe(1)
  })

  it('keeps the first certificate of an intent', async () => {
    const intent = makeIntent()
    await commit([intent])
    const [first, second] = [certificateOf(intent), certificateOf(intent)]
    const store = createCycleStore(test.database)
    expect(kinds(await store.commit([first]))).toEqual(['recorded'])
    expect(kinds(await store.commit([second]))).toEqual(['recorded-before'])
    const row = await test.database.prisma.issued.findUniqueOrThrow({ where: { intentId: intent.id } })
    expect(Buffer.from(row.certificateDer)).toEqual(Buffer.from(first.certificate.certificateDer))
  })
})

describe('the rules', () => {
  it('of a superseded profile no longer make intents', async () => {
    const old = makeIntent()
    await issuing.profiles.post({ ...starterProfile, description: `changed ${old.id}` }, administrator)
    expect(await commit([old])).toEqual([{ kind: 'outdated', reason: 'profile' }])
    expect(await test.database.prisma.intent.count({ where: { id: old.id } })).toBe(0)
  })

  it('refuse a token that is revoked, whatever else is wrong', async () => {
    const { token } = await issuing.tokens.create({ role: 'station', name: 'gone' }, administrator)
    await issuing.tokens.revoke(token.id, administrator)
    const earlier = makeIntent()
    await commit([earlier])
    const outcomes = await commit([
      makeIntent({ credential: token.id }),
      makeIntent({ credential: token.id, spkiSha256: earlier.spkiSha256 })
    ])
    expect(outcomes).toEqual([
      { kind: 'outdated', reason: 'token' },
      { kind: 'outdated', reason: 'token' }
    ])
  })

  it('let no intent name an authority once its state has changed', async () => {
    const { prisma } = test.database
    const setState = (state: 'active' | 'retiring') =>
      prisma.authority.update({ where: { id: base.authorityId }, data: { state } })
    const underWay = Array.from({ length: 20 }, () => commit([makeIntent()]))
    await setState('retiring')
    const before = await prisma.intent.count()
    expect(await commit([makeIntent()])).toEqual([{ kind: 'outdated', reason: 'authority' }])
    const outcomes = (await Promise.all(underWay)).flat()
    expect(await prisma.intent.count()).toBe(before)
    expect(new Set(kinds(outcomes)).has('taken')).toBe(false)
    await setState('active')
  })
})

describe('many processes at once', () => {
  it('give every key and device to one intent', async () => {
    const databases = Array.from({ length: 3 }, () =>
      createDatabase({ connectionString: test.connectionString, poolSize: 2 })
    )
    const stores = databases.map(createCycleStore)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.nat(5), device: fc.nat(5), process: fc.nat(2) }), {
          minLength: 1,
          maxLength: 30
        }),
        async claims => {
          const salt = random(31)
          const digest = (kind: number, value: number) => Uint8Array.of(kind * 16 + value, ...salt)
          const groups = stores.map((_, process) =>
            claims
              .filter(claim => claim.process === process)
              .map(({ key, device }) =>
                makeIntent({ spkiSha256: digest(1, key), deviceSha256: digest(2, device) })
              )
          )
          const outcomes = await Promise.all(
            stores.map((store, process) => commitTo(store, groups[process]!))
          )
          const won = groups.flatMap((group, process) =>
            group.filter((_, index) => outcomes[process]![index]!.kind === 'durable')
          )
          const distinct = (digests: readonly (Uint8Array | undefined)[]) =>
            new Set(digests.map(digest => Buffer.from(digest!).toString('hex'))).size
          expect(won.length).toBeGreaterThan(0)
          expect(distinct(won.map(({ spkiSha256 }) => spkiSha256))).toBe(won.length)
          expect(distinct(won.map(({ deviceSha256 }) => deviceSha256))).toBe(won.length)
        }
      ),
      { numRuns: 25 }
    )
    await Promise.all(databases.map(database => database.close()))
  })
})
