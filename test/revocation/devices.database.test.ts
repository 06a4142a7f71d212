import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type Database } from '../../src/database/database.ts'
import { isMintlineError } from '../../src/errors/mintline-error.ts'
import { createActStore } from '../../src/revocation/act-store.ts'
import { createEndStore } from '../../src/revocation/end-store.ts'
import { tellExpiring } from '../../src/revocation/expiring/expiring.ts'
import { createExpiryStore } from '../../src/revocation/expiring/expiry-store.ts'
import { createRevocation, type Revocation } from '../../src/revocation/revocation.ts'
import {
  breaches,
  device,
  insist,
  openRework,
  refusalOf,
  type Rework
} from '../issuance/rework/rework-test.ts'
import { makeDeviceKey } from '../support/certification-request.ts'
import { type Issuing, startIssuing } from '../support/issuing.ts'

const act = { actor: 'admin/test', reason: 'stolen' }
const grounds = { reason: 'privilegeWithdrawn' } as const

let rework: Rework
let databases: readonly Database[]
let processes: readonly { readonly issuing: Issuing; readonly revocation: Revocation }[]

const revocationOf = (database: Database, { records, blockedKeys, core: { clock, randomBytes } }: Issuing) =>
  createRevocation({ store: createActStore(database), records, blockedKeys, clock, randomBytes })

beforeAll(async () => {
  rework = await openRework()
  await rework.postProfile('one', {})
  await rework.postProfile('next', { reissue: 'supersede' })
  await rework.postProfile('several', { reissue: { allow: 2 } })
  await rework.postProfile('later', { reissue: 'supersede', supersededEnds: { afterDays: 1 } })
  databases = [1, 2].map(() => createDatabase({ connectionString: rework.connectionString, poolSize: 4 }))
  processes = await Promise.all(
    databases.map(async database => {
      const issuing = await startIssuing(database, rework.directory)
      return { issuing, revocation: revocationOf(database, issuing) }
    })
  )
})
afterAll(async () => {
  await Promise.all(databases.map(database => database.close()))
  await rework.close()
})

const issue = async (name: string, profile: string, key = makeDeviceKey()) =>
  (await rework.issuing.issue(device(name, key), profile)).record
const revocation = () => processes[0]!.revocation
const actsOf = (intentId: string) =>
  rework.prisma.revocationAct.findMany({ where: { intentId }, orderBy: { step: 'asc' } })

const statusOf = (intentId: string) => rework.prisma.certificateStatus.findUnique({ where: { intentId } })

/** Statuses that say something else than the last of their acts, and acts that do not follow one another. */
const disagreements = `
SELECT intent_id::text FROM certificate_status AS status
WHERE act_id IS DISTINCT FROM
  (SELECT id FROM revocation_act AS act WHERE act.intent_id = status.intent_id ORDER BY step DESC LIMIT 1)
UNION ALL SELECT intent_id::text FROM revocation_act WHERE intent_id NOT IN (SELECT intent_id FROM certificate_status)
UNION ALL SELECT intent_id::text FROM revocation_act GROUP BY intent_id HAVING max(step) <> count(*)
UNION ALL SELECT intent_id::text FROM revocation WHERE cause = 'scrap'
  AND intent_id NOT IN (SELECT intent_id FROM certificate_status WHERE state = 'revoked')`

describe('the device of a certificate', () => {
  it('that is on hold gets no other, even where it may have two, until it is off hold', async () => {
    const { id } = await issue('held', 'several')
    await revocation().hold(id, act)
    const refusal = await refusalOf(issue('held', 'several'))
    expect(refusal.code).toBe('certificate_held')
    expect((await refusalOf(rework.release(id))).message).toContain('on hold')
    await revocation().unhold(id, act)
    expect((await issue('held', 'several')).outcome).toBe('issued')
  })

  it('of which an older one is on hold gets no other, and what it has since is handed out', async () => {
    const first = await issue('older', 'several')
    const csr = device('older', makeDeviceKey())
    const second = (await rework.issuing.issue(csr, 'several')).record
    await rework.scrap(second.id)
    const third = (await rework.issuing.issue(device('older', makeDeviceKey()), 'several')).record
    await rework.scrap(third.id)
    await revocation().hold(first.id, act)
    const refusal = await refusalOf(issue('older', 'several'))
    expect(refusal).toMatchObject({
      code: 'certificate_held',
      members: { earlierIssuance: { id: first.id } }
    })
    await revocation().unhold(first.id, act)
    expect((await issue('older', 'several')).outcome).toBe('issued')
  })

  it('of which an older one is on hold keeps what it has, and is not released into another', async () => {
    const first = await issue('keeps', 'later')
    await rework.release(first.id)
    const csr = device('keeps', makeDeviceKey())
    const second = (await rework.issuing.issue(csr, 'later')).record
    // Superseded, and its time is not over.
    await revocation().hold(first.id, act)
    expect((await rework.issuing.issue(csr, 'later')).record.id).toBe(second.id)
    await rework.release(second.id)
    const refusal = await refusalOf(issue('keeps', 'later'))
    expect(refusal).toMatchObject({
      code: 'certificate_held',
      members: { earlierIssuance: { id: first.id } }
    })
    await revocation().revoke(first.id, grounds, act)
    expect((await issue('keeps', 'later')).outcome).toBe('issued')
  })

  it('that is revoked gets another at once where it may have several', async () => {
    const first = await issue('several', 'several')
    await issue('several', 'several')
    expect((await refusalOf(issue('several', 'several'))).code).toBe('device_already_certified')
    await revocation().revoke(first.id, grounds, act)
    expect((await issue('several', 'several')).outcome).toBe('issued')
  })

  it('that is revoked gets another where an administrator releases it, and the profile has it so', async () => {
    const { id } = await issue('released', 'next')
    await revocation().revoke(id, grounds, act)
    expect((await refusalOf(rework.release(id))).code).toBe('role_forbidden')
    expect((await refusalOf(issue('released', 'next'))).code).toBe('certificate_revoked')
    await rework.releasing.release(id, act, 'admin')
    const next = await issue('released', 'next')
    // What was revoked before stays revoked for what it was.
    expect(await rework.issuing.records.find(id)).toMatchObject({
      supersession: { successor: next.id },
      revocation: { revocationReason: 'privilegeWithdrawn' }
    })
    const other = await issue('refused', 'one')
    await revocation().revoke(other.id, grounds, act)
    const refusal = await refusalOf(rework.releasing.release(other.id, act, 'admin'))
    expect(refusal.code).toBe('issuance_not_releasable')
  })

  it('gets none for a key that is compromised, whatever was released', async () => {
    const key = makeDeviceKey()
    const { id } = await issue('compromised', 'next', key)
    const { blockedKey } = await revocation().revoke(id, { reason: 'keyCompromise' }, act)
    expect(blockedKey).toMatch(/^[0-9a-f]{64}$/)
    await rework.releasing.release(id, act, 'admin')
    const replay = await refusalOf(issue('compromised', 'next', key))
    expect(replay.code).toBe('certificate_revoked')
    expect(replay.message).toContain('The device was released: a CSR of a new key is certified.')
    const other = await refusalOf(issue('another', 'next', key))
    expect(other.code).toBe('key_blocked')
    expect(other.message).toContain('It is revoked.')
    expect((await issue('compromised', 'next')).outcome).toBe('issued')
  })
})

it('is revoked once while two processes revoke, hold, scrap, retry and rework', async () => {
  const [one, two] = processes as [(typeof processes)[0], (typeof processes)[0]]
  for (let round = 0; round < 25; round++) {
    const name = `raced-${round}`
    const csr = device(name)
    const { id } = (await one.issuing.issue(csr, 'next')).record
    if (round % 2 === 0) await rework.release(id)
    const settle = (work: Promise<unknown>) =>
      work.catch((error: unknown) => {
        if (isMintlineError(error)) return error
        throw error
      })
    const [first, second] = await Promise.all(
      [
        one.revocation.revoke(id, grounds, act),
        two.revocation.revoke(id, { reason: 'affiliationChanged' }, act),
        two.revocation.hold(id, act),
        ...(round % 3 === 0 ? [rework.scrap(id)] : []),
        insist(() => one.issuing.issue(csr, 'next')),
        insist(() => two.issuing.issue(device(name), 'next'))
      ].map(settle)
    )
    const changed = [first, second].filter(
      answer => !isMintlineError(answer) && (answer as { isNew: boolean }).isNew
    )
    expect(changed).toHaveLength(1)
    expect((await actsOf(id)).filter(each => each.act === 'revoke')).toHaveLength(1)
    const { code } = await refusalOf(two.issuing.issue(csr, 'next'))
    expect(['certificate_revoked', 'certificate_superseded']).toContain(code)
  }
  expect(await rework.prisma.$queryRawUnsafe(disagreements)).toEqual([])
  expect(await rework.prisma.$queryRawUnsafe(breaches)).toEqual([])
})

it('that is superseded is revoked from its end on, and a duty writes that once', async () => {
  const key = makeDeviceKey()
  const old = (await rework.issuing.issue(device('ends', key), 'later')).record
  await rework.release(old.id)
  const aheadMs = 1_500
  const clock = () => new Date(Date.now() - 24 * 3_600_000 + aheadMs)
  const earlier = await startIssuing(rework.test.database, rework.directory, { clock })
  const { record } = await earlier.issue(device('ends'), 'later')
  const before = await rework.issuing.records.find(old.id)
  expect(before).toMatchObject({ supersession: { successor: record.id } })
  expect(before).not.toHaveProperty('revocation')
  const ends = createEndStore(rework.test.database)
  expect(await ends.settle(100)).toBe(0)
  await delay(aheadMs + 500)
  const { endsAt } = (before as { supersession: { endsAt: Date } }).supersession
  const ended = { revokedAt: endsAt, revocationReason: 'superseded' }
  expect(await rework.issuing.records.find(old.id)).toMatchObject({
    revocation: { ...ended, revokedBy: null }
  })
  expect(await Promise.all([ends.settle(100), ends.settle(100), ends.settle(100)])).toContain(1)
  expect(await ends.settle(100)).toBe(0)
  expect((await actsOf(old.id)).map(each => each.act)).toEqual(['end'])
  expect(await rework.issuing.records.find(old.id)).toMatchObject({
    revocation: { ...ended, revokedBy: expect.any(String) as string }
  })
})

it('that ran out of time is told of once, and one that was revoked is not', async () => {
  const [told, revoked] = [await issue('runs-out', 'one'), await issue('is-revoked', 'one')]
  await revocation().revoke(revoked.id, grounds, act)
  const { database } = rework.test
  const duty = (aheadDays: number) =>
    tellExpiring(
      {
        store: createExpiryStore(database, database),
        aheadDays,
        isTold: true,
        clock: () => new Date(Date.now() + 2 * 3_600_000),
        randomBytes: rework.issuing.core.randomBytes
      },
      new AbortController().signal
    )
  const noticesOf = (id: string) =>
    rework.prisma.auditEvent.count({ where: { act: 'certificate.expiring', subject: `issuance/${id}` } })
  await duty(1)
  expect(await noticesOf(told.id)).toBe(0)
  await Promise.all([duty(40_000), duty(40_000)])
  await duty(40_000)
  expect(await noticesOf(told.id)).toBe(1)
  expect(await noticesOf(revoked.id)).toBe(0)
})

it('what had ended, or was to end, before there were acts is told as such', async () => {
  const migration = await readFile('prisma/migrations/20261127000250_revocation_acts/migration.sql', 'utf8')
  const told = /-- What has ended until now\.\n([^]*?)\n\n-- Revoking many/.exec(migration)![1]!
  const [scrapped, superseded] = [await issue('before', 'one'), await issue('was-to-end', 'later')]
  await rework.release(superseded.id)
  const { prisma } = rework.owner
  await prisma.$executeRawUnsafe('ALTER TABLE "revocation" DISABLE TRIGGER "end"')
  const { scrap } = (await rework.scrap(scrapped.id)) as { scrap: { scrappedAt: Date } }
  await issue('was-to-end', 'later')
  await prisma.$executeRawUnsafe('ALTER TABLE "revocation" ENABLE ALWAYS TRIGGER "end"')
  expect([await actsOf(scrapped.id), await statusOf(superseded.id)]).toEqual([[], null])
  const statements = told.split(';').filter(statement => statement.trim() !== '')
  expect(statements).toHaveLength(2)
  // The second is of an empty table there.
  const later = `${statements[1]!} AND "revocation"."intent_id" = '${superseded.id}'`
  for (const statement of [statements[0]!, later]) await prisma.$executeRawUnsafe(statement)
  expect(await rework.issuing.records.find(scrapped.id)).toMatchObject({
    revocation: { revokedAt: scrap.scrappedAt, revocationReason: 'cessationOfOperation' }
  })
  const record = await rework.issuing.records.find(superseded.id)
  expect(record).not.toHaveProperty('revocation')
  const { endsAt } = (record as { supersession: { endsAt: Date } }).supersession
  expect(await statusOf(superseded.id)).toMatchObject({ state: 'good', endsAt, actId: null })
  expect(await rework.prisma.$queryRawUnsafe(disagreements)).toEqual([])
})
