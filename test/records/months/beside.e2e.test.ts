import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partitionOf } from '../../../src/records/months/month.ts'
import { device } from '../../issuance/rework/rework-test.ts'
import { expectWithin } from '../../support/time-limit.ts'
import { dropMonth, dumpMonth, type Months, monthsAgo, openMonths, restoreMonth } from './months-test.ts'

const { month } = monthsAgo(5)
const intents = partitionOf('intent', month)

let months: Months
let first: Uint8Array
beforeAll(async () => {
  months = await openMonths()
  for (let index = 0; index < 50; index++) await months.issuing.issue(device(`old-${index}`))
  first = device('first')
  await months.issuing.issue(first)
  months.at(new Date())
  // What is to come has its partitions before anybody is held up.
  await months.issuing.issue(device('new'))
})
afterAll(() => months.close())

/** Whether the month is in the record, which must be one way or the other for all that tells of it. */
async function isAttached(): Promise<boolean> {
  const { rows } = await months.client.query<{ attached: number; noted: number; acts: number }>(
    `SELECT (SELECT count(*)::int FROM pg_inherits WHERE inhrelid IN (
         SELECT oid FROM pg_class WHERE relname LIKE '%\\_' || replace($1, '-', '_'))) AS attached,
       (SELECT count(*)::int FROM detached_month) + (SELECT count(DISTINCT name)::int FROM detached_table) AS noted,
       (SELECT count(*) FILTER (WHERE act = 'month.detach') - count(*) FILTER (WHERE act = 'month.attach')
        FROM audit_event)::int AS acts`,
    [month.name]
  )
  const [{ attached, noted, acts }] = rows as [(typeof rows)[number]]
  expect([
    { attached: 4, noted: 0, acts: 0 },
    { attached: 0, noted: 5, acts: 1 }
  ]).toContainEqual({ attached, noted, acts })
  return noted === 0
}

const command = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))

/** `mintline months`, as another process. */
function start(verb: 'detach' | 'attach') {
  const { PATH, HOME } = process.env
  return spawn(process.execPath, [command, 'months', verb, month.name], {
    env: {
      PATH,
      HOME,
      DATABASE_URL: months.test.connectionString,
      MINTLINE_DATA_DIR: months.directory
    },
    stdio: 'ignore'
  })
}

async function run(verb: 'detach' | 'attach'): Promise<number | null> {
  const child = start(verb)
  await once(child, 'exit')
  return child.exitCode
}

/** Until the command waits for a lock of that table. */
async function waitsFor(table: string): Promise<void> {
  for (const end = performance.now() + 30_000; performance.now() < end; await pause(20)) {
    const { rows } = await months.client.query(
      `SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass`,
      [table]
    )
    if (rows.length > 0) return
  }
  throw new Error(`nobody waits for ${table}`)
}

/** Kills the command where it waits for what `lock` holds, and lets that go. */
async function killAt(verb: 'detach' | 'attach', table: string, lock: string): Promise<void> {
  const holder = await months.connect()
  await holder.query(`BEGIN; LOCK TABLE ONLY ${table} IN ${lock} MODE`)
  const child = start(verb)
  await waitsFor(table)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await holder.end()
  await nobodyIsLeft()
}

/** Until the server has noticed that the command is no more. */
async function nobodyIsLeft(): Promise<void> {
  for (const end = performance.now() + 30_000; performance.now() < end; await pause(20)) {
    const { rows } = await months.client.query(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = x'6d6f6e74'::int::oid`
    )
    if (rows.length === 0) return
  }
  throw new Error('the lock of the command is still held')
}

describe('kill -9', () => {
  it.each([
    ['before anything is read', intents, 'ROW EXCLUSIVE'],
    ['once the rows are read', 'intent', 'ACCESS SHARE'],
    ['while the last table is waited for', 'refusal_count', 'ACCESS SHARE']
  ])('leaves nothing of a detaching: %s', async (_, table, lock) => {
    await killAt('detach', table, lock)
    expect(await isAttached()).toBe(true)
    expect((await months.issuing.issue(first)).record).toMatchObject({ outcome: 'issued' })
  })

  it('is mended by the same command again', async () => {
    expect(await run('detach')).toBe(0)
    expect(await isAttached()).toBe(false)
  })

  it.each([
    ['before anything is read', intents, 'ACCESS SHARE'],
    ['once the rows are read', 'intent', 'SHARE UPDATE EXCLUSIVE'],
    ['between two tables', 'refusal', 'SHARE UPDATE EXCLUSIVE']
  ])('leaves nothing of an attaching: %s', async (_, table, lock) => {
    await killAt('attach', table, lock)
    expect(await isAttached()).toBe(false)
  })

  it('is mended by the same command again, the other way', async () => {
    expect(await run('attach')).toBe(0)
    expect(await isAttached()).toBe(true)
    expect((await months.issuing.issue(first)).record).toMatchObject({ outcome: 'issued' })
  })
})

describe('while stations go on', () => {
  it('each of them is served, through detaching, dropping, restoring and attaching', async () => {
    let isOver = false
    const slowest = { detach: 0, attach: 0 }
    const issuedBy = async (station: number, verb: 'detach' | 'attach') => {
      let issued = 0
      for (; !isOver; issued++) {
        const start = performance.now()
        await months.issuing.issue(device(`${verb}-${station}-${issued}`))
        slowest[verb] = Math.max(slowest[verb], performance.now() - start)
      }
      return issued
    }
    const during = async <Result>(verb: 'detach' | 'attach', work: () => Promise<Result>) => {
      isOver = false
      const stations = [1, 2, 3, 4].map(station => issuedBy(station, verb))
      await pause(500)
      const result = await work().finally(() => (isOver = true))
      const issued = (await Promise.all(stations)).reduce((sum, count) => sum + count, 0)
      expect(issued).toBeGreaterThan(4)
      return { result, issued }
    }
    const detached = await during('detach', () => months.detach(month))
    const dumps = await dumpMonth(months.client, month)
    await dropMonth(months.client, month)
    await restoreMonth(months.client, dumps)
    const attached = await during('attach', () => months.attach(month))
    const { lockedMs, waits } = detached.result
    console.info(
      `locked for ${lockedMs.toFixed(1)} ms after ${waits} waits; ${detached.issued} and ${attached.issued} devices meanwhile, the slowest in ${slowest.detach.toFixed(0)} and ${slowest.attach.toFixed(0)} ms`
    )
    expectWithin(lockedMs, 200)
    const { rows } = await months.client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM intent JOIN issued ON intent_id = id
       WHERE id >= '${month.endId}' AND intent.tbs_der IS NOT NULL`
    )
    expect(rows[0]!.count).toBe(1 + detached.issued + attached.issued)
  })
})
