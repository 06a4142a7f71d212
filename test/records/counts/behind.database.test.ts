import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { connectionConfig } from '../../../src/database/connection.ts'
import type { CountScope } from '../../../src/records/counts/count.ts'
import { createCounting } from '../../../src/records/counts/count-store.ts'
import { createReportStore } from '../../../src/records/reports/report-store.ts'
import { createFillStore } from '../../../src/records/search/filling/fill-store.ts'
import { createFilling } from '../../../src/records/search/filling/filling.ts'
import { createZone } from '../../../src/sources/site/zone.ts'
import { device, openRework, refusalOf, type Rework } from '../../issuance/rework/rework-test.ts'

const minuteMs = 60_000
const hourAgo = new Date(Math.floor(Date.now() / (15 * minuteMs)) * 15 * minuteMs - 60 * minuteMs)

let rework: Rework
let now = new Date(Date.now() - 200 * minuteMs)
let client: pg.Client
beforeAll(async () => {
  rework = await openRework({ clock: () => now })
  client = new pg.Client(connectionConfig(rework.test.connectionString, 'migration'))
  await client.connect()
  for (const age of [180, 120, 10]) {
    now = new Date(Date.now() - age * minuteMs)
    await rework.issuing.issue(device(`device-${age}`))
  }
  now = new Date()
})
afterAll(async () => {
  await client.end()
  await rework.close()
})

const step = async () =>
  createFilling({ store: createFillStore(rework.test.database), clock: () => now, batchSize: 2 }).step()
async function fill() {
  const filling = createFilling({
    store: createFillStore(rework.test.database),
    clock: () => now,
    batchSize: 2
  })
  for (let steps = 0; steps < 20 && (await filling.step()); steps += 1);
}

const asked = {
  summary: async (scope: CountScope) => {
    const by = { by: ['outcome'] as const, zone: createZone('UTC')! }
    const { groups } = await createCounting(rework.test.database).count({ ...by, ...scope })
    return groups.reduce((sum, { count }) => sum + count, 0)
  },
  report: async (scope: CountScope) => {
    const { outcomes } = await createReportStore(rework.test.database).read(scope, '')
    return outcomes.reduce((sum, { count }) => sum + count, 0)
  }
}

beforeEach(async () => {
  await client.query('SELECT reset_search()')
})

it.each(['summary', 'report'] as const)('a %s is refused until all that it counts is filled in', async of => {
  expect(await refusalOf(asked[of]({}))).toMatchObject({
    code: 'search_behind',
    detail: expect.stringContaining('counted anew') as string
  })
  // The two oldest.
  await step()
  expect(await refusalOf(asked[of]({}))).toMatchObject({
    code: 'search_behind',
    detail: expect.stringContaining('So far') as string
  })
  expect(await refusalOf(asked[of]({ to: hourAgo }))).toMatchObject({ code: 'search_behind' })
  expect(await asked[of]({ to: new Date(hourAgo.getTime() - 75 * minuteMs) })).toBe(1)
  await fill()
  expect(await asked[of]({})).toBe(3)
  expect(await asked[of]({ to: hourAgo })).toBe(2)
})

it.each(['summary', 'report'] as const)('a %s is refused when all was emptied under its eyes', async of => {
  await fill()
  const other = new pg.Client(connectionConfig(rework.test.connectionString, 'migration'))
  await other.connect()
  try {
    await other.query('BEGIN')
    await other.query('SELECT reset_search()')
    // It begins before that is committed, and waits.
    const answer = refusalOf(asked[of]({}))
    await waitsForTally()
    await other.query('COMMIT')
    expect(await answer).toMatchObject({ code: 'search_behind' })
  } finally {
    await other.end()
  }
})

async function waitsForTally() {
  for (let tries = 0; tries < 200; tries += 1, await pause(10)) {
    const { rows } = await client.query(
      `SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
    )
    if (rows.length > 0) return
  }
  throw new Error('nobody waits')
}
