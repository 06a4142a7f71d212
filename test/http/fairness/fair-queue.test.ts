import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createFairQueue, type EndTurn, type FairQueue } from '../../../src/http/fairness/fair-queue.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

let now = 0
const limits = { maximumUnderWay: 8, maximumWaiting: 20, maximumWaitMs: 1_000, stopwatch: () => now }
const staysMs = 600_000
const of = (owner: string, atOnce = 2) => ({ name: owner, owner, atOnce, staysMs })
const route = { name: 'route', atOnce: 1 }

/** Enters, and notes under the lane's name when its turn has come. */
function createLog(queue: FairQueue) {
  const begun: string[] = []
  const ends: EndTurn[] = []
  return {
    begun,
    async enter(lane: Parameters<FairQueue['enter']>[0], name = lane.name, isGone?: () => boolean) {
      const end = await queue.enter(lane, isGone)
      begun.push(name)
      ends.push(end)
    },
    async endFirst() {
      ends.shift()?.()
      await settle()
    }
  }
}

async function settle() {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

const overloaded: unknown = expect.objectContaining({ code: 'overloaded' })

describe('a fair queue', () => {
  it('gives the next turn to who waits beside a flood, however many of that came before', async () => {
    const queue = createFairQueue({ ...limits, maximumUnderWay: 2 })
    const { begun, enter, endFirst } = createLog(queue)
    for (let sent = 0; sent < 10; sent++) void enter(of('loud'))
    for (const name of ['calm', 'quiet', 'calm']) void enter(of(name))
    await settle()
    expect(begun).toEqual(['loud', 'loud'])
    for (let turn = 0; turn < 6; turn++) await endFirst()
    expect(begun.slice(2)).toEqual(['loud', 'calm', 'quiet', 'loud', 'calm', 'loud'])
  })

  it('lets one alone have all turns, and few beside another that has come lately', async () => {
    const queue = createFairQueue(limits)
    const { begun, enter } = createLog(queue)
    for (let sent = 0; sent < 10; sent++) void enter(of('loud'))
    await settle()
    expect(begun).toHaveLength(8)

    const beside = createFairQueue(limits)
    const log = createLog(beside)
    await log.enter(of('calm'))
    await log.endFirst()
    for (let sent = 0; sent < 10; sent++) void log.enter(of('loud'))
    await settle()
    expect(log.begun).toEqual(['calm', 'loud', 'loud'])
    // There is room for another at once.
    await log.enter(of('calm'))
    expect(log.begun.at(-1)).toBe('calm')
  })

  it('forgets after a while that there was another', async () => {
    const queue = createFairQueue(limits)
    const { begun, enter, endFirst } = createLog(queue)
    await enter(of('calm'))
    await endFirst()
    now += 11 * 60_000
    for (let sent = 0; sent < 10; sent++) void enter(of('loud'))
    await settle()
    expect(begun.filter(name => name === 'loud')).toHaveLength(8)
  })

  it('counts who comes for a moment as there for that alone, whoever stays longer', async () => {
    const queue = createFairQueue(limits)
    const { begun, enter, endFirst } = createLog(queue)
    await enter({ ...of('reader'), name: 'reads of reader', staysMs: 1_000 })
    await endFirst()
    for (let sent = 0; sent < 6; sent++) void enter(of('loud'))
    await settle()
    expect(begun.slice(1)).toHaveLength(2)
    now += 1_001
    await endFirst()
    expect(begun.slice(1)).toHaveLength(6)
    await enter({ ...of('loud'), name: 'reads of loud', staysMs: 1 })
    now += 2
    for (let turn = 0; turn < 7; turn++) await endFirst()
    for (let sent = 0; sent < 6; sent++) void enter(of('second'))
    await settle()
    // The one that stays is still there, though it came for a moment since.
    expect(begun.filter(name => name === 'second')).toHaveLength(2)
  })

  it('lets one have all turns beside who never counts as there, and that one few', async () => {
    const queue = createFairQueue(limits)
    const { begun, enter, endFirst } = createLog(queue)
    const { staysMs: _, ...auditor } = { ...of('auditor'), name: 'reads of auditor' }
    await enter(auditor)
    for (let sent = 0; sent < 10; sent++) void enter(of('loud'))
    await settle()
    expect(begun).toEqual([auditor.name, ...Array<string>(7).fill('loud')])
    for (let sent = 0; sent < 4; sent++) void enter(auditor)
    for (let turn = 0; turn < 12; turn++) await endFirst()
    // Two at once, as of anybody beside others.
    expect(begun.slice(0, 12).filter(name => name === auditor.name).length).toBeLessThan(4)
    expect(begun.filter(name => name === auditor.name)).toHaveLength(5)
  })

  it('has two who never count as there make room for each other', async () => {
    const queue = createFairQueue(limits)
    const { begun, enter } = createLog(queue)
    const { staysMs: _, ...auditor } = of('auditor')
    await enter({ ...auditor, name: 'other', owner: 'other' })
    for (let sent = 0; sent < 5; sent++) void enter(auditor)
    await settle()
    expect(begun.filter(name => name === 'auditor')).toHaveLength(2)
  })

  it('holds what has no owner to its number in any case, and nobody back for it', async () => {
    const queue = createFairQueue(limits)
    const { begun, enter } = createLog(queue)
    for (let sent = 0; sent < 3; sent++) void enter(route)
    for (let sent = 0; sent < 5; sent++) void enter(of('loud'))
    await settle()
    expect(begun).toEqual(['route', ...Array<string>(5).fill('loud')])
  })

  it('counts the lanes of one owner as one', async () => {
    const queue = createFairQueue(limits)
    const { begun, enter } = createLog(queue)
    await enter({ ...of('loud'), name: 'reads of loud' })
    for (let sent = 0; sent < 5; sent++) void enter(of('loud'))
    await settle()
    expect(begun).toHaveLength(6)
  })

  it('refuses who waits for too long, and whoever would', async () => {
    const queue = createFairQueue({ ...limits, maximumUnderWay: 1 })
    const end = await queue.enter(of('loud'))
    const waiting = queue.enter(of('loud'))
    const refused = expect(waiting).rejects.toEqual(overloaded)
    await vi.advanceTimersByTimeAsync(1_001)
    await refused
    expect(queue.waiting).toBe(0)
    // What turns take is 1.5 s in the mean now: 30 s, of which the newest weighs 5 %.
    now += 30_000
    end()
    void queue.enter(of('loud'))
    void queue.enter(of('loud'))
    expect(() => queue.assertRoom(of('loud'))).toThrow(overloaded)
    expect(() => queue.assertRoom(of('calm'))).not.toThrow()
    await expect(queue.enter(of('loud'))).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 2 })
  })

  it('takes the place for a newcomer from who has the most, when no more may wait', async () => {
    const queue = createFairQueue({ ...limits, maximumUnderWay: 1, maximumWaiting: 3 })
    const { begun, enter, endFirst } = createLog(queue)
    await enter(of('other'))
    const loud = [1, 2, 3].map(each => enter(of('loud'), `loud ${each}`))
    const last = expect(loud[2]).rejects.toEqual(overloaded)
    await expect(enter(of('loud'))).rejects.toEqual(overloaded)
    void enter(of('calm'))
    await last
    expect(queue.waiting).toBe(3)
    for (let turn = 0; turn < 3; turn++) await endFirst()
    expect(begun).toEqual(['other', 'loud 1', 'calm', 'loud 2'])
  })

  it('passes over who has gone', async () => {
    const queue = createFairQueue({ ...limits, maximumUnderWay: 1 })
    const { begun, enter, endFirst } = createLog(queue)
    await enter(of('calm'))
    const gone = expect(enter(of('loud'), 'gone', () => true)).rejects.toMatchObject({
      code: 'request_invalid'
    })
    void enter(of('loud'), 'there')
    await endFirst()
    await gone
    expect(begun).toEqual(['calm', 'there'])
  })

  it('takes the end of a turn once', async () => {
    const queue = createFairQueue({ ...limits, maximumUnderWay: 1 })
    const end = await queue.enter(of('calm'))
    const { begun, enter } = createLog(queue)
    for (let sent = 0; sent < 3; sent++) void enter(of('calm'))
    end()
    end()
    await settle()
    expect(begun).toHaveLength(1)
  })

  it('keeps within its bounds, order and all turns, whatever comes', async () => {
    const step = fc.oneof(
      fc.record({ owner: fc.constantFrom('a', 'b', 'c'), isGone: fc.boolean() }),
      fc.record({ end: fc.nat({ max: 20 }) })
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async steps => {
        const queue = createFairQueue({ ...limits, maximumUnderWay: 4, maximumWaiting: 1_000 })
        const underWay: { owner: string; end: EndTurn }[] = []
        const served: Record<string, number[]> = { a: [], b: [], c: [] }
        let entered = 0
        let settledCount = 0
        const check = () => {
          expect(underWay.length).toBeLessThanOrEqual(4)
          // Work is waiting only where it may not begin.
          if (queue.waiting > 0) expect(underWay.length).toBeGreaterThan(0)
        }
        for (const each of steps) {
          if ('end' in each) underWay.splice(each.end % Math.max(1, underWay.length), 1)[0]?.end()
          else {
            const { owner, isGone } = each
            const number = ++entered
            void queue
              .enter(of(owner), () => isGone)
              .then(
                end => {
                  served[owner]!.push(number)
                  underWay.push({ owner, end })
                },
                () => undefined
              )
              .finally(() => settledCount++)
          }
          await settle()
          check()
        }
        while (underWay.length > 0) {
          underWay.shift()!.end()
          await settle()
        }
        expect([queue.waiting, settledCount]).toEqual([0, entered])
        for (const numbers of Object.values(served))
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      }),
      { numRuns: 200 }
    )
  })
})
