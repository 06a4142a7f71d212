import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseMonth } from '../../../src/records/months/month.ts'
import { subscribe } from '../../events/owed.ts'
import { device, leaveOpen, refusalOf } from '../../issuance/rework/rework-test.ts'
import { dropMonth, dumpMonth, type Months, monthsAgo, openMonths, restoreMonth } from './months-test.ts'

const [old, ending, succeeding] = [monthsAgo(5), monthsAgo(4), monthsAgo(3)]

let months: Months
beforeAll(async () => {
  months = await openMonths()
  await months.postProfile('supersede', { reissue: 'supersede' })
  await months.postProfile('later', { reissue: 'supersede', supersededEnds: { afterDays: 3650 } })
})
afterAll(() => months.close())

const idOf = async (csr: Uint8Array, profile = 'supersede', lot?: string) =>
  (await months.issuing.issue(csr, profile, { lot })).record.id
const detailOf = async (work: Promise<unknown>) => {
  const { code, detail } = await refusalOf(work)
  expect(code).toBe('month_refused')
  return detail
}
const countDetached = async () =>
  (await months.client.query<{ count: number }>('SELECT count(*)::int AS count FROM detached_month')).rows[0]!
    .count

describe('a month is not detached', () => {
  it.each([-1, 0, 1])('%i months after it', async ago => {
    expect(await detailOf(months.detach(monthsAgo(ago).month))).toContain('is not old enough')
  })

  it('that has no partitions', async () => {
    expect(await detailOf(months.detach(parseMonth('2001-01')!))).toContain('has no partitions')
  })

  it('with an open issuance; declared void, it is in nobody’s way', async () => {
    const open = await leaveOpen(months, stuck => stuck.issue(device('open'), 'supersede'))
    expect(await detailOf(months.detach(old.month))).toContain('1 of its issuances are open')
    await months.declareVoid(open)
  })

  it('with devices of a lot that is not closed, which it names', async () => {
    await months.openLot('unclosed', 'supersede', 5)
    await idOf(device('of-lot'), 'supersede', 'unclosed')
    expect(await detailOf(months.detach(old.month))).toMatch(/not closed.*: unclosed\. Close them first/)
    await refusalOf(months.issuing.issue(new Uint8Array([1, 2, 3]), 'supersede', { lot: 'unclosed' }))
    await months.closeLot('unclosed')
  })

  it('whose events the webhook is owed', async () => {
    await subscribe(months.test.database)
    await idOf(device('told'))
    await subscribe(months.test.database, [])
    expect(await detailOf(months.detach(old.month))).toContain('owed 1 events')
    await months.client.query('DELETE FROM outgoing_event')
  })

  it('with certificates that are superseded and stand for a while yet', async () => {
    months.at(ending.middle)
    await months.release(await idOf(device('ends-later'), 'later'))
    await idOf(device('ends-later'), 'later')
    months.at(new Date())
    expect(await detailOf(months.detach(ending.month))).toContain(
      '1 of its certificates are superseded and end later'
    )
  })

  it('whose certificate an open issuance is to supersede', async () => {
    months.at(succeeding.middle)
    await months.release(await idOf(device('followed')))
    months.at(new Date())
    const open = await leaveOpen(months, stuck => stuck.issue(device('followed'), 'supersede'))
    expect(await detailOf(months.detach(succeeding.month))).toContain(
      '1 open issuances are to take the place'
    )
    await months.declareVoid(open)
    await months.detach(succeeding.month)
    expect(await refusalOf(months.issuing.issue(device('followed'), 'supersede'))).toMatchObject({
      code: 'record_detached',
      members: { month: succeeding.month.name }
    })
  })

  it('while an order to revoke is under way, which would pass over it', async () => {
    await months.client.query(`
      INSERT INTO revocation_order (id, created_at, actor, selection, reason, note, expected)
      VALUES (gen_random_uuid(), now(), 'admin/test', '{"station":"starter"}', 'unspecified', 'test', 1)`)
    expect(await detailOf(months.detach(old.month))).toContain('1 orders to revoke are under way')
    await months.client.query('UPDATE revocation_order SET finished_at = now()')
  })

  it('while somebody writes into it', async () => {
    const writer = await months.connect()
    const name = `intent_${old.month.name.replace('-', '_')}`
    await writer.query(`BEGIN; LOCK TABLE ${name} IN ROW EXCLUSIVE MODE`)
    expect(await detailOf(months.detach(old.month))).toContain('somebody writes into it')
    await writer.end()
  })

  it('twice, by whoever comes at the same time, or later', async () => {
    const other = await months.connect()
    const both = await Promise.allSettled([months.detach(old.month), months.detachBy(other, old.month)])
    await other.end()
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await detailOf(months.detach(old.month))).toContain('is detached already')
    expect(await countDetached()).toBe(2)
  })

  it('and what closed lots count stays', async () => {
    expect(await months.issuing.core.lots.find('unclosed')).toMatchObject({ issued: 1, refused: 1 })
  })
})

describe('a month is not attached', () => {
  const partition = () => `intent_${old.month.name.replace('-', '_')}`

  it('that is not detached', async () => {
    expect(await detailOf(months.attach(ending.month))).toContain('is not detached')
  })

  it('whose tables lack their guard, or have another', async () => {
    const { client } = months
    await client.query(`ALTER TABLE ${partition()} DISABLE TRIGGER append_only`)
    expect(await detailOf(months.attach(old.month))).toContain('trigger append_only')
    await client.query(`ALTER TABLE ${partition()} ENABLE ALWAYS TRIGGER append_only`)
    await client.query(
      `CREATE TRIGGER other BEFORE INSERT ON ${partition()} EXECUTE FUNCTION refuse_change()`
    )
    expect(await detailOf(months.attach(old.month))).toContain('not ours: other')
    await client.query(`DROP TRIGGER other ON ${partition()}`)
  })

  it('by hand and then by the command', async () => {
    const { client } = months
    const { firstId, endId } = old.month
    await client.query(
      `ALTER TABLE intent ATTACH PARTITION ${partition()} FOR VALUES FROM ('${firstId}') TO ('${endId}')`
    )
    expect(await detailOf(months.attach(old.month))).toContain('was attached by hand')
    await client.query(`ALTER TABLE intent DETACH PARTITION ${partition()}`)
  })

  it('whose tables are not there, which it names, nor with a column less', async () => {
    const { client } = months
    const dumps = await dumpMonth(client, old.month)
    await dropMonth(client, old.month)
    expect(await detailOf(months.attach(old.month))).toContain(`${partition()}, issued_`)
    await restoreMonth(client, dumps)
    await client.query(`ALTER TABLE ${partition()} RENAME COLUMN metadata TO renamed`)
    expect(await detailOf(months.attach(old.month))).toContain('has lost columns: metadata')
    await client.query(`ALTER TABLE ${partition()} RENAME COLUMN renamed TO metadata`)
    await months.attach(old.month)
    expect(await countDetached()).toBe(1)
    expect(await months.issuing.core.lots.find('unclosed')).toMatchObject({ issued: 1, refused: 1 })
  })
})
