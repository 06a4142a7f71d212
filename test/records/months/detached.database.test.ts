import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../../src/sources/identifier.ts'
import { device, leaveOpen, refusalOf } from '../../issuance/rework/rework-test.ts'
import { makeDeviceKey } from '../../support/certification-request.ts'
import { administrator } from '../../support/issuing.ts'
import { type Months, monthsAgo, openMonths } from './months-test.ts'

const old = monthsAgo(5)
const later = monthsAgo(3)

/** Of the old month, and what became of them before it was detached. */
const names = ['kept', 'released', 'scrapped', 'two', 'locked', 'compromised', 'void'] as const
const keys = Object.fromEntries(names.map(name => [name, makeDeviceKey()]))
const csr = (name: (typeof names)[number], key = keys[name]!) => device(name, key)
const profiles: Readonly<Record<string, string>> = { two: 'two', locked: 'locked' }
const profileOf = (name: string) => profiles[name] ?? 'supersede'

let months: Months
const ids = new Map<string, string>()

beforeAll(async () => {
  months = await openMonths()
  await months.postProfile('supersede', { reissue: 'supersede' })
  await months.postProfile('two', { reissue: { allow: 2 } })
  await months.postProfile('locked', { reissue: 'supersede', sameKey: 'allow' })
  for (const name of names.filter(each => each !== 'void')) {
    const { record } = await months.issuing.issue(csr(name), profileOf(name))
    ids.set(name, record.id)
  }
  const open = await leaveOpen(months, stuck => stuck.issue(csr('void'), 'supersede'))
  ids.set('void', open)
  await months.declareVoid(open)
  for (const name of ['released', 'locked']) await months.release(ids.get(name)!)
  await months.scrap(ids.get('scrapped')!)
  months.at(new Date())
  await months.detach(old.month)
})
afterAll(() => months.close())

const issued = async () => {
  const { rows } = await months.client.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM certified_device'
  )
  return rows[0]!.count
}
const ask = (name: string, request: Uint8Array) => months.issuing.issue(request, profileOf(name))
const detached = { code: 'record_detached', members: { month: old.month.name } }

describe('a device whose intent of a month that is detached was declared void', () => {
  it('gets its certificate, with the key that it had', async () => {
    const { record } = await ask('void', csr('void'))
    expect(record).toMatchObject({ outcome: 'issued' })
    expect(record.id).not.toBe(ids.get('void'))
    // And that is what its retries get.
    expect((await ask('void', csr('void'))).record.id).toBe(record.id)
    expect(await refusalOf(months.issuing.records.find(ids.get('void')!))).toMatchObject(detached)
  })
})

describe('a device whose certificate is of a month that is detached', () => {
  it.each(['kept', 'released', 'scrapped', 'two', 'locked', 'compromised'] as const)(
    'gets no other: %s, by its own CSR, nor by one of a new key',
    async name => {
      const before = await issued()
      expect(await refusalOf(ask(name, csr(name)))).toMatchObject(detached)
      if (name !== 'two')
        expect(await refusalOf(ask(name, csr(name, makeDeviceKey())))).toMatchObject(detached)
      expect(await issued()).toBe(before)
    }
  )

  it('gets none by another profile, where the device is the same', async () => {
    expect(await refusalOf(months.issuing.issue(csr('kept', makeDeviceKey()), 'two'))).toMatchObject(detached)
    expect(await refusalOf(months.issuing.issue(csr('two', makeDeviceKey()), 'supersede'))).toMatchObject(
      detached
    )
  })

  it('keeps its key: no other device gets it', async () => {
    const before = await issued()
    for (const name of ['kept', 'released', 'scrapped', 'compromised'] as const)
      expect(await refusalOf(ask(name, device(`not-${name}`, keys[name])))).toMatchObject(detached)
    expect(await issued()).toBe(before)
  })

  it('is told with the month by whatever asks for the record, and nothing acts upon it', async () => {
    const id = ids.get('kept')!
    expect(await refusalOf(months.issuing.records.find(id))).toMatchObject(detached)
    expect(await refusalOf(months.release(id))).toMatchObject(detached)
    expect(await refusalOf(months.scrap(id))).toMatchObject(detached)
    expect(await refusalOf(months.declareVoid(id))).toMatchObject(detached)
  })

  it('is not in lists, which say so where their range touches the month', async () => {
    const { items, detachedMonths } = await months.issuing.records.list({ limit: 100 })
    expect(items.map(({ id }) => id)).not.toContain(ids.get('kept'))
    expect(detachedMonths).toEqual([old.month.name])
    const since = await months.issuing.records.list({ limit: 100, from: later.middle })
    expect(since.detachedMonths).toEqual([])
    const until = await months.issuing.records.list({ limit: 100, to: monthsAgo(6).middle })
    expect(until.detachedMonths).toEqual([])
  })

  it('is refused with an issuance of its own by hand, as the owner of the tables', async () => {
    const base = ids.get('released')!
    const next = newId(new Date(), size => new Uint8Array(size).fill(7))
    const { rows } = await months.client.query<{ device: Buffer }>(
      'SELECT device_sha256 AS device FROM certified_device WHERE intent_id = $1',
      [base]
    )
    await months.issuing.issue(device('by-hand'), 'supersede')
    await months.client.query('BEGIN')
    await months.client.query(
      `INSERT INTO intent SELECT (jsonb_populate_record(intent, jsonb_build_object('id', $1::uuid, 'device_sha256', $2::bytea, 'spki_sha256', sha256('new'::bytea)))).*
       FROM intent ORDER BY id DESC LIMIT 1`,
      [next, rows[0]!.device]
    )
    await months.client.query('INSERT INTO open_intent VALUES ($1)', [next])
    await months.client.query(`INSERT INTO certified_key VALUES (sha256('new'::bytea), 1, $1, $2)`, [
      rows[0]!.device,
      next
    ])
    await months.client.query('INSERT INTO succession VALUES ($1, $2)', [next, base])
    await expect(
      months.client.query('INSERT INTO certified_device VALUES ($1, 2, $2)', [rows[0]!.device, next])
    ).rejects.toMatchObject({
      code: '23000',
      message: expect.stringContaining('a month that is not there') as string
    })
    await months.client.query('ROLLBACK')
  })

  it('has its month told by whoever blocks its key, since no certificate of it can be named', async () => {
    const { rows } = await months.client.query<{ key: Buffer }>(
      'SELECT spki_sha256 AS key FROM certified_key WHERE intent_id = $1',
      [ids.get('locked')]
    )
    const spkiSha256 = rows[0]!.key
    const { blockedKeys } = months.issuing
    const found = { uses: [], detachedMonths: [old.month.name] }
    expect(await blockedKeys.block({ spkiSha256, reason: 'key_compromised' }, administrator)).toMatchObject(
      found
    )
    expect(await blockedKeys.describe(spkiSha256)).toMatchObject(found)
    const [block] = (
      await months.client.query<{ after: object }>(`SELECT after FROM audit_event WHERE act = 'key.block'`)
    ).rows
    expect(block?.after).toMatchObject({ detachedMonths: [old.month.name] })
  })

  it('that is compromised meanwhile gets none either', async () => {
    const generation = await months.activateNext()
    expect(generation).toBe('starter-g2')
    await months.client.query(`UPDATE authority SET state = 'compromised' WHERE name = 'starter-g1'`)
    await months.issuing.authorities.refresh()
    const before = await issued()
    expect(await refusalOf(ask('compromised', csr('compromised')))).toMatchObject(detached)
    expect(await refusalOf(ask('compromised', csr('compromised', makeDeviceKey())))).toMatchObject(detached)
    expect(await issued()).toBe(before)
  })

  it('has what it had once the month is attached: its record, its scrapping', async () => {
    await months.attach(old.month)
    expect(await refusalOf(ask('scrapped', csr('scrapped')))).toMatchObject({ code: 'certificate_revoked' })
    expect(await months.issuing.records.find(ids.get('kept')!)).toMatchObject({ outcome: 'issued' })
    expect(await refusalOf(months.attach(old.month))).toMatchObject({ code: 'month_refused' })
  })
})
