import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ensurePartitions } from '../../src/database/partitions.ts'
import { createVoidStore } from '../../src/issuance/ends/void-store.ts'
import { createVoiding } from '../../src/issuance/ends/voiding.ts'
import { tellExpiring } from '../../src/revocation/expiring/expiring.ts'
import { createExpiryStore } from '../../src/revocation/expiring/expiry-store.ts'
import { leaveOpen } from '../issuance/rework/rework-test.ts'
import { act } from '../support/authority-administration.ts'
import { makeCertificationRequest } from '../support/certification-request.ts'
import { type Issuing, startIssuing } from '../support/issuing.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { openRevoking, type Revoking } from './revoking.ts'

const day = 86_400_000
/** The middle of the month before last. */
const longAgo = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() - 2, 15))

let test: TestDatabase
let directory: TemporaryDirectory
/** Its profile is of long ago. */
let issuing: Issuing
let revoking: Revoking
let now = longAgo.getTime()
const clock = () => new Date(now++)

beforeAll(async () => {
  test = await createTestDatabase()
  await ensurePartitions(test.database, longAgo)
  directory = await createTemporaryDirectory()
  issuing = await startIssuing(test.database, directory.path, { clock })
  revoking = openRevoking(issuing)
})
afterAll(async () => {
  await test.drop()
  await directory.remove()
})

let made = 0
const csrOf = () => makeCertificationRequest({ Country: 'US', CommonName: `expiring-${++made}` })
const issue = async () => (await issuing.issue(csrOf())).record.id

async function tell({ isTold = true, aheadDays = 40_000 } = {}): Promise<void> {
  const store = createExpiryStore(test.database, test.database)
  const { randomBytes } = issuing.core
  // What is an hour old is settled.
  const later = () => new Date(now + 2 * 3_600_000)
  const dependencies = { store, aheadDays, isTold, clock: later, randomBytes }
  await tellExpiring(dependencies, new AbortController().signal)
}

/** How often each was told of. */
async function toldOf(...ids: string[]): Promise<readonly number[]> {
  const events = await test.database.prisma.auditEvent.findMany({ where: { act: 'certificate.expiring' } })
  return ids.map(id => events.filter(({ subject }) => subject === `issuance/${id}`).length)
}

it('who is told later hears of what has not run out by then, once', async () => {
  const id = await issue()
  await tell({ isTold: false })
  expect(await toldOf(id)).toEqual([0])
  await tell({ aheadDays: 1 })
  expect(await toldOf(id)).toEqual([0])
  await Promise.all([tell(), tell()])
  await tell()
  expect(await toldOf(id)).toEqual([1])
})

it('what is open when it is its turn is told of when its certificate comes', async () => {
  const csrs = [csrOf(), csrOf(), csrOf(), csrOf()] as const
  const ids: string[] = []
  for (const csr of csrs)
    ids.push(
      await leaveOpen({ test, directory: directory.path, prisma: test.database.prisma, clock }, stuck =>
        stuck.issue(csr)
      )
    )
  const [completed, voided, revoked, left] = ids as [string, string, string, string]
  const behind = await issue()
  await tell()
  expect(await toldOf(...ids, behind)).toEqual([0, 0, 0, 0, 1])
  await issuing.issue(csrs[0])
  const { records, core } = issuing
  const store = createVoidStore(test.database)
  await createVoiding({ store, records, clock, randomBytes: core.randomBytes }).declareVoid(voided, act)
  await revoking.revokeFor(revoked)
  await Promise.all([tell(), tell()])
  await tell()
  expect(await toldOf(completed, voided, revoked, left, behind)).toEqual([1, 0, 0, 0, 1])
  const waiting = await test.database.prisma.expiryOpen.findMany()
  expect(waiting.map(({ intentId }) => intentId)).toEqual([left])
})

it('what was in a month that was detached is told of when that comes back', async () => {
  const old = [await issue(), await issue()]
  now = Date.now() - day
  const young = await issue()
  const month = longAgo.toISOString().slice(0, 7).replace('-', '_')
  const { prisma } = test.owner
  const tables = ['intent', 'issued'].map(parent => ({ parent, name: `${parent}_${month}` }))
  const bounds: string[] = []
  for (const { parent, name } of tables) {
    const [row] = await prisma.$queryRawUnsafe<{ bound: string }[]>(
      `SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE relname = '${name}'`
    )
    bounds.push(row!.bound)
    await prisma.$executeRawUnsafe(`ALTER TABLE ${parent} DETACH PARTITION ${name}`)
  }
  await tell()
  expect(await toldOf(...old, young)).toEqual([0, 0, 1])
  for (const [index, { parent, name }] of tables.entries())
    await prisma.$executeRawUnsafe(`ALTER TABLE ${parent} ATTACH PARTITION ${name} ${bounds[index]!}`)
  await tell()
  await tell()
  expect(await toldOf(...old, young)).toEqual([1, 1, 1])
})

it('no position goes back', async () => {
  const { prisma } = test.owner
  expect(await prisma.$queryRaw`SELECT FROM expiry_month`).toHaveLength(2)
  await expect(
    prisma.$executeRaw`UPDATE expiry_month SET position = '00000000-0000-7000-8000-000000000000'`
  ).rejects.toThrow()
  await expect(prisma.$executeRaw`DELETE FROM expiry_month`).rejects.toThrow()
})

it('what was looked at before there were months is not looked at again', async () => {
  const migration = await readFile('prisma/migrations/20261128000282_expiry_months/migration.sql', 'utf8')
  const carry = /INSERT INTO "expiry_month"[^;]*;/.exec(migration)![0]
  const { prisma } = test.owner
  const [{ id: last } = { id: '' }] = await prisma.$queryRaw<{ id: string }[]>`
    SELECT id::text FROM intent ORDER BY id DESC LIMIT 1`
  for (const statement of [
    'CREATE TABLE expiry_position (profile_version_id uuid PRIMARY KEY, position uuid NOT NULL)',
    `INSERT INTO expiry_position SELECT profile_version_id, '${last}' FROM intent WHERE id = '${last}'`,
    'ALTER TABLE expiry_month DISABLE TRIGGER stays',
    'DELETE FROM expiry_month',
    carry
  ])
    await prisma.$executeRawUnsafe(statement)
  const carried = await prisma.$queryRaw<{ month: string }[]>`SELECT month FROM expiry_month ORDER BY month`
  expect(carried.map(({ month }) => month)).toContain(longAgo.toISOString().slice(0, 7))
  expect(carried.map(({ month }) => month)).toContain(new Date(now).toISOString().slice(0, 7))
  const before = await test.database.prisma.auditEvent.count({ where: { act: 'certificate.expiring' } })
  expect(before).toBeGreaterThan(0)
  await tell()
  expect(await test.database.prisma.auditEvent.count({ where: { act: 'certificate.expiring' } })).toBe(before)
})
