import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { device, leaveOpen, openRework, refusalOf, type Rework } from '../issuance/rework/rework-test.ts'
import { act } from '../support/authority-administration.ts'
import { makeDeviceKey } from '../support/certification-request.ts'
import { findBreaches, openRevoking, type Revoking } from './revoking.ts'

let rework: Rework
let revoking: Revoking

beforeAll(async () => {
  rework = await openRework()
  await rework.postProfile('supersede', { reissue: 'supersede' })
  revoking = openRevoking(rework.issuing)
})
afterAll(async () => {
  expect(await findBreaches(rework)).toEqual([])
  await rework.close()
})

let made = 0
const issue = async (profile = 'starter', name = `moved-${++made}`) =>
  (await rework.issuing.issue(device(name, makeDeviceKey()), profile)).record
const isBlocked = async (intentId: string) => {
  const { spkiSha256 } = await rework.prisma.intent.findFirstOrThrow({ where: { id: intentId } })
  return (await rework.prisma.blockedKey.count({ where: { spkiSha256 } })) === 1
}
const actsOf = (intentId: string) =>
  rework.prisma.revocationAct.findMany({ where: { intentId }, orderBy: { step: 'asc' } })

describe('what was revoked for the word of an end of the factory', () => {
  it('and scrapped after that is revoked, not ended: another reason is refused before its key is blocked', async () => {
    const { id } = await issue()
    await revoking.revokeFor(id, 'cessationOfOperation')
    await rework.scrap(id)
    const refusal = await refusalOf(revoking.revokeFor(id, 'keyCompromise'))
    expect(refusal).toMatchObject({
      code: 'revocation_conflict',
      members: { state: 'revoked', revocationReason: 'cessationOfOperation' }
    })
    // What is advised can be done.
    expect(refusal.message).not.toContain('/revoke')
    expect(await isBlocked(id)).toBe(false)
  })

  it('and superseded after that is told to its line as revoked', async () => {
    const key = makeDeviceKey()
    const name = `moved-${++made}`
    const { id } = (await rework.issuing.issue(device(name, key), 'supersede')).record
    await revoking.revokeFor(id, 'superseded')
    await rework.releasing.release(id, act, 'admin')
    await issue('supersede', name)
    expect((await refusalOf(rework.issuing.issue(device(name, key), 'supersede'))).code).toBe(
      'certificate_revoked'
    )
    expect((await refusalOf(revoking.revokeFor(id, 'keyCompromise'))).members).toMatchObject({
      state: 'revoked'
    })
    expect(await isBlocked(id)).toBe(false)
  })
})

it('what is scrapped is revoked for another reason after that, once', async () => {
  const { id } = await issue()
  await rework.scrap(id)
  expect((await refusalOf(revoking.hold(id, act))).members).toMatchObject({ state: 'ended' })
  expect(await revoking.revokeFor(id, 'cessationOfOperation')).toMatchObject({ isNew: false })
  expect(await revoking.revokeFor(id, 'keyCompromise')).toMatchObject({ isNew: true })
  expect(await isBlocked(id)).toBe(true)
  expect((await actsOf(id)).map(each => each.act)).toEqual(['end', 'revoke'])
})

describe('the time since when a key may have been in other hands', () => {
  const since = new Date('2026-01-02T03:04:05Z')
  const grounds = { reason: 'cessationOfOperation', invalidityDate: since } as const
  const told = async (id: string) => {
    const record = (await rework.issuing.records.find(id)) as { revocation?: { invalidityDate: Date | null } }
    return record.revocation?.invalidityDate
  }

  it('is kept of what was scrapped before, for the same reason as well', async () => {
    const { id } = await issue()
    await rework.scrap(id)
    expect(await revoking.revoke(id, grounds, act)).toMatchObject({ isNew: true })
    expect(await told(id)).toEqual(since)
    expect(await revoking.revoke(id, grounds, act)).toMatchObject({ isNew: false })
  })

  it('is refused where another one is on record, or none', async () => {
    const [one, none] = [await issue(), await issue()]
    await revoking.revoke(one.id, grounds, act)
    await revoking.revokeFor(none.id, 'cessationOfOperation')
    for (const invalidityDate of [new Date(since.getTime() + 1), new Date(0)]) {
      const refusal = await refusalOf(revoking.revoke(one.id, { ...grounds, invalidityDate }, act))
      expect(refusal).toMatchObject({
        code: 'revocation_conflict',
        members: { state: 'revoked', invalidityDate: since.toISOString() }
      })
    }
    const refusal = await refusalOf(revoking.revoke(none.id, grounds, act))
    expect(refusal.code).toBe('revocation_conflict')
    expect(refusal.members).not.toHaveProperty('invalidityDate')
    expect(await revoking.revokeFor(one.id, 'cessationOfOperation')).toMatchObject({ isNew: false })
    expect(await told(one.id)).toEqual(since)
  })

  it('is none that is still to come', async () => {
    const { id } = await issue()
    const invalidityDate = new Date(Date.now() + 3_600_000)
    const ahead = { reason: 'unspecified', invalidityDate } as const
    const refusals = [
      await refusalOf(revoking.revoke(id, ahead, act)),
      await refusalOf(revoking.orders.place({ select: { ids: [id] }, expectedCount: 1, ...ahead }, act))
    ]
    expect(refusals.map(({ code, violations }) => [code, violations[0]?.pointer])).toEqual([
      ['revocation_invalid', '/invalidityDate'],
      ['revocation_invalid', '/invalidityDate']
    ])
    expect(await actsOf(id)).toEqual([])
  })

  it('of an order is in the event of each', async () => {
    const { id } = await issue()
    const order = { select: { ids: [id] }, expectedCount: 1, ...grounds }
    await revoking.run((await revoking.orders.place(order, act)).id)
    expect(await told(id)).toEqual(since)
    const event = await rework.prisma.auditEvent.findFirstOrThrow({
      where: { act: 'issuance.revoke', subject: `issuance/${id}` }
    })
    expect(event.after).toMatchObject({ invalidityDate: since.toISOString() })
  })
})

describe('what was begun and is revoked since its key is compromised', () => {
  const begin = async () => {
    const name = `moved-${++made}`
    const csr = device(name, makeDeviceKey())
    return { name, csr, id: await leaveOpen(rework, stuck => stuck.issue(csr)) }
  }
  const next = (name: string) => rework.issuing.issue(device(name, makeDeviceKey()))

  it.each([
    ['by itself', (id: string) => revoking.revokeFor(id, 'keyCompromise')],
    [
      'by an order',
      async (id: string) => revoking.run((await revoking.place({ ids: [id] }, 'keyCompromise')).id)
    ],
    [
      'for another reason, and its key is blocked after that',
      async (id: string) => {
        await revoking.revokeFor(id)
        const { spkiSha256 } = await rework.prisma.intent.findFirstOrThrow({ where: { id } })
        await rework.issuing.blockedKeys.block({ spkiSha256, reason: 'key_compromised' }, act)
      }
    ]
  ])('%s, has a device that gets no other until it is declared void', async (_, revoke) => {
    const { name, csr, id } = await begin()
    await revoke(id)
    expect(await rework.issuing.records.find(id)).toMatchObject({ outcome: 'unknown', revocation: {} })
    const replay = await refusalOf(rework.issuing.issue(csr))
    expect([replay.code, replay.message]).toEqual([
      'certificate_revoked',
      expect.stringContaining('then a CSR of a new key is certified')
    ])
    expect((await refusalOf(next(name))).code).toBe('certificate_revoked')
    await rework.declareVoid(id)
    expect((await next(name)).record.outcome).toBe('issued')
    expect((await refusalOf(rework.issuing.issue(csr))).code).toBe('key_blocked')
  })

  it('is revoked by the same again, where the process ended after its key was blocked', async () => {
    const { name, id } = await begin()
    const { spkiSha256 } = await rework.prisma.intent.findFirstOrThrow({ where: { id } })
    const block = { spkiSha256, reason: 'key_compromised', revokedNext: [id] } as const
    await rework.issuing.blockedKeys.block(block, act)
    expect(await actsOf(id)).toEqual([])
    expect(await revoking.revokeFor(id, 'keyCompromise')).toMatchObject({ isNew: true })
    expect((await refusalOf(next(name))).code).toBe('certificate_revoked')
  })
})
