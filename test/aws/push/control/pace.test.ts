import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createPace } from '../../../../src/aws/push/control/pace.ts'

// The timers of node:timers/promises cannot be set otherwise.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
}))
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const running = new AbortController().signal

function open(perSecond: number) {
  const pace = createPace(perSecond, () => Date.now())
  const begunMs = Date.now()
  const times: number[] = []
  const take = async (operation = 'UpdateCertificate', signal = running) => {
    await pace.take(operation, signal)
    times.push(Date.now() - begunMs)
  }
  return { pace, times, take }
}

it('spaces the calls of an operation evenly, each operation by itself', async () => {
  const { times, take } = open(10)
  const taken = [take(), take(), take(), take('DescribeCertificate')]
  await vi.advanceTimersByTimeAsync(1_000)
  await Promise.all(taken)
  expect(times).toEqual([0, 0, 100, 200])
})

it('rests where AWS had enough, halves, and recovers within half a minute', async () => {
  const { pace, times, take } = open(10)
  await take()
  pace.slowDown('UpdateCertificate')
  const taken = [take(), take()]
  await vi.advanceTimersByTimeAsync(5_000)
  await Promise.all(taken)
  expect(times[1]).toBe(1_000)
  expect(times[2]! - times[1]!).toBeGreaterThan(150)
  await vi.advanceTimersByTimeAsync(30_000)
  const before = times.length
  const later = [take(), take()]
  await vi.advanceTimersByTimeAsync(1_000)
  await Promise.all(later)
  const pause = times[before + 1]! - times[before]!
  // A timer that was late is made up for, by 20 ms at most.
  expect([pause >= 80, pause <= 100]).toEqual([true, true])
})

it('who waits since the rate was low goes by the rate that has recovered', async () => {
  const { pace, times, take } = open(10)
  for (let refusals = 0; refusals < 10; refusals++) pace.slowDown('UpdateCertificate')
  const taken = Array.from({ length: 16 }, () => take())
  await vi.advanceTimersByTimeAsync(90_000)
  await Promise.all(taken)
  // At the lowest rate the last would wait for 75 s.
  expect(times.at(-1)).toBeLessThan(15_000)
})

it('who gives up rejects at once, and lets nobody overtake', async () => {
  const { times, take } = open(1)
  const giving = new AbortController()
  await take()
  const second = take()
  const third = take('UpdateCertificate', giving.signal).catch((error: unknown) => error)
  const fourth = take()
  giving.abort(new Error('enough'))
  expect(await third).toMatchObject({ message: 'enough' })
  await vi.advanceTimersByTimeAsync(5_000)
  await Promise.all([second, fourth])
  expect(times).toEqual([0, 1_000, 2_000])
})
