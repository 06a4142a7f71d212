import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../src/database/database.ts'
import {
  createCycleStore,
  type CycleOutcome,
  type CycleStore,
  type CycleWrite
} from '../../src/issuance/commit/cycle-store.ts'
import type { Intent } from '../../src/records/record-model.ts'
import { intentColumns } from '../../src/records/record-model.ts'
import { newId } from '../../src/sources/identifier.ts'
import { nullsOf } from '../records/nulls.ts'
import { makeCertificationRequest, makeDeviceKey } from '../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let store: CycleStore
/** What does not change from one intent to another. */
let base: Omit<Intent, keyof ReturnType<typeof ownOf>>

const random = (size: number) => new Uint8Array(randomBytes(size))

beforeAll(async () => {
  test = await createTestDatabase()
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path)
  store = createCycleStore(test.database)
  // A released device may come back with its key.
  const { document } = (await issuing.profiles.current('starter')).version
  await issuing.profiles.post({ ...document, reissue: 'supersede', sameKey: 'allow' }, administrator)
  base = {
    ...nullsOf(intentColumns),
    station: issuing.station.name,
    credential: issuing.station.tokenId,
    profileVersionId: (await issuing.profiles.current('starter')).version.id,
    authorityId: issuing.authorities.list()[0]!.id,
    metadata: {},
    requestId: 'test'
  }
})

afterAll(async () => {
  await test.drop()
  await directory.remove()
})

function makeIntent(spkiSha256: Uint8Array, deviceSha256: Uint8Array): Intent {
  return { ...base, ...ownOf(spkiSha256, deviceSha256) }
}

function ownOf(spkiSha256: Uint8Array, deviceSha256: Uint8Array) {
  const createdAt = new Date()
  return {
    id: newId(createdAt, random),
    createdAt,
    serialNumber: Uint8Array.of(1, ...random(15)),
    spkiSha256,
    deviceSha256,
    requestSha256: random(32),
    tbsDer: random(40),
    csrDer: random(30)
  }
}

const commit = async (intent: Intent, through = store): Promise<CycleOutcome> =>
  (await through.commit([{ kind: 'intent', intent }]))[0]!

const certificateOf = ({ id }: Pick<Intent, 'id'>): CycleWrite => ({
  kind: 'certificate',
  certificate: {
    intentId: id,
    certificateDer: random(50),
    certificateId: random(32),
    issuedAt: new Date(),
    thing: null
  }
})
const record = async (intent: Pick<Intent, 'id'>, through = store): Promise<CycleOutcome> =>
  (await through.commit([certificateOf(intent)]))[0]!

const declareVoid = ({ id }: Pick<Intent, 'id'>, { prisma } = test.database) =>
  prisma.$executeRaw`INSERT INTO void VALUES (${id}::uuid, now(), 'admin', 'never recorded')`
const release = ({ id }: Pick<Intent, 'id'>) =>
  test.database.prisma.$executeRaw`INSERT INTO release VALUES (${id}::uuid, now(), 'admin', 'broken board')`

async function occurrencesOf(intent: Intent): Promise<readonly [device: number, key: number | undefined]> {
  const where = { intentId: intent.id }
  const device = await test.database.prisma.certifiedDevice.findFirstOrThrow({ where })
  const key = await test.database.prisma.certifiedKey.findFirst({ where })
  return [device.occurrence, key?.occurrence]
}

describe('a void intent', () => {
  it('frees its device and its key, for the same pair', async () => {
    const [key, device] = [random(32), random(32)]
    const first = makeIntent(key, device)
    await commit(first)
    await declareVoid(first)
    const second = makeIntent(key, device)
    expect(await commit(second)).toMatchObject({ kind: 'durable' })
    expect(await occurrencesOf(second)).toEqual([2, 2])
    expect(await record(second)).toEqual({ kind: 'recorded' })
    expect(await commit(makeIntent(key, device))).toMatchObject({ byKey: second.id, byDevice: second.id })
  })

  it('frees its key for another device, and its device for another key', async () => {
    const [key, device] = [random(32), random(32)]
    const first = makeIntent(key, device)
    await commit(first)
    await declareVoid(first)
    const [otherDevice, otherKey] = [makeIntent(key, random(32)), makeIntent(random(32), device)]
    const outcomes = await store.commit([
      { kind: 'intent', intent: otherDevice },
      { kind: 'intent', intent: otherKey }
    ])
    expect(outcomes).toMatchObject([{ kind: 'durable' }, { kind: 'durable' }])
    expect(await occurrencesOf(otherDevice)).toEqual([1, 2])
    expect(await occurrencesOf(otherKey)).toEqual([2, 1])
    expect(await commit(makeIntent(key, device))).toMatchObject({
      byKey: otherDevice.id,
      byDevice: otherKey.id
    })
  })

  it('lets a device come back with the key that it has had, which stays its own', async () => {
    const [key, device] = [random(32), random(32)]
    const [first, second] = [makeIntent(key, device), makeIntent(random(32), device)]
    await commit(first)
    await record(first)
    await release(first)
    await insertByHand(second, { occurrence: 2, keyOccurrence: 1, succeeds: first })
    await declareVoid(second)
    expect(await commit(makeIntent(key, random(32)))).toMatchObject({ byKey: first.id, byDevice: undefined })
    const third = makeIntent(key, device)
    expect(await commit(third)).toMatchObject({ kind: 'durable' })
    expect(await occurrencesOf(third)).toEqual([3, undefined])
    expect(await commit(makeIntent(key, device))).toMatchObject({ byKey: first.id, byDevice: third.id })
  })

  it('takes no certificate any more', async () => {
    const intent = makeIntent(random(32), random(32))
    const neighbour = makeIntent(random(32), random(32))
    await store.commit([
      { kind: 'intent', intent },
      { kind: 'intent', intent: neighbour }
    ])
    await declareVoid(intent)
    const outcomes = await store.commit([certificateOf(intent), certificateOf(neighbour)])
    expect(outcomes).toEqual([{ kind: 'void' }, { kind: 'recorded' }])
    expect(await record(neighbour)).toEqual({ kind: 'recorded-before' })
  })

  it('is none once it is on record', async () => {
    const intent = makeIntent(random(32), random(32))
    await commit(intent)
    await record(intent)
    await expect(declareVoid(intent)).rejects.toThrow()
  })

  it('lets the station’s next try through, with a new serial number', async () => {
    const key = makeDeviceKey()
    const csr = makeCertificationRequest({ Country: 'US', CommonName: 'void-1' }, key)
    const stuck = await startIssuing(test.database, directory.path, {
      onStep: step => {
        if (step === 'before the signature') throw new Error('the token was pulled out')
      }
    })
    await expect(stuck.issue(csr)).rejects.toThrow()
    const open = await test.database.prisma.intent.findFirstOrThrow({ orderBy: { id: 'desc' } })
    await declareVoid(open)
    const { record: issued, replayed } = await issuing.issue(csr)
    expect(replayed).toBe(false)
    expect(issued.id).not.toBe(open.id)
    expect(issued.serialNumber).not.toBe(Buffer.from(open.serialNumber).toString('hex'))
    expect(await issuing.issue(csr)).toMatchObject({ replayed: true, record: { id: issued.id } })
  })
})

interface ByHand {
  readonly occurrence: number
  readonly keyOccurrence?: number
  readonly succeeds?: Intent
}

/** As a hand at psql would, or a statement that is to come. */
async function insertByHand(
  { id, serialNumber, spkiSha256, deviceSha256 }: Intent,
  { occurrence, keyOccurrence, succeeds }: ByHand
): Promise<void> {
  const bytes = (value: Uint8Array) => Buffer.from(value)
  await test.database.prisma.$transaction(async transaction => {
    const execute = transaction.$executeRaw.bind(transaction)
    await execute`
      INSERT INTO intent (id, created_at, serial_number, spki_sha256, device_sha256, request_sha256, tbs_der, csr_der,
        station, token_id, profile_version_id, authority_id, metadata, request_id)
      VALUES (${id}::uuid, now(), ${bytes(serialNumber)}, ${bytes(spkiSha256)}, ${bytes(deviceSha256)},
        ${bytes(random(32))}, '', '', 'station', ${base.credential}::uuid, ${base.profileVersionId}::uuid,
        ${base.authorityId}::uuid, '{}', '')`
    await execute`INSERT INTO open_intent VALUES (${id}::uuid)`
    if (keyOccurrence !== undefined) {
      await execute`
        INSERT INTO certified_key
        VALUES (${bytes(spkiSha256)}, ${keyOccurrence}, ${bytes(deviceSha256)}, ${id}::uuid)`
    }
    if (succeeds !== undefined)
      await execute`INSERT INTO succession VALUES (${id}::uuid, ${succeeds.id}::uuid)`
    await execute`
      INSERT INTO certified_device VALUES (${bytes(deviceSha256)}, ${occurrence}, ${id}::uuid)`
  })
}

describe('the guards, whatever statement writes', () => {
  const refused = { meta: { driverAdapterError: { cause: { originalCode: '23000' } } } }

  async function makeIssued(): Promise<Intent> {
    const intent = makeIntent(random(32), random(32))
    await commit(intent)
    await record(intent)
    return intent
  }

  it('refuse a second certificate while the first stands', async () => {
    const { deviceSha256 } = await makeIssued()
    const next = makeIntent(random(32), deviceSha256)
    await expect(insertByHand(next, { occurrence: 2, keyOccurrence: 1 })).rejects.toMatchObject(refused)
  })

  it('refuse a gap', async () => {
    const first = await makeIssued()
    await release(first)
    const next = makeIntent(random(32), first.deviceSha256)
    await expect(
      insertByHand(next, { occurrence: 3, keyOccurrence: 1, succeeds: first })
    ).rejects.toMatchObject(refused)
  })

  it('let a released device come back, with the key it has or with a new one', async () => {
    const first = await makeIssued()
    await release(first)
    const second = makeIntent(first.spkiSha256, first.deviceSha256)
    await insertByHand(second, { occurrence: 2, succeeds: first })
    expect(await record(second)).toEqual({ kind: 'recorded' })
    await release(second)
    const third = makeIntent(random(32), first.deviceSha256)
    await insertByHand(third, { occurrence: 3, keyOccurrence: 1, succeeds: second })
  })

  it('refuse a released device the key of another', async () => {
    const [first, other] = [await makeIssued(), await makeIssued()]
    await release(first)
    const next = makeIntent(other.spkiSha256, first.deviceSha256)
    await expect(insertByHand(next, { occurrence: 2, succeeds: first })).rejects.toMatchObject(refused)
    await expect(
      insertByHand(next, { occurrence: 2, keyOccurrence: 2, succeeds: first })
    ).rejects.toMatchObject(refused)
  })

  it('refuse a released device a key that nobody holds for it', async () => {
    const first = await makeIssued()
    await release(first)
    const next = makeIntent(random(32), first.deviceSha256)
    await expect(insertByHand(next, { occurrence: 2, succeeds: first })).rejects.toMatchObject(refused)
  })

  it('let a device of a compromised generation come back', async () => {
    const { prisma } = test.database
    const authority = await prisma.authority.findUniqueOrThrow({ where: { id: base.authorityId } })
    const id = newId(new Date(), random)
    const line = `compromised-${id}`
    await prisma.authority.create({
      data: {
        ...authority,
        signer: authority.signer as object,
        id,
        line,
        name: `${line}-g1`,
        certificateIntentId: null
      }
    })
    const first = { ...makeIntent(random(32), random(32)), authorityId: id }
    await commit(first)
    const next = makeIntent(first.spkiSha256, first.deviceSha256)
    await expect(insertByHand(next, { occurrence: 2, succeeds: first })).rejects.toMatchObject(refused)
    await prisma.authority.update({ where: { id }, data: { state: 'compromised' } })
    await insertByHand(next, { occurrence: 2, succeeds: first })
    // Its key is in use: declaring the first use void would give it away.
    await expect(declareVoid(first)).rejects.toMatchObject(refused)
    await declareVoid(next)
    await declareVoid(first)
  })

  it('refuse to release what is not issued', async () => {
    const intent = makeIntent(random(32), random(32))
    await commit(intent)
    await expect(release(intent)).rejects.toMatchObject(refused)
  })

  it('refuse a certificate without an intent', async () => {
    const { prisma } = test.database
    await expect(
      prisma.$executeRaw`INSERT INTO issued VALUES (${newId(new Date(), random)}::uuid, '', ${Buffer.from(random(32))}, NULL, now())`
    ).rejects.toMatchObject(refused)
  })
})

/** What must hold of all rows, whoever wrote them at the same time as whom. */
const breaches = `
SELECT 'issued and void' AS breach FROM issued JOIN void USING (intent_id)
UNION ALL
SELECT 'open and ended' FROM open_intent JOIN (SELECT intent_id FROM issued UNION SELECT intent_id FROM void) AS ended
  USING (intent_id)
UNION ALL
SELECT 'neither open nor ended' FROM intent
  WHERE id NOT IN (SELECT intent_id FROM open_intent UNION SELECT intent_id FROM issued UNION SELECT intent_id FROM void)
UNION ALL
SELECT 'two certificates of a device' FROM certified_device AS this JOIN certified_device AS later
  ON later.device_sha256 = this.device_sha256 AND later.occurrence > this.occurrence
  WHERE this.intent_id NOT IN (
    SELECT intent_id FROM void UNION SELECT intent_id FROM release
    UNION SELECT intent.id FROM intent JOIN authority ON authority.id = authority_id WHERE state = 'compromised'
  )
UNION ALL
SELECT 'a gap' FROM certified_device GROUP BY device_sha256 HAVING count(*) <> max(occurrence)
UNION ALL
SELECT 'a key of two devices' FROM intent WHERE id NOT IN (SELECT intent_id FROM void)
  GROUP BY spki_sha256 HAVING count(DISTINCT device_sha256) > 1
UNION ALL
SELECT 'an intent without its place' FROM intent WHERE id NOT IN (SELECT intent_id FROM certified_device)`

describe('many processes at once', () => {
  it('never make an intent both issued and void, nor a key or a device doubly held', async () => {
    const databases = Array.from({ length: 3 }, () =>
      createDatabase({ connectionString: test.connectionString, poolSize: 3 })
    )
    const stores = databases.map(createCycleStore)
    const step = fc.record({ key: fc.nat(3), device: fc.nat(3), process: fc.nat(2), end: fc.nat(3) })
    const ends = { issued: 0, void: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async steps => {
        const salt = random(31)
        const digest = (kind: number, value: number) => Uint8Array.of(kind * 16 + value, ...salt)
        await Promise.all(
          steps.map(async ({ key, device, process, end }) => {
            const intent = makeIntent(digest(1, key), digest(2, device))
            const outcome = await commit(intent, stores[process])
            if (outcome.kind !== 'durable') return
            const attempts = [
              ...(end === 0 ? [] : [record(intent, stores[(process + 1) % 3])]),
              ...(end === 1
                ? []
                : [declareVoid(intent, databases[process]).then(() => ({ kind: 'declared' }))]),
              ...(end === 3 ? [record(intent, stores[process])] : [])
            ]
            const results = await Promise.allSettled(attempts)
            const kinds = results.flatMap(result =>
              result.status === 'fulfilled' ? [result.value.kind] : []
            )
            const [issued, ended] = [kinds.includes('recorded'), kinds.includes('declared')]
            expect([issued, ended].filter(Boolean)).toHaveLength(1)
            if (issued) ends.issued++
            else ends.void++
          })
        )
        expect(await test.database.prisma.$queryRawUnsafe(breaches)).toEqual([])
      }),
      { numRuns: 15 }
    )
    expect(Math.min(ends.issued, ends.void)).toBeGreaterThan(5)
    await Promise.all(databases.map(database => database.close()))
  })
})
