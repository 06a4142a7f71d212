import { describe, expect, it } from 'vitest'
import { keepBody } from '../../../src/issuance/refusals/kept-body.ts'
import { createRepeatWindows } from '../../../src/issuance/refusals/repeat-windows.ts'
import { createStationLimits } from '../../../src/issuance/refusals/station-limits.ts'
import { digestOf } from '../../../src/issuance/request.ts'

/** Time that passes when the test says so. */
function manualTime() {
  let now = 1_000
  return { stopwatch: () => now, pass: (ms: number) => void (now += ms) }
}

describe('what is kept of what was sent', () => {
  const sent = Buffer.alloc(65_000, 'garbage ')

  it.each(['csr_malformed', 'csr_too_large'] as const)('is 4 KiB, length and hash with %s', code => {
    const kept = keepBody(code, sent)
    expect(kept).toMatchObject({ bodyLength: 65_000, withheld: 'excess' })
    expect(Buffer.from(kept.csr)).toEqual(sent.subarray(0, 4_096))
    expect(kept.bodySha256).toEqual(digestOf(sent))
  })

  it.each([
    ['csr_malformed', 4_096],
    ['subject_refused', 16_384],
    ['csr_signature_invalid', 16_384]
  ] as const)('is all of it with %s and %d octets', (code, length) => {
    const csr = sent.subarray(0, length)
    expect(keepBody(code, csr)).toEqual({ csr, bodyLength: null, bodySha256: null, withheld: null })
  })
})

describe('the window of a repeat', () => {
  it('lasts from the first, however many come', async () => {
    const { stopwatch, pass } = manualTime()
    const windows = createRepeatWindows({ stopwatch })
    windows.open('a', Promise.resolve('1'))
    pass(30_000)
    expect(await windows.find('a')).toBe('1')
    pass(29_999)
    expect(await windows.find('a')).toBe('1')
    pass(1)
    expect(windows.find('a')).toBeUndefined()
    expect(windows.find('b')).toBeUndefined()
  })

  it.each([
    ['fails', () => Promise.reject<string>(new Error('away'))],
    ['leaves nothing behind', () => Promise.resolve(undefined)]
  ])('ends at once where the record %s', async (_name, record) => {
    const windows = createRepeatWindows(manualTime())
    const recording = record()
    windows.open('a', recording)
    expect(windows.find('a')).toBe(recording)
    await recording.catch(() => undefined)
    await Promise.resolve()
    expect(windows.find('a')).toBeUndefined()
  })

  it('is forgotten, the oldest first, where there are too many', async () => {
    const windows = createRepeatWindows({ ...manualTime(), maximumWindows: 2 })
    for (const key of ['a', 'b', 'c']) windows.open(key, Promise.resolve(key))
    expect(windows.find('a')).toBeUndefined()
    expect(await Promise.all([windows.find('b'), windows.find('c')])).toEqual(['b', 'c'])
  })
})

describe('the limit of a station', () => {
  const times = (count: number, take: () => unknown) => Array.from({ length: count }, take)

  it('is a minute’s worth at once, then its rate', () => {
    const { stopwatch, pass } = manualTime()
    const limits = createStationLimits({ perMinute: 600, stopwatch })
    const take = () => limits.take('one')
    expect(new Set(times(600, take))).toEqual(new Set(['within']))
    expect(times(3, take)).toEqual(['limit-began', 'beyond', 'beyond'])
    pass(100)
    expect(times(2, take)).toEqual(['within', 'beyond'])
    pass(3_600_000)
    expect(times(601, take).lastIndexOf('within')).toBe(599)
  })

  it('is told once a minute', () => {
    const { stopwatch, pass } = manualTime()
    const limits = createStationLimits({ perMinute: 1, stopwatch })
    const take = () => limits.take('one')
    expect(times(3, take)).toEqual(['within', 'limit-began', 'beyond'])
    pass(59_999)
    expect(take()).toBe('beyond')
    pass(1)
    expect(times(3, take)).toEqual(['within', 'limit-began', 'beyond'])
  })

  it('is its own, and given back where nothing was recorded', () => {
    const limits = createStationLimits({ perMinute: 1, ...manualTime() })
    expect([limits.take('one'), limits.take('two')]).toEqual(['within', 'within'])
    limits.giveBack('one')
    expect([limits.take('one'), limits.take('two')]).toEqual(['within', 'limit-began'])
  })

  it('is kept for so many stations', () => {
    const limits = createStationLimits({ perMinute: 1, ...manualTime(), maximumStations: 2 })
    for (const station of ['one', 'two', 'one', 'three']) limits.take(station)
    // The one that was quiet for longest.
    expect(limits.take('two')).toBe('within')
  })
})
