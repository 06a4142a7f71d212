import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCompromises } from '../../../src/revocation/compromise/compromise.ts'
import { createCompromiseStore } from '../../../src/revocation/compromise/compromise-store.ts'
import { listCompromiseWarnings } from '../../../src/revocation/compromise/warnings.ts'
import { device, refusalOf } from '../../issuance/rework/rework-test.ts'
import { type Months, monthsAgo, openMonths } from '../../records/months/months-test.ts'
import { openRevoking, type Revoking } from '../revoking.ts'

const [own, foreign] = [monthsAgo(5), monthsAgo(4)]
const later = new Date(own.middle.getTime() + 60_000)
const name = 'starter-g1'
const ends = new Date('9999-12-31T00:00:00Z')

let months: Months
let revoking: Revoking
beforeAll(async () => {
  months = await openMonths()
  revoking = openRevoking(months.issuing)
  await months.issuing.issue(device('old'))
  months.at(later)
  await months.issuing.issue(device('later'))
  // Of this month there is a refusal alone.
  months.at(foreign.middle)
  await refusalOf(months.issuing.issue(new Uint8Array([1, 2, 3])))
  months.at(new Date())
  for (const { month } of [own, foreign]) await months.detach(month)
  await months.issuing.issue(device('new'))
  const orderId = await months.compromise()
  // Two that the database took no act of.
  await months.client.query('UPDATE revocation_order SET failed = 2')
  await revoking.run(orderId!)
})
afterAll(() => months.close())

const store = () => createCompromiseStore(months.test.database)
const find = (clock = () => new Date()) =>
  createCompromises({ store: store(), records: months.issuing.records, clock }).find(name)
const warnings = () => months.issuing.core.listWarnings()
const told = async () => (await warnings()).filter(({ kind }) => kind === 'compromise_incomplete')

it('of a compromise names the months alone in which that generation issued', async () => {
  expect(await find()).toMatchObject({ isAllRevoked: true, failed: 2, detachedMonths: [own.month.name] })
  const [warning, ...others] = await told()
  expect(others).toEqual([])
  expect(warning).toMatchObject({ authority: name })
  expect(warning!.message).toContain(`what it issued in ${own.month.name} is not revoked`)
  expect(await listCompromiseWarnings(store(), ends)).toEqual([])

  const issuer = 'INSERT INTO detached_issuer (month, authority_id) VALUES ($1, gen_random_uuid())'
  await months.client.query(issuer, [foreign.month.name])
  expect((await find()).detachedMonths).toEqual([own.month.name])
  await months.client.query(
    'INSERT INTO detached_serial (serial_number, month, authority_id) SELECT $1, $2, id FROM authority WHERE name = $3',
    [Buffer.of(1), foreign.month.name, name]
  )
  expect((await find()).detachedMonths).toEqual([foreign.month.name, own.month.name])
})

it('is told of no more once they are attached', async () => {
  for (const { month } of [own, foreign]) await months.attach(month)
  expect((await find()).detachedMonths).toEqual([])
  expect((await told())[0]!.message).not.toContain('detached')
})

it('tells what could not be revoked until an order about all of it could', async () => {
  expect((await told())[0]!.message).toContain('2 of its certificates could not be revoked')
  months.at(new Date())
  const some = await revoking.place({ authority: name, to: later }, 'cACompromise')
  await revoking.run(some.id)
  expect(await find()).toMatchObject({ failed: 2 })
  const all = await revoking.place({ authority: name }, 'cACompromise')
  expect(await told()).toHaveLength(1)
  await revoking.run(all.id)
  expect(await find()).toMatchObject({ failed: 0 })
  expect(await told()).toEqual([])
})

it('waits for no last CRL once the certificate of the generation has ended', async () => {
  expect(await find()).toMatchObject({ lastCrl: 'waiting' })
  expect(await find(() => ends)).toMatchObject({ lastCrl: 'missed' })
})
