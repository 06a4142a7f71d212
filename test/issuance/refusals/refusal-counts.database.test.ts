import { hash, randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ErrorCode, isMintlineError, type MintlineError } from '../../../src/errors/mintline-error.ts'
import type { RefusalCount } from '../../../src/records/refusal-counts/refusal-count.ts'
import { createRefusalCountStore } from '../../../src/records/refusal-counts/refusal-count-store.ts'
import { newId } from '../../../src/sources/identifier.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../support/certification-request.ts'
import { administrator, type Issuing, startIssuing } from '../../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

let test: TestDatabase
let directory: TemporaryDirectory
let issuing: Issuing
let now: number
let isReserve: boolean

/** A process with windows and limits of its own, on a database of its own. */
beforeEach(async () => {
  test = await createTestDatabase()
  now = 0
  isReserve = false
  issuing = await startIssuing(test.database, directory.path, {
    stopwatch: () => now,
    storageReserve: () => isReserve
  })
})
afterEach(() => test.drop())
beforeAll(async () => {
  directory = await createTemporaryDirectory()
})
afterAll(() => directory.remove())

async function refused(attempt: Promise<unknown>, code: ErrorCode = 'csr_malformed'): Promise<MintlineError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  if (!isMintlineError(error, code)) throw new Error(`no ${code}`, { cause: error })
  return error
}

const idOf = (error: MintlineError) => error.members['issuanceId']
const countOnRecord = () => test.database.prisma.refusal.count()

/** What is counted, after the end of the process, which writes it. */
async function counted(): Promise<readonly RefusalCount[]> {
  await issuing.core.stops.disposeAsync()
  return (await issuing.refusalCounts.list({ limit: 1_000 })).items
}
const sumOf = (rows: readonly RefusalCount[]) => rows.reduce((sum, { count }) => sum + count, 0)

async function sizeOf(...tables: readonly string[]): Promise<number> {
  const [row] = await test.owner.prisma.$queryRawUnsafe<{ size: bigint }[]>(
    `SELECT sum(pg_total_relation_size(oid)) AS size FROM pg_class WHERE relname ~ '^(${tables.join('|')})(_\\d{4}_\\d\\d)?$'`
  )
  return Number(row!.size)
}

describe('the same refusal again', () => {
  it('is told truly a thousand times, and recorded once with 4 KiB of it', async () => {
    const garbage = randomBytes(65_000)
    const before = await sizeOf('refusal', 'refusal_count')
    const began = performance.now()
    const first = await refused(issuing.issue(garbage), 'csr_too_large')
    for (let i = 1; i < 1_000; i++) {
      const again = await refused(issuing.issue(garbage), 'csr_too_large')
      expect([again.detail, idOf(again)]).toEqual([first.detail, idOf(first)])
    }
    const rows = await counted()
    expect(sumOf(rows)).toBe(999)
    // The process writes them down each ten seconds: a slow machine has more than one row.
    expect(rows.length).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - began) / 10_000))
    for (const row of rows) {
      expect(row).toMatchObject({
        reason: 'repeat',
        station: issuing.station.name,
        tokenId: issuing.station.tokenId,
        code: 'csr_too_large',
        profileName: 'starter',
        refusalId: idOf(first)
      })
    }
    expect(await countOnRecord()).toBe(1)
    const record = await issuing.records.find(String(idOf(first)))
    expect(record).toMatchObject({
      withheld: 'excess',
      bodyLength: 65_000,
      repeats: { count: 999, lastAt: rows[0]!.lastAt }
    })
    if (record.outcome !== 'rejected') throw new Error('no refusal')
    expect(Buffer.from(record.csr).equals(garbage.subarray(0, 4_096))).toBe(true)
    expect((await sizeOf('refusal', 'refusal_count')) - before).toBeLessThan(100_000)
  })

  it('is recorded anew after a minute', async () => {
    const first = await refused(issuing.issue(Buffer.from('no CSR')))
    now += 60_000
    const second = await refused(issuing.issue(Buffer.from('no CSR')))
    expect(idOf(second)).not.toBe(idOf(first))
    expect(await countOnRecord()).toBe(2)
    expect(await counted()).toEqual([])
    expect(await issuing.records.find(String(idOf(first)))).not.toHaveProperty('repeats')
  })

  it('is the same request: another body, profile or metadata is recorded', async () => {
    const csr = Buffer.from('no CSR')
    await refused(issuing.issue(csr))
    await refused(issuing.issue(Buffer.from('no CSR either')))
    await refused(issuing.issue(csr, 'other'))
    await refused(issuing.issue(csr, 'starter', { metadata: { fixture: '1' } }))
    await refused(issuing.issue(csr, 'starter', { metadata: { fixture: '1' } }))
    expect(await countOnRecord()).toBe(4)
    expect(sumOf(await counted())).toBe(1)
  })

  it('is of the same token, and for the same reason', async () => {
    const csr = Buffer.from('no CSR')
    const mine = idOf(await refused(issuing.issue(csr)))
    const { token } = await issuing.tokens.create(
      { role: 'station', name: issuing.station.name },
      administrator
    )
    const other = { tokenId: token.id, name: token.name, role: 'station' } as const
    const theirs = await refused(issuing.issueAs(other, csr))
    expect(idOf(theirs)).not.toBe(mine)
    expect(await countOnRecord()).toBe(2)
    expect(await counted()).toEqual([])
  })

  it('is with the same code, by the same version of the profile', async () => {
    const key = makeDeviceKey()
    const csr = makeCertificationRequest({ CommonName: 'no-country' }, key)
    const refuse = async (code: ErrorCode) => idOf(await refused(issuing.issue(csr), code))
    const first = await refuse('subject_refused')

    const { document } = await issuing.profiles.find('starter')
    await issuing.profiles.post({ ...document, backdateMinutes: 5 }, administrator)
    await issuing.profiles.refresh()
    const byNewRules = await refuse('subject_refused')
    expect(await refuse('subject_refused')).toBe(byNewRules)

    const spkiSha256 = new Uint8Array(hash('sha256', key.spkiDer, 'buffer'))
    await issuing.blockedKeys.block({ spkiSha256, reason: 'weak_key' }, administrator)
    const blocked = await refuse('key_blocked')
    expect(await refuse('key_blocked')).toBe(blocked)

    expect(new Set([first, byNewRules, blocked]).size).toBe(3)
    expect(await countOnRecord()).toBe(3)
    const rows = await counted()
    expect(rows.map(({ code, refusalId, count }) => ({ code, refusalId, count }))).toEqual(
      expect.arrayContaining([
        { code: 'subject_refused', refusalId: byNewRules, count: 1 },
        { code: 'key_blocked', refusalId: blocked, count: 1 }
      ])
    )
    expect(rows).toHaveLength(2)
  })

  it('of a CSR is counted too, and the CSR kept whole', async () => {
    const csr = makeCertificationRequest({ CommonName: 'no-country' })
    const first = await refused(issuing.issue(csr), 'subject_refused')
    const again = await refused(issuing.issue(csr), 'subject_refused')
    expect(idOf(again)).toBe(idOf(first))
    expect(sumOf(await counted())).toBe(1)
    const record = await issuing.records.find(String(idOf(first)))
    if (record.outcome !== 'rejected') throw new Error('no refusal')
    expect([record.withheld, Buffer.from(record.csr)]).toEqual([null, Buffer.from(csr)])
  })

  it('waits for the first, a hundred at once', async () => {
    const csr = Buffer.from('no CSR')
    const errors = await Promise.all(Array.from({ length: 100 }, () => refused(issuing.issue(csr))))
    expect(new Set(errors.map(idOf)).size).toBe(1)
    expect(await countOnRecord()).toBe(1)
    expect(sumOf(await counted())).toBe(99)
  })

  it('is not counted onto a record that failed', async () => {
    await test.owner.prisma.$executeRawUnsafe('ALTER TABLE refusal RENAME TO refusal_away')
    const csr = Buffer.from('no CSR')
    const failed = await Promise.all(
      Array.from({ length: 10 }, () => issuing.issue(csr).catch((error: unknown) => error))
    )
    for (const error of failed) expect(isMintlineError(error, 'csr_malformed')).toBe(false)
    await test.owner.prisma.$executeRawUnsafe('ALTER TABLE refusal_away RENAME TO refusal')
    const [first, second] = [await refused(issuing.issue(csr)), await refused(issuing.issue(csr))]
    expect(idOf(second)).toBe(idOf(first))
    expect(await countOnRecord()).toBe(1)
    expect(sumOf(await counted())).toBe(1)
  })
})

describe('beyond the limit of a station', () => {
  it('a refusal is told truly, without a record, and counted', async () => {
    let withRecord = 0
    for (let i = 0; i < 1_000; i++) {
      if (idOf(await refused(issuing.issue(Buffer.from(`no CSR ${i}`)))) !== undefined) withRecord++
    }
    expect([withRecord, await countOnRecord()]).toEqual([600, 600])
    expect(await counted()).toMatchObject([
      { reason: 'station_limit', code: 'csr_malformed', profileName: 'starter', refusalId: null, count: 400 }
    ])
  })

  it('certificates are issued', async () => {
    for (let i = 0; i < 601; i++) await refused(issuing.issue(Buffer.from(`no CSR ${i}`)))
    const { record } = await issuing.issue(makeCertificationRequest({ Country: 'US', CommonName: 'limited' }))
    expect(record.outcome).toBe('issued')
  })
})

it('without room to spare, refusals are counted alone', async () => {
  isReserve = true
  const errors = [
    await refused(issuing.issue(Buffer.from('one'))),
    await refused(issuing.issue(Buffer.from('two')))
  ]
  expect(errors.map(idOf)).toEqual([undefined, undefined])
  const { record } = await issuing.issue(
    makeCertificationRequest({ Country: 'US', CommonName: 'last-of-all' })
  )
  expect(record.outcome).toBe('issued')
  isReserve = false
  expect(idOf(await refused(issuing.issue(Buffer.from('one'))))).toBeDefined()
  expect(await countOnRecord()).toBe(1)
  expect(await counted()).toMatchObject([{ reason: 'storage_reserve', refusalId: null, count: 2 }])
})

it.each(['a repeat', 'beyond the limit', 'without room'])(
  'a token that was revoked leaves nothing behind: %s',
  async kind => {
    const csr = Buffer.from('no CSR')
    await refused(issuing.issue(csr))
    if (kind === 'beyond the limit') {
      for (let i = 1; i < 600; i++) await refused(issuing.issue(Buffer.from(`no CSR ${i}`)))
    }
    isReserve = kind === 'without room'
    await issuing.tokens.revoke(issuing.station.tokenId, administrator)
    const sent = kind === 'a repeat' ? csr : Buffer.from('another')
    await refused(issuing.issue(sent), 'token_invalid')
    expect(await counted()).toEqual([])
  }
)

it('counts of a month that has no partition yet get one', async () => {
  const at = new Date('2041-03-04T05:06:07.000Z')
  const row: RefusalCount = {
    id: newId(at, createRandomSource()),
    createdAt: at,
    reason: 'station_limit',
    windowStart: at,
    lastAt: at,
    station: 'one',
    tokenId: null,
    code: 'csr_malformed',
    profileName: null,
    refusalId: null,
    count: 3
  }
  const store = createRefusalCountStore(test.database, test.database)
  await store.insert([row])
  // Who does not know what became of it asks again.
  await store.insert([row])
  expect((await store.list({ limit: 10 })).items).toEqual([row])
})
