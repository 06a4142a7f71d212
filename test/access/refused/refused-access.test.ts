import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRefusedAccesses, type RefusedAccess } from '../../../src/access/refused/refused-access.ts'
import type { AuditEvent } from '../../../src/audit/audit-event.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'

const refused: RefusedAccess = {
  act: 'sign-in.refuse',
  source: '192.0.2.7',
  actor: undefined,
  credential: undefined,
  code: 'token_invalid',
  route: 'GET /v1/lots',
  request: undefined,
  requestId: 'request-1'
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-12-01T06:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

function open(options: { fail?: () => boolean; storageReserve?: () => boolean } = {}) {
  const { fail = () => false, storageReserve = () => false } = options
  const written: AuditEvent[][] = []
  const warned: object[] = []
  const accesses = createRefusedAccesses({
    async insert(events) {
      if (fail()) throw new Error('away')
      written.push([...events])
    },
    storageReserve,
    clock: () => new Date(),
    randomBytes: createRandomSource(),
    log: { warn: (what: object) => void warned.push(what) }
  })
  return { accesses, written, warned }
}

const minute = () => vi.advanceTimersByTimeAsync(60_000)

describe('who is not let in', () => {
  it('is on record once a minute for each source and actor, with what was tried how often', async () => {
    const { accesses, written } = open()
    accesses.note(refused)
    await vi.advanceTimersByTimeAsync(10_000)
    accesses.note({ ...refused, code: 'token_expired', route: 'POST /v1/lots', requestId: 'request-2' })
    const byEve = { ...refused, actor: 'auditor/eve', credential: 'token-1' }
    accesses.note({ ...byEve, act: 'access.refuse', code: 'role_forbidden' })
    accesses.note({ ...byEve, act: 'act.refuse', code: 'lot_closed', request: 'POST /v1/lots/l1/pause' })
    expect(written).toEqual([])
    await vi.advanceTimersByTimeAsync(50_000)
    expect(written).toMatchObject([
      [
        {
          actor: 'unknown',
          act: 'sign-in.refuse',
          subject: 'source/192.0.2.7',
          requestId: 'request-2',
          after: {
            count: 2,
            codes: { token_invalid: 1, token_expired: 1 },
            routes: ['GET /v1/lots', 'POST /v1/lots'],
            firstAt: '2026-12-01T06:00:00.000Z',
            lastAt: '2026-12-01T06:00:10.000Z'
          }
        },
        {
          actor: 'auditor/eve',
          credential: 'token-1',
          act: 'access.refuse',
          after: { count: 1, codes: { role_forbidden: 1 } }
        },
        {
          actor: 'auditor/eve',
          act: 'act.refuse',
          after: { count: 1, codes: { lot_closed: 1 }, requests: ['POST /v1/lots/l1/pause'] }
        }
      ]
    ])
    await minute()
    expect(written).toHaveLength(1)
    accesses.note(refused)
    await minute()
    expect(written[1]).toMatchObject([{ after: { count: 1 } }])
  })

  it('is told together where there are many sources, and none is left out', async () => {
    const { accesses, written } = open()
    for (let source = 0; source < 5_000; source++) accesses.note({ ...refused, source: `source-${source}` })
    await minute()
    const [events = []] = written
    expect(events).toHaveLength(101)
    expect(events.at(-1)).toMatchObject({ subject: 'source/*', after: { count: 4_900 } })
  })

  it('has few of the routes and paths that were tried', async () => {
    const { accesses, written } = open()
    for (let route = 0; route < 1_000; route++)
      accesses.note({ ...refused, route: `GET /v1/${route}`, request: `GET /v1/lots/${route}` })
    await minute()
    expect(written[0]![0]!.after).toMatchObject({ count: 1_000 })
    const { routes, requests } = written[0]![0]!.after as Record<'routes' | 'requests', string[]>
    expect([routes.length, requests.length]).toEqual([10, 10])
  })
})

describe('a database that is away', () => {
  it('gets them when it is back, each once', async () => {
    let isAway = true
    const { accesses, written } = open({ fail: () => isAway })
    accesses.note(refused)
    await minute()
    accesses.note(refused)
    await minute()
    isAway = false
    await minute()
    expect(written).toHaveLength(1)
    expect(written[0]!.map(({ after }) => (after as { count: number }).count)).toEqual([1, 1])
    await accesses.close()
    expect(written).toHaveLength(1)
  })

  it('costs bounded memory, and what is lost is told', async () => {
    const { accesses, written, warned } = open({ fail: () => true })
    for (let round = 0; round < 12; round++) {
      for (let source = 0; source < 100; source++) accesses.note({ ...refused, source: `source-${source}` })
      await minute()
    }
    expect(written).toEqual([])
    expect(warned).toContainEqual({ lost: 100 })
    await accesses.close()
    expect(warned.at(-1)).toEqual({ lost: 1_000 })
  })
})

it('what there is is written at the end', async () => {
  const { accesses, written } = open()
  accesses.note(refused)
  await accesses.close()
  expect(written).toMatchObject([[{ after: { count: 1 } }]])
})

it('nothing is written where the database has no room to spare, and the log says how much', async () => {
  const { accesses, written, warned } = open({ storageReserve: () => true })
  accesses.note(refused)
  await minute()
  expect(written).toEqual([])
  expect(warned).toEqual([{ lost: 1 }])
})
