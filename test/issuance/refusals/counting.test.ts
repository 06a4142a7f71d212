import { afterEach, beforeEach, describe, expect, it, type Mock, vi } from 'vitest'
import { MintlineError } from '../../../src/errors/mintline-error.ts'
import { createRefusalCounting } from '../../../src/issuance/refusals/counting.ts'
import { createPendingCounts } from '../../../src/issuance/refusals/pending-counts.ts'
import type { CountedRefusal, RefusalCount } from '../../../src/records/refusal-counts/refusal-count.ts'
import { createRandomSource } from '../../../src/sources/random-bytes.ts'

const repeat: CountedRefusal = {
  reason: 'repeat',
  station: 'one',
  tokenId: 'token',
  code: 'csr_malformed',
  profileName: 'starter',
  refusalId: 'first'
}
const at = (second: number) => new Date(Date.UTC(2026, 10, 26, 12, 0, second))
const sumOf = (rows: readonly { readonly count: number }[]) => rows.reduce((sum, { count }) => sum + count, 0)

describe('what is counted and not yet written', () => {
  it('is a number for each kind, between the first and the last', () => {
    const pending = createPendingCounts()
    for (const second of [5, 9, 7]) pending.add(repeat, at(second))
    pending.add({ ...repeat, refusalId: 'other' }, at(8))
    expect(pending.drain()).toEqual([
      { ...repeat, windowStart: at(5), lastAt: at(9), count: 3 },
      { ...repeat, refusalId: 'other', windowStart: at(8), lastAt: at(8), count: 1 }
    ])
    expect(pending.drain()).toEqual([])
  })

  it('loses no number where there is no room: the oldest are put together', () => {
    const pending = createPendingCounts({ maximum: 3 })
    for (let i = 1; i <= 9; i++) pending.add({ ...repeat, refusalId: `refusal-${i}` }, at(i))
    expect(pending.size).toBeLessThanOrEqual(3)
    expect(pending.isFull).toBe(true)
    const rows = pending.drain()
    expect(sumOf(rows)).toBe(9)
    expect(rows[0]).toMatchObject({ tokenId: null, profileName: null, refusalId: null, count: 7 })
    expect(rows.slice(1).map(({ refusalId }) => refusalId)).toEqual(['refusal-8', 'refusal-9'])
  })

  it('is put together for a station that makes up names of profiles, and for no other', () => {
    const pending = createPendingCounts({ maximumOfStation: 2 })
    const limited = { ...repeat, reason: 'station_limit', refusalId: null } as const
    for (let i = 1; i <= 9; i++) pending.add({ ...limited, profileName: `profile-${i}` }, at(i))
    pending.add({ ...limited, station: 'two' }, at(10))
    const rows = pending.drain()
    expect(rows.map(({ station, profileName, count }) => [station, profileName, count])).toEqual([
      ['one', null, 7],
      ['one', 'profile-1', 1],
      ['one', 'profile-2', 1],
      ['two', 'starter', 1]
    ])
  })
})

describe('counts', () => {
  let written: RefusalCount[]
  let failure: MintlineError | undefined
  let isTableGone: boolean
  let tried: string[][]
  let log: Record<'warn' | 'error', Mock<(context: object, message: string) => void>>
  let counting: ReturnType<typeof createRefusalCounting>

  beforeEach(() => {
    vi.useFakeTimers()
    written = []
    tried = []
    failure = undefined
    isTableGone = false
    log = { warn: vi.fn(), error: vi.fn() }
    counting = createRefusalCounting({
      async insert(rows) {
        tried.push(rows.map(({ id }) => id))
        if (failure !== undefined && (failure.code !== 'internal_error' || rows.some(isBad))) throw failure
        written.push(...rows)
      },
      pending: createPendingCounts({ maximum: 1_000 }),
      clock: () => at(0),
      randomBytes: createRandomSource(),
      log
    })
  })
  afterEach(() => vi.useRealTimers())

  const isBad = ({ refusalId }: RefusalCount) => isTableGone || refusalId === 'bad'
  const away = new MintlineError('database_unavailable', 'away')

  it('are written within ten seconds, and only where there are any', async () => {
    for (let i = 0; i < 5; i++) counting.count(repeat)
    await vi.advanceTimersByTimeAsync(9_999)
    expect(written).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(written).toMatchObject([{ ...repeat, count: 5 }])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(tried).toHaveLength(1)
  })

  it('are written before the end', async () => {
    counting.count(repeat)
    await counting.close()
    expect(sumOf(written)).toBe(1)
    expect(log.error).not.toHaveBeenCalled()
  })

  it('are kept while the database is away, with the same ids, and none twice', async () => {
    failure = away
    counting.count(repeat)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(new Set(tried.flat()).size).toBe(1)
    expect(log.warn).toHaveBeenCalledTimes(2)
    counting.count(repeat)
    failure = undefined
    await vi.advanceTimersByTimeAsync(10_000)
    expect(written.map(({ count }) => count)).toEqual([1, 1])
  })

  it('are written at once where they are many, but not tried again and again while the database is away', async () => {
    const countMany = () => {
      for (let i = 0; i < 3_000; i++) counting.count({ ...repeat, refusalId: `refusal-${i}` })
    }
    countMany()
    await vi.advanceTimersByTimeAsync(0)
    expect(tried.length).toBeGreaterThan(0)
    await counting.flush()
    expect(sumOf(written)).toBe(3_000)
    failure = away
    tried = []
    countMany()
    await vi.advanceTimersByTimeAsync(0)
    countMany()
    await vi.advanceTimersByTimeAsync(0)
    expect(tried).toHaveLength(1)
    failure = undefined
    await counting.close()
    expect(sumOf(written)).toBe(9_000)
  })

  it('are not kept back by one that the database does not take', async () => {
    failure = new MintlineError('internal_error', 'refused')
    for (const refusalId of ['one', 'bad', 'two']) counting.count({ ...repeat, refusalId })
    await counting.flush()
    expect(written.map(({ refusalId }) => refusalId)).toEqual(['one', 'two'])
    expect(log.error).toHaveBeenCalledTimes(1)
  })

  it('are kept while the database takes none of them, and that is told once each time', async () => {
    failure = new MintlineError('internal_error', 'refused')
    isTableGone = true
    for (let i = 0; i < 900; i++) counting.count({ ...repeat, refusalId: `refusal-${i}` })
    await vi.advanceTimersByTimeAsync(20_000)
    expect([log.error.mock.calls.length, log.warn.mock.calls.length]).toEqual([0, 2])
    expect(tried.length).toBeLessThan(50)
    isTableGone = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sumOf(written)).toBe(900)
  })

  it('are lost only if others are taken: one that came alone is kept until then, and keeps back none', async () => {
    failure = new MintlineError('internal_error', 'refused')
    counting.count({ ...repeat, refusalId: 'bad' })
    await vi.advanceTimersByTimeAsync(10_000)
    expect([log.error.mock.calls.length, log.warn.mock.calls.length]).toEqual([0, 1])
    counting.count({ ...repeat, refusalId: 'one' })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(written.map(({ refusalId }) => refusalId)).toEqual(['one'])
    expect(log.error).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(log.error).toHaveBeenCalledTimes(1)
  })

  it('that are lost at the end are told', async () => {
    failure = away
    counting.count(repeat)
    counting.count(repeat)
    await counting.close()
    expect(log.error).toHaveBeenCalledWith({ lost: 2 }, expect.any(String))
  })
})
