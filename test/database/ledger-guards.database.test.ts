import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let test: TestDatabase

const entry = `decode(repeat('01', 58), 'hex')`
const framed = (count: number) => `decode(repeat('01', ${60 * count}), 'hex')`
const hash = (octet: string) => `decode(repeat('${octet}', 32), 'hex')`

const checkpoint = (size: number, { root = hash('aa'), at = '2026-01-01T10:00:00Z' } = {}) =>
  `INSERT INTO ledger_checkpoint VALUES (${size}, ${root}, 'example.com/log', '${at}', '— a b')`

const cosignature = (size: number) =>
  `INSERT INTO ledger_cosignature VALUES (${size}, 'witness', '\\x01020304', '\\x01', now())`

/** As the service, or as the owner of the tables. */
const run = (statement: string, by: 'database' | 'owner' = 'database'): Promise<number> =>
  test[by].prisma.$executeRawUnsafe(statement)

/** The SQLSTATE of the refusal. */
async function refusalOf(statement: string, by: 'database' | 'owner' = 'database'): Promise<unknown> {
  const error: unknown = await run(statement, by).then(
    () => undefined,
    (reason: unknown) => reason
  )
  const meta = (
    error as { meta?: { driverAdapterError?: { cause?: { originalCode?: string } } } } | undefined
  )?.meta
  return meta?.driverAdapterError?.cause?.originalCode
}

const refused = '23000'
const forbidden = '42501'
const unfit = '23514'

beforeAll(async () => {
  test = await createTestDatabase()
  await run(`INSERT INTO ledger_queue (entries) VALUES (${entry})`)
  await run(`INSERT INTO ledger_tail VALUES (256, ${framed(2)})`)
  await run(
    `INSERT INTO ledger_bundle VALUES (0, '{[1,3)}', ${framed(256)}, decode(repeat('01', 2048), 'hex'))`
  )
  await run(`INSERT INTO ledger_tile VALUES (1, 0, ${hash('01')})`)
  await run(
    `INSERT INTO ledger_key VALUES ('\\x01020304', 'example.com/log', ${hash('01')}, 0, now(), 'unknown')`
  )
  await run(`UPDATE ledger_head SET size = 1000, root = ${hash('aa')}`)
  await run(
    `INSERT INTO ledger_finding VALUES ('00000000-0000-7000-8000-000000000001', now(), 'order', NULL, 1, 'detail')`
  )
})

afterAll(() => test.drop())

describe('the service', () => {
  const statements = {
    'changes no queued row': 'UPDATE ledger_queue SET entries = entries',
    'empties no queue': 'TRUNCATE ledger_queue',
    'changes no tail': 'UPDATE ledger_tail SET entries = entries',
    'changes no bundle': 'UPDATE ledger_bundle SET entries = entries',
    'drops no bundle': 'DELETE FROM ledger_bundle',
    'drops no tile': 'DELETE FROM ledger_tile',
    'moves no tile': 'UPDATE ledger_tile SET tile_index = 2',
    'drops no key': 'DELETE FROM ledger_key',
    'drops no head': 'DELETE FROM ledger_head',
    'changes no checkpoint': 'UPDATE ledger_checkpoint SET size = 1',
    'drops no finding': 'DELETE FROM ledger_finding',
    'changes no finding': `UPDATE ledger_finding SET code = 'other'`
  }
  it.each(Object.entries(statements))('%s', async (_, statement) => {
    expect(await refusalOf(statement)).toBe(forbidden)
  })
})

describe('the triggers, of the owner too,', () => {
  const statements = {
    'keep a queued row whole': 'UPDATE ledger_queue SET entries = entries',
    'keep a bundle': 'DELETE FROM ledger_bundle',
    'keep a tile': 'DELETE FROM ledger_tile',
    'keep a tile at its place': 'UPDATE ledger_tile SET tile_index = 2',
    'let no hash of a tile be another': `UPDATE ledger_tile SET hashes = ${hash('02')} || ${hash('02')}`,
    'keep a key': 'UPDATE ledger_key SET since_size = 1',
    'keep the head': 'DELETE FROM ledger_head',
    'let the head not go back': 'UPDATE ledger_head SET size = 999',
    'let the head not become another of its size': `UPDATE ledger_head SET root = ${hash('bb')}`,
    'keep a finding': 'DELETE FROM ledger_finding',
    'let no finding be another': `UPDATE ledger_finding SET code = 'other'`
  }
  it.each(Object.entries(statements))('%s', async (_, statement) => {
    expect(await refusalOf(statement, 'owner')).toBe(refused)
  })

  it('let what is no entry not into the queue', async () => {
    expect(await refusalOf(`INSERT INTO ledger_queue (entries) VALUES ('')`)).toBe(unfit)
    expect(await refusalOf(`INSERT INTO ledger_queue (entries) VALUES ('\\x01')`)).toBe(unfit)
  })

  it('let the queue and the tail be worked off', async () => {
    expect(await run('DELETE FROM ledger_queue')).toBe(1)
    expect(await run('DELETE FROM ledger_tail')).toBe(1)
  })

  it('let hashes come behind those of a tile', async () => {
    expect(await run(`UPDATE ledger_tile SET hashes = hashes || ${hash('02')}`)).toBe(1)
  })

  it('let the head stop where it is', async () => {
    expect(await run(`UPDATE ledger_head SET stopped = '{"code": "ledger_raced"}'`)).toBe(1)
    expect(await run('UPDATE ledger_head SET stopped = NULL')).toBe(1)
  })

  it('let a finding be acknowledged once', async () => {
    const acknowledge = `UPDATE ledger_finding SET acknowledged_at = now(), acknowledged_by = 'admin', reason = 'known'`
    expect(await run(acknowledge)).toBe(1)
    expect(await refusalOf(acknowledge)).toBe(refused)
  })

  it('tell one finding once', async () => {
    const again = `INSERT INTO ledger_finding VALUES (gen_random_uuid(), now(), 'order', NULL, 1, 'again')`
    expect(await refusalOf(again)).toBe('23505')
  })
})

describe('checkpoints', () => {
  it('are of no more than the head, and of its root', async () => {
    expect(await refusalOf(checkpoint(1001))).toBe(refused)
    expect(await refusalOf(checkpoint(1000, { root: hash('bb') }))).toBe(refused)
  })

  it('grow in size and time, and one of a size that there is lets pass what says so', async () => {
    await run(checkpoint(10))
    expect(await refusalOf(checkpoint(9, { at: '2026-01-01T10:00:01Z' }))).toBe(refused)
    expect(await refusalOf(checkpoint(11))).toBe(refused)
    expect(await run(`${checkpoint(10)} ON CONFLICT (size) DO NOTHING`)).toBe(0)
  })

  it('are thinned to the last of an hour, and the last of it that was cosigned', async () => {
    const minutes = [20, 30, 40, 50]
    for (const minute of minutes) await run(checkpoint(minute, { at: `2026-01-01T10:${minute}:00Z` }))
    await run(checkpoint(60, { at: '2026-01-01T11:10:00Z' }))
    for (const size of [20, 30]) await run(cosignature(size))
    expect(await refusalOf('DELETE FROM ledger_checkpoint WHERE size = 20')).toBe('23001')
    expect(await refusalOf('DELETE FROM ledger_cosignature WHERE size = 30')).toBe(refused)
    expect(await run('DELETE FROM ledger_cosignature WHERE size = 20')).toBe(1)
    expect(await run('DELETE FROM ledger_checkpoint WHERE size IN (10, 20, 40)')).toBe(3)
    expect(await refusalOf('DELETE FROM ledger_checkpoint WHERE size = 30')).toBe('23001')
    for (const size of [50, 60])
      expect(await refusalOf(`DELETE FROM ledger_checkpoint WHERE size = ${size}`)).toBe(refused)
  })

  it('stay for a week, all of them', async () => {
    const at = (before: number) => new Date(Date.now() - before).toISOString()
    await run(checkpoint(70, { at: at(2000) }))
    await run(checkpoint(71, { at: at(1000) }))
    expect(await refusalOf('DELETE FROM ledger_checkpoint WHERE size = 70')).toBe(refused)
  })
})
