import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { partitionOf } from '../../../src/records/months/month.ts'
import { device, refusalOf } from '../../issuance/rework/rework-test.ts'
import { dropMonth, dumpMonth, type Months, monthsAgo, openMonths, restoreMonth } from './months-test.ts'

const { month } = monthsAgo(5)
const intents = partitionOf('intent', month)
const csrs = Array.from({ length: 12 }, (_, index) => device(`device-${index}`))

let months: Months
let ids: readonly string[]
let certificates: readonly Buffer[]
let dumps: Awaited<ReturnType<typeof dumpMonth>>

const answers = async () => {
  const answered: Buffer[] = []
  for (const csr of csrs) {
    const { record } = await months.issuing.issue(csr)
    if (record.outcome !== 'issued') throw new Error('it was not issued')
    answered.push(Buffer.from(record.certificateDer))
  }
  return answered
}

beforeAll(async () => {
  months = await openMonths()
  certificates = await answers()
  await refusalOf(months.issuing.issue(new Uint8Array([1, 2, 3])))
  months.at(new Date())
  await months.detach(month)
  dumps = await dumpMonth(months.client, month)
  const { rows } = await months.client.query<{ id: string }>(`SELECT id::text FROM ${intents} ORDER BY id`)
  ids = rows.map(({ id }) => id)
})
afterAll(() => months.close())

/** As who owns the tables can: no guard is on while it is done. */
async function tamper(statement: string, values: readonly unknown[] = []): Promise<void> {
  await months.client.query(`ALTER TABLE ${intents} DISABLE TRIGGER append_only`)
  await months.client.query(statement, [...values])
  await months.client.query(`ALTER TABLE ${intents} ENABLE ALWAYS TRIGGER append_only`)
}

async function refusedFor(): Promise<string> {
  const { code, detail } = await refusalOf(months.attach(month))
  expect(code).toBe('month_refused')
  const { rows } = await months.client.query(
    `SELECT FROM pg_inherits WHERE inhrelid = 'public.${intents}'::regclass`
  )
  expect(rows).toHaveLength(0)
  return detail
}

describe('of a month whose tables come back from a dump', () => {
  beforeEach(async () => {
    await dropMonth(months.client, month)
    await restoreMonth(months.client, dumps)
  })

  it.each(['first', 'middle', 'last'] as const)('an altered row is named by its id: the %s', async which => {
    const id = ids.at({ first: 0, middle: 5, last: -1 }[which])!
    await tamper(`UPDATE ${intents} SET station = 'another' WHERE id = $1`, [id])
    expect(await refusedFor()).toContain(`in ${intents} the row ${id} is not as it was`)
  })

  it.each([0, 5, -1])('a row that was added is named, wherever it stands: at %i', async place => {
    const beside = ids.at(place)!
    const id = `${beside.slice(0, -1)}${beside.endsWith('f') ? 'e' : 'f'}`
    await months.client.query(
      `INSERT INTO ${intents} SELECT (jsonb_populate_record(own, jsonb_build_object('id', $2::uuid))).*
       FROM ${intents} AS own WHERE id = $1`,
      [beside, id]
    )
    expect(await refusedFor()).toContain(`in ${intents} the row ${id} is not as it was`)
  })

  it('a missing row is told by the one that stands in its place, or by the count', async () => {
    await tamper(`DELETE FROM ${intents} WHERE id = $1`, [ids[3]])
    expect(await refusedFor()).toContain(`the row ${ids[4]} is not as it was`)
    await tamper(`DELETE FROM ${intents} WHERE id > $1`, [ids[1]])
    await tamper(`DELETE FROM ${intents} WHERE id > $1`, [ids[0]])
    expect(await refusedFor()).toContain(`has 1 rows where ${ids.length} were detached`)
  })

  it('a certificate that is another is named by its issuance', async () => {
    const issued = partitionOf('issued', month)
    await months.client.query(`ALTER TABLE ${issued} DISABLE TRIGGER append_only`)
    await months.client.query(
      `UPDATE ${issued} SET issued_at = issued_at + interval '1 ms' WHERE intent_id = $1`,
      [ids[7]]
    )
    await months.client.query(`ALTER TABLE ${issued} ENABLE ALWAYS TRIGGER append_only`)
    expect(await refusedFor()).toContain(`in ${issued} the row ${ids[7]} is not as it was`)
  })

  it('all is as it was, with the columns and checks that came meanwhile: the same bytes for a retry, guarded', async () => {
    await months.client.query(`ALTER TABLE intent ADD COLUMN came_later text DEFAULT 'x'`)
    await months.client.query(`ALTER TABLE intent ADD CONSTRAINT came_later_check CHECK (came_later <> '')`)
    expect(await refusalOf(months.issuing.issue(csrs[0]!))).toMatchObject({ code: 'record_detached' })
    const attached = await months.attach(month)
    expect(attached.find(({ name }) => name === intents)).toMatchObject({ rows: ids.length })
    expect(await answers()).toEqual(certificates)
    await expect(
      months.client.query(`UPDATE ${intents} SET station = 'another' WHERE id = $1`, [ids[0]])
    ).rejects.toThrow()
    await months.detach(month)
    await months.attach(month)
    expect(await answers()).toEqual(certificates)
    const { rows } = await months.client.query<{ act: string; subject: string; reason: string }>(
      `SELECT act, subject, reason FROM audit_event WHERE act LIKE 'month.%' ORDER BY id`
    )
    const audited = (act: string) => ({ act, subject: `month/${month.name}`, reason: 'room' })
    expect(rows).toEqual(['month.detach', 'month.attach', 'month.detach', 'month.attach'].map(audited))
  })
})
