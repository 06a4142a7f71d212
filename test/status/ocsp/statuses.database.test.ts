import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AskedCertificate,
  createStatusStore,
  type StatusStore
} from '../../../src/status/ocsp/status-store.ts'
import { device, leaveOpen } from '../../issuance/rework/rework-test.ts'
import { type Months, monthsAgo, openMonths } from '../../records/months/months-test.ts'
import { openRevoking, type Revoking } from '../../revocation/revoking.ts'
import { act } from '../../support/authority-administration.ts'
import { expectAgreement } from '../agreement.ts'

const old = monthsAgo(5)

let months: Months
let revoking: Revoking
let store: StatusStore
/** By name of the device: its intent. */
const ids = new Map<string, string>()
/** By the name of a device, as long as the month was attached. */
const asked = new Map<string, AskedCertificate>()

async function statusOf(name: string, authorityId = asked.get(name)!.authorityId, at = new Date()) {
  const [status] = await store.find([{ ...asked.get(name)!, authorityId, at }])
  return status!
}

async function keep(name: string, id: string): Promise<string> {
  ids.set(name, id)
  const where = { id }
  const intent = await months.prisma.intent.findFirstOrThrow({ where })
  asked.set(name, { serialNumber: intent.serialNumber, authorityId: intent.authorityId, at: new Date() })
  return id
}

const issue = async (name: string, profile = 'supersede') =>
  keep(name, (await months.issuing.issue(device(name), profile)).record.id)

/** Leaves an intent without a certificate. */
async function begin(name: string, csr: Uint8Array): Promise<void> {
  const listOpen = async () => (await months.prisma.openIntent.findMany()).map(({ intentId }) => intentId)
  const before = await listOpen()
  await leaveOpen(months, stuck => stuck.issue(csr, 'supersede'))
  await keep(
    name,
    (await listOpen()).find(id => !before.includes(id))!
  )
}

beforeAll(async () => {
  months = await openMonths()
  revoking = openRevoking(months.issuing)
  store = createStatusStore(months.test.database)
  await months.postProfile('supersede', { reissue: 'supersede' })
  for (const name of ['good', 'revoked', 'held', 'returned', 'scrapped']) await issue(name)
  await revoking.revokeFor(ids.get('revoked')!, 'affiliationChanged')
  await revoking.hold(ids.get('held')!, act)
  await revoking.hold(ids.get('returned')!, act)
  await revoking.unhold(ids.get('returned')!, act)
  await months.scrap(ids.get('scrapped')!)
  for (const name of ['void', 'revoked-unissued']) {
    await begin(name, device(name))
  }
  await revoking.revokeFor(ids.get('revoked-unissued')!, 'keyCompromise')
  await months.declareVoid(ids.get('void')!)
  await months.activateNext()
  await issue('of-the-next-generation')
}, 60_000)
afterAll(() => months.close())

const expected = [
  ['good', { state: 'good' }],
  ['revoked', { state: 'revoked', reason: 'affiliationChanged' }],
  ['held', { state: 'revoked', reason: 'certificateHold' }],
  ['returned', { state: 'good' }],
  ['scrapped', { state: 'revoked', reason: 'cessationOfOperation' }],
  ['void', { state: 'unknown' }],
  ['revoked-unissued', { state: 'revoked', reason: 'keyCompromise' }],
  ['of-the-next-generation', { state: 'good' }]
] as const

describe('what is on record', () => {
  it.each(expected)('is told of a certificate that is %s', async (name, status) => {
    expect(await statusOf(name)).toMatchObject(status)
  })

  it('is told in the order of what is asked', async () => {
    const order = expected.map(([name]) => asked.get(name)!)
    expect(await store.find([...order, ...order])).toMatchObject([
      ...expected.map(([, status]) => status),
      ...expected.map(([, status]) => status)
    ])
  })

  it('of another generation is unknown, and so is what was never issued', async () => {
    const other = asked.get('of-the-next-generation')!.authorityId
    for (const name of ['good', 'revoked', 'held'])
      expect(await statusOf(name, other)).toEqual({ state: 'unknown' })
    const never = { authorityId: other, serialNumber: Uint8Array.of(0x12, 0x34), at: new Date() }
    expect(await store.find([never])).toEqual([{ state: 'unknown' }])
  })

  it('of an intent that was begun is unknown until its certificate is on record', async () => {
    const csr = device('begun')
    await begin('begun', csr)
    expect(await statusOf('begun')).toEqual({ state: 'unknown' })
    await months.issuing.issue(csr, 'supersede')
    expect(await statusOf('begun')).toEqual({ state: 'good' })
  })

  it('ends by itself where the certificate is superseded later, and says when until then', async () => {
    await months.postProfile('later', { reissue: 'supersede', supersededEnds: { afterDays: 30 } })
    for (const [name, middle] of [
      ['ended', old.middle],
      ['ending', new Date()]
    ] as const) {
      months.at(middle)
      await months.release(await issue(name, 'later'))
      await months.issuing.issue(device(name), 'later')
    }
    months.at(old.middle)
    expect(await statusOf('ended')).toMatchObject({ state: 'revoked', reason: 'superseded' })
    const { endsAt } = await months.prisma.certificateStatus.findUniqueOrThrow({
      where: { intentId: ids.get('ending')! }
    })
    expect(endsAt!.getTime()).toBeGreaterThan(Date.now())
    expect(await statusOf('ending')).toEqual({ state: 'good', until: endsAt })
  })
})

it('what a CRL says, OCSP says of each certificate: reason, time, and time of invalidity', async () => {
  months.at(new Date())
  const invalidityDate = new Date('2026-01-02T03:04:05Z')
  await revoking.revoke(await issue('invalid'), { reason: 'privilegeWithdrawn', invalidityDate }, act)
  expect(await statusOf('invalid')).toMatchObject({ state: 'revoked', invalidityDate })
  const reasons = new Set<string>()
  for (const authorityId of new Set([...asked.values()].map(each => each.authorityId)))
    for (const reason of (await expectAgreement(months.test.database, authorityId)).values())
      reasons.add(reason)
  expect([...reasons].sort()).toEqual([
    'affiliationChanged',
    'certificateHold',
    'cessationOfOperation',
    'keyCompromise',
    'privilegeWithdrawn',
    'superseded'
  ])
  months.at(old.middle)
})

it('what ends, ends by the time of the service', async () => {
  const { until } = await statusOf('ending')
  const { authorityId } = asked.get('ending')!
  expect(await statusOf('ending', authorityId, new Date(until!.getTime() - 1))).toMatchObject({
    state: 'good'
  })
  expect(await statusOf('ending', authorityId, until)).toMatchObject({ state: 'revoked', at: until })
})

describe('what is of a month that is detached', () => {
  beforeAll(async () => {
    for (const { intentId } of await months.prisma.openIntent.findMany()) await months.declareVoid(intentId)
    months.at(new Date())
    await revoking.sweep()
    const [before, of] = [asked.get('revoked')!.authorityId, months.test.database]
    const told = await expectAgreement(of, before)
    await months.detach(old.month)
    // Nor does a CRL leave out what is elsewhere.
    expect(await expectAgreement(of, before)).toEqual(told)
    expect(await months.prisma.intent.count({ where: { id: { lt: old.month.endId } } })).toBe(0)
  })

  it.each(expected)('is told as before: %s', async (name, status) => {
    expect(await statusOf(name)).toMatchObject(status)
  })

  it('is unknown to another generation, in either direction', async () => {
    const first = asked.get('good')!.authorityId
    const next = asked.get('of-the-next-generation')!.authorityId
    expect(await statusOf('good', next)).toEqual({ state: 'unknown' })
    expect(await statusOf('of-the-next-generation', first)).toEqual({ state: 'unknown' })
  })

  it('is undecided where the month was detached before this was kept', async () => {
    await months.client.query('BEGIN')
    await months.client.query('DELETE FROM detached_serial')
    await months.client.query('DELETE FROM detached_issuer')
    await months.client.query('COMMIT')
    expect(await statusOf('good')).toEqual({ state: 'undecided' })
    expect(await statusOf('revoked')).toMatchObject({ state: 'revoked' })
  })

  it('is told by the record again when it is attached', async () => {
    await months.attach(old.month)
    expect(await months.prisma.detachedSerial.count()).toBe(0)
    for (const [name, status] of expected) expect(await statusOf(name)).toMatchObject(status)
  })
})

describe('the status of what a generation has issued that another process has compromised', () => {
  it('is undecided, whatever this process has heard', async () => {
    const { authorityId } = asked.get('of-the-next-generation')!
    expect(await statusOf('of-the-next-generation')).toEqual({ state: 'good' })
    await months.client.query("UPDATE authority SET state = 'compromised' WHERE id = $1", [authorityId])
    expect(await statusOf('of-the-next-generation')).toEqual({ state: 'undecided' })
    expect(await statusOf('good')).toMatchObject({ state: 'good' })
  })
})
