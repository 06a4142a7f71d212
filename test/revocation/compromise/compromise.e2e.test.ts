import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/pki/der/octet-text.ts'
import { parseRevocationList } from '../../../src/pki/revocation/revocation-list.ts'
import { createCompromises } from '../../../src/revocation/compromise/compromise.ts'
import { createCompromiseStore } from '../../../src/revocation/compromise/compromise-store.ts'
import { device, leaveOpen, openRework, refusalOf, type Rework } from '../../issuance/rework/rework-test.ts'
import { openMaking } from '../../status/crl/making-crls.ts'
import { createToolbox } from '../../status/crl/toolbox.ts'
import { act, createTestAdministration, selfSigned } from '../../support/authority-administration.ts'
import { needs } from '../../support/needs/needs.ts'
import { findBreaches, openRevoking, type Revoking } from '../revoking.ts'

let rework: Rework
let revoking: Revoking
let making: ReturnType<typeof openMaking>

const name = 'starter-g1'

beforeEach(async () => {
  rework = await openRework()
  revoking = openRevoking(rework.issuing)
  making = openMaking(rework.issuing.core)
  return () => rework.close()
})

const compromises = () =>
  createCompromises({
    store: createCompromiseStore(rework.test.database),
    records: rework.issuing.records,
    clock: () => new Date()
  })
const listAll = async (limit = 100) => {
  const found: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await compromises().listUnprovisioned(name, { limit, cursor })
    found.push(...page.items.map(({ id }) => id))
    if (page.nextCursor === undefined) return found
    cursor = page.nextCursor
  }
}
const issue = async (of: string) => (await rework.issuing.issue(device(of))).record
const revokedNow = async () => new Set(parseRevocationList((await making.read(name)).der).revoked.keys())

/** Declares it, as a route does, and does what the job does. */
async function declare(): Promise<string> {
  const orderId = await rework.compromise()
  return orderId!
}

describe('the compromise of a generation', () => {
  it('orders in its own transaction that all it issued is revoked, and nothing else', async () => {
    const [good, held, other, scrapped] = [
      await issue('good'),
      await issue('held'),
      await issue('other'),
      await issue('scrapped')
    ]
    await revoking.hold(held.id, act)
    await revoking.revokeFor(other.id)
    await rework.scrap(scrapped.id)
    const open = await leaveOpen(rework, stuck => stuck.issue(device('open')))
    const orderId = await declare()
    const late = await rework.prisma.intent.count()
    expect(late).toBe(5)
    // Nobody had time for it: the sweep finds it.
    await revoking.sweep()
    expect(revoking.sent).toEqual([['revocation.run', { orderId }]])
    expect(await compromises().find(name)).toMatchObject({
      orderId,
      isAllRevoked: false,
      lastCrl: 'waiting',
      actor: act.actor,
      detachedMonths: []
    })
    await revoking.run(orderId)
    expect(await revoking.orders.find(orderId)).toMatchObject({
      selection: { compromised: name },
      reason: 'cACompromise',
      expected: null,
      done: 3,
      skipped: 0,
      failed: 0
    })
    const acts = await rework.prisma.revocationAct.findMany({ where: { orderId } })
    expect(new Set(acts.map(({ intentId }) => intentId))).toEqual(new Set([good.id, held.id, scrapped.id]))
    expect(acts.map(({ intentId }) => intentId)).not.toContain(open)
    expect(await findBreaches(rework)).toEqual([])
    for (const of of ['revocation.place', 'revocation.finish'])
      expect(
        await rework.prisma.auditEvent.count({ where: { act: of, subject: `revocation/${orderId}` } })
      ).toBe(1)
  })

  it('has all of it revoked whatever the clock of who issued it was', async () => {
    const ahead = await openRework({ clock: () => new Date(Date.now() + 3_600_000) })
    const { record } = await ahead.issuing.issue(device('ahead'))
    const { administration } = createTestAdministration(ahead.test.database, ahead.directory)
    const orderId = await administration.compromise(name, act)
    await openRevoking(ahead.issuing).run(orderId!)
    const stored = await ahead.prisma.revocationAct.findMany({ where: { orderId: orderId! } })
    expect(stored).toMatchObject([{ intentId: record.id }])
    await ahead.close()
  })

  it('leaves a generation alone that never issued, and has no order for it', async () => {
    const { administration } = createTestAdministration(rework.test.database, rework.directory)
    const staged = await administration.create(selfSigned('staged'), act)
    expect(await administration.compromise(staged, act)).toBeUndefined()
    expect(await compromises().find(staged)).toMatchObject({
      orderId: null,
      isAllRevoked: true,
      lastCrl: 'none'
    })
    await expect(compromises().find(name)).rejects.toMatchObject({ code: 'authority_not_found' })
    await expect(compromises().find('nobody-g1')).rejects.toMatchObject({ code: 'authority_not_found' })
  })

  it('that is killed in the middle of its order goes on, and revokes each once', async () => {
    const many = 1_050
    const waiting = Array.from({ length: many }, (_, index) => `many-${index}`)
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await issue(next)
    }
    await Promise.all(Array.from({ length: 32 }, work))
    const orderId = await declare()
    const childFile = fileURLToPath(new URL('../orders/order-child.ts', import.meta.url))
    const args = [childFile, rework.connectionString, rework.directory, orderId, 'within']
    const { signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(signal, stderr).toBe('SIGKILL')
    await making.step()
    // Nothing is signed before all is revoked.
    expect(await compromises().find(name)).toMatchObject({ isAllRevoked: false, lastCrl: 'waiting' })
    await Promise.all([revoking.run(orderId), revoking.run(orderId)])
    expect(await revoking.orders.find(orderId)).toMatchObject({ done: many, skipped: 0, failed: 0 })
    expect(await rework.prisma.revocationAct.count({ where: { orderId } })).toBe(many)
    await making.step()
    expect((await revokedNow()).size).toBe(many)
    expect(await listAll(400)).toHaveLength(many)
  })
})

describe('what is to be provisioned anew', () => {
  it('is each certificate in whose place its device has no other, oldest first, and once', async () => {
    const [back, away, scrapped, revoked, held] = [
      await issue('back'),
      await issue('away'),
      await issue('scrapped'),
      await issue('revoked'),
      await issue('held')
    ]
    await rework.scrap(scrapped.id)
    await revoking.revokeFor(revoked.id)
    await revoking.hold(held.id, act)
    await revoking.run(await declare())
    expect(await listAll()).toEqual([back.id, away.id])
    expect(await listAll(1)).toEqual([back.id, away.id])
    const next = await rework.activateNext()
    expect(await issue('back')).toMatchObject({ authority: next })
    expect(await listAll()).toEqual([away.id])
    expect(await compromises().find(name)).toMatchObject({ successor: next })
  })

  it('is none that was on hold, which stays in doubt until an administrator releases it', async () => {
    const held = await issue('held')
    await revoking.hold(held.id, act)
    await revoking.run(await declare())
    const next = await rework.activateNext()
    await expect(issue('held')).rejects.toMatchObject({ code: 'certificate_revoked' })
    expect(await listAll()).toEqual([])
    await rework.releasing.release(held.id, act, 'admin')
    expect(await listAll()).toEqual([held.id])
    expect(await issue('held')).toMatchObject({ authority: next })
    expect(await listAll()).toEqual([])
  })

  it('is what a release alone lets come, with the same CSR, where it was on hold or revoked by itself, and is told so', async () => {
    const csrs = [device('held'), device('revoked')]
    const [held, revoked] = await Promise.all(csrs.map(async csr => (await rework.issuing.issue(csr)).record))
    await revoking.hold(held!.id, act)
    await revoking.revokeFor(revoked!.id)
    await revoking.run(await declare())
    const refused = await refusalOf(rework.issuing.issue(csrs[0]!))
    expect(refused.message).toContain('once an administrator has activated another generation')
    const next = await rework.activateNext()
    for (const [index, { id }] of [held!, revoked!].entries()) {
      const { code, message } = await refusalOf(rework.issuing.issue(csrs[index]!))
      expect([code, message.includes('POST /v1/profiles')]).toEqual(['certificate_revoked', false])
      expect(message).toContain(`POST /v1/issuances/${id}/release`)
      await rework.releasing.release(id, act, 'admin')
      expect((await rework.issuing.issue(csrs[index]!)).record.authority).toBe(next)
    }
  })
})

describe('the last CRL', needs('openssl', 'certtool'), () => {
  it('says all once all is revoked, never ends, and is followed by none', async () => {
    const [first, second] = [await issue('first'), await issue('second')]
    await making.step()
    const before = await making.read(name)
    const orderId = await declare()
    await making.step()
    expect((await making.read(name)).number).toBe(before.number)
    await revoking.run(orderId)
    const unended = async () => (await making.crls().examine()).detail
    expect(await unended()).not.toContain(name)
    await rework.issuing.authorities.refresh()
    await making.step()
    const last = await making.read(name)
    expect(last.number).toBeGreaterThan(before.number)
    expect(last.nextUpdate.toISOString()).toBe('9999-12-31T23:59:59.000Z')
    expect(await revokedNow()).toEqual(
      new Set([first, second].map(each => toHex(Buffer.from(each.serialNumber, 'hex'))))
    )
    expect(await compromises().find(name)).toMatchObject({ lastCrl: 'signed', lastCrlNumber: last.number })
    await making.step()
    expect((await making.read(name)).number).toBe(last.number)

    const tools = createToolbox(rework.directory)
    tools.write('ca.pem', 'CERTIFICATE', rework.issuing.authorities.list()[0]!.certificateDer)
    tools.write('last.pem', 'X509 CRL', last.der)
    expect(tools.say('openssl', 'crl', '-in', 'last.pem', '-CAfile', 'ca.pem', '-noout')).toContain(
      'verify OK'
    )
    const text = tools.run('openssl', 'crl', '-in', 'last.pem', '-noout', '-text')
    expect(text).toContain('Next Update: Dec 31 23:59:59 9999 GMT')
    expect(text.match(/CA Compromise/g)).toHaveLength(2)
    expect(
      tools.run('certtool', '--verify-crl', '--load-ca-certificate', 'ca.pem', '--infile', 'last.pem')
    ).toContain('Verification output: Verified')
    if (first.outcome !== 'issued') throw new Error('it was not issued')
    tools.write('device.pem', 'CERTIFICATE', first.certificateDer)
    const verify = ['verify', '-crl_check', '-CAfile', 'ca.pem', '-CRLfile', 'last.pem', 'device.pem']
    expect(tools.say('openssl', ...verify)).toContain('certificate revoked')
  })

  it('is taken by the database of no other, before all is revoked, or with an end', async () => {
    await issue('only')
    await making.step()
    const orderId = await declare()
    const { prisma } = rework.owner
    const { id: authorityId } = await prisma.authority.findFirstOrThrow()
    const insert = async (nextUpdate: string) => {
      const [number] = await prisma.$queryRaw<{ number: bigint }[]>`
        INSERT INTO crl_number (authority_id, number, taken_at)
        SELECT ${authorityId}::uuid, max(number) + 1, now() FROM crl_number RETURNING number`
      const id = randomUUID()
      await prisma.$executeRaw`INSERT INTO crl_chunk (intent_id, position, octets) VALUES (${id}::uuid, 0, 'x')`
      await prisma.$executeRaw`
        INSERT INTO crl_intent (id, authority_id, number, created_at, this_update, next_update, entries, final_entries, tbs_octets, tbs_sha256)
        VALUES (${id}::uuid, ${authorityId}::uuid, ${number!.number}, now(), now(), ${nextUpdate}::timestamptz, 0, 0, 1, sha256('x'))`
    }
    const refusal = 'not compromised, or the last one'
    await expect(insert('9999-12-31T23:59:59Z')).rejects.toThrow(refusal)
    await revoking.run(orderId)
    await expect(insert('2099-12-31T23:59:59Z')).rejects.toThrow(refusal)
    await insert('9999-12-31T23:59:59Z')
  })

  it('is not made where it was not asked for', async () => {
    await issue('only')
    await making.step()
    const { number } = await making.read(name)
    const { administration } = createTestAdministration(rework.test.database, rework.directory)
    await revoking.run((await administration.compromise(name, act, { lastCrl: false }))!)
    await rework.issuing.authorities.refresh()
    await making.step()
    expect((await making.read(name)).number).toBe(number)
    expect(await rework.prisma.crlChange.count()).toBe(0)
    expect(await making.crls().examine()).toMatchObject({ ok: true })
  })

  it('is told of while it cannot be made', async () => {
    await issue('only')
    await making.step()
    await revoking.run(await declare())
    await rework.issuing.authorities.refresh()
    const later = openMaking({ ...rework.issuing.core, clock: () => new Date(Date.now() + 90_000) })
    expect(await later.crls().examine()).toMatchObject({
      ok: false,
      detail: expect.stringContaining(
        `${name} is compromised, and its last CRL is still to be made`
      ) as string
    })
    await making.step()
    expect(await later.crls().examine()).toMatchObject({ ok: true })
  })
})
