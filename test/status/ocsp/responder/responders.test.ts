import { describe, expect, it } from 'vitest'
import type { Authority } from '../../../../src/authorities/authority.ts'
import { MintlineError } from '../../../../src/errors/mintline-error.ts'
import { AnswerCache } from '../../../../src/status/ocsp/answer-cache.ts'
import type { Responder } from '../../../../src/status/ocsp/responder/responder.ts'
import { Responders } from '../../../../src/status/ocsp/responder/responders.ts'

const dayMs = 86_400_000
const begin = Date.parse('2026-12-01T00:00:00Z')
const authority = { id: 'one', name: 'acme-g1' } as Authority

/** Responders whose certificates last four days of a clock that the test sets. */
function openResponders() {
  const state = { nowMs: begin, endMs: Infinity, made: 0, isBroken: false, told: 0 }
  const responders = new Responders({
    async create() {
      state.made++
      if (state.isBroken) throw new MintlineError('signer_unavailable', 'The key is away.')
      const notBefore = new Date(state.nowMs - 3_600_000)
      const notAfter = new Date(Math.min(state.nowMs - 3_600_000 + 4 * dayMs, state.endMs))
      return {
        keyHash: new Uint8Array(20),
        notBefore,
        notAfter,
        respond: octets => octets
      } satisfies Responder
    },
    clock: () => new Date(state.nowMs),
    stopwatch: () => state.nowMs,
    onTrouble: () => state.told++
  })
  return { state, responders, find: () => responders.find(authority) }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

describe('a responder', () => {
  it('is made once for all who ask at once', async () => {
    const { state, find } = openResponders()
    const [one, other] = await Promise.all([find(), find()])
    expect(one).toBe(other)
    expect(state.made).toBe(1)
  })

  it('is followed by another after half of its time, while it goes on', async () => {
    const { state, find } = openResponders()
    const first = await find()
    state.nowMs = begin + 2 * dayMs - 3_600_001
    expect(await find()).toBe(first)
    expect(state.made).toBe(1)
    state.nowMs += 1
    expect(await find()).toBe(first)
    await settled()
    expect(await find()).not.toBe(first)
    expect(state.made).toBe(2)
  })

  it('is not made again and again in the last hour of its generation, nor in its last minute', async () => {
    const { state, find } = openResponders()
    state.endMs = begin + 1_800_000
    for (; state.nowMs < state.endMs - 61_000; state.nowMs += 1_000) {
      await find()
      await settled()
    }
    expect(state.made).toBe(3)
    state.nowMs = state.endMs - 30_000
    for (let asked = 0; asked < 20; asked++)
      await expect(find()).rejects.toMatchObject({ code: 'authority_unavailable' })
    expect(state.made).toBe(4)
  })

  it('goes on until a minute before its end when it cannot be renewed, which is told and tried less and less often', async () => {
    const { state, responders, find } = openResponders()
    const first = await find()
    state.isBroken = true
    state.nowMs = begin + 3 * dayMs
    expect(await find()).toBe(first)
    await settled()
    await find()
    expect([state.made, state.told]).toEqual([2, 1])
    expect(responders.troubles([authority])).toMatchObject([{ name: 'acme-g1', lastsUntil: first.notAfter }])
    state.nowMs += 10_000
    await find()
    await settled()
    expect(state.made).toBe(3)
    for (const [waitMs, made] of [
      [19_999, 3],
      [1, 4],
      [40_000, 5],
      [80_000, 6],
      [80_000, 7]
    ] as const) {
      state.nowMs += waitMs
      await find()
      await settled()
      expect(state.made).toBe(made)
    }
    state.nowMs += 15 * 60_000
    expect(responders.troubles([authority])).toEqual([])
    state.nowMs = begin + 4 * dayMs - 60_000
    await expect(find()).rejects.toMatchObject({ code: 'signer_unavailable' })
    state.isBroken = false
    state.nowMs += 80_000
    expect(await find()).not.toBe(first)
    expect(responders.troubles([authority])).toEqual([])
  })

  it('is not used before its time, by a clock that was set back', async () => {
    const { state, find } = openResponders()
    const first = await find()
    state.nowMs = begin - 3_600_001
    expect(await find()).not.toBe(first)
  })
})

describe('an answer', () => {
  function openCache() {
    const state = { nowMs: 0, looked: 0, past: 0 }
    const options = { stopwatch: () => state.nowMs, freshMs: 5_000, maximumAnswers: 3 }
    const cache = new AnswerCache<number>(options, answer => answer > state.past)
    const find = (key = 'one') => cache.find(key, async () => ++state.looked)
    return { state, cache, find }
  }

  it('is given again for five seconds from when it was asked for, and no longer', async () => {
    const { state, find } = openCache()
    expect(await find()).toBe(1)
    state.nowMs = 4_999
    expect(await find()).toBe(1)
    state.nowMs = 5_000
    expect(await find()).toBe(2)
  })

  it('is not given again where it is over', async () => {
    const { state, find } = openCache()
    expect(await find()).toBe(1)
    state.past = 1
    expect(await Promise.all([find(), find()])).toEqual([2, 2])
    expect(await find()).toBe(2)
  })

  it('is not kept where it was not found', async () => {
    const { cache, find } = openCache()
    await expect(cache.find('one', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await find()).toBe(1)
  })

  it('makes room for others, the oldest first', async () => {
    const { cache, find } = openCache()
    for (const key of ['one', 'two', 'three', 'four']) await find(key)
    expect(cache.size).toBe(3)
    expect(await find('two')).toBe(2)
    expect(await find('one')).toBe(5)
  })
})
