import { describe, expect, it } from 'vitest'
import {
  deltaOf,
  mergeState,
  type ShadowState,
  stampState
} from '../../../src/rehearsal/iot/registry/shadows/shadow-document.ts'
import { parseShadowUpdate } from '../../../src/rehearsal/iot/registry/shadows/shadow-request.ts'

describe('the state of a shadow', () => {
  it.each<[string, readonly [ShadowState, ShadowState], ShadowState]>([
    ['adds a member', [{ a: 1 }, { b: 2 }], { a: 1, b: 2 }],
    ['replaces a value', [{ a: 1 }, { a: 'x' }], { a: 'x' }],
    ['removes a member', [{ a: 1, b: 2 }, { a: null }], { b: 2 }],
    ['merges objects', [{ a: { b: 1, c: 2 } }, { a: { b: null, d: 3 } }], { a: { c: 2, d: 3 } }],
    ['takes lists whole', [{ a: [1, 2] }, { a: [3] }], { a: [3] }],
    ['puts an object in the place of a value', [{ a: 1 }, { a: { b: null, c: 1 } }], { a: { c: 1 } }]
  ])('by an update: %s', (_, [state, change], expected) => {
    expect(mergeState(state, change)).toEqual(expected)
  })

  it('keeps a member of any name for itself', () => {
    const change = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}') as Record<string, unknown>
    const merged = mergeState({}, change)
    expect(Object.keys(merged)).toEqual(['__proto__', 'constructor'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(deltaOf({ desired: change, reported: {} })).toEqual(change)
  })

  it.each([
    ['nothing desired', { reported: { a: 1 } }, undefined],
    ['nothing reported', { desired: { a: 1 } }, { a: 1 }],
    ['the same', { desired: { a: { b: [1] } }, reported: { a: { b: [1] }, c: 2 } }, undefined],
    [
      'a difference below',
      { desired: { a: { b: 1, c: 2 } }, reported: { a: { b: 1, c: 3 } } },
      { a: { c: 2 } }
    ]
  ])('with %s has this delta', (_, state, expected) => {
    expect(deltaOf(state)).toEqual(expected)
  })

  it('has a timestamp for each value', () => {
    const first = stampState({}, { a: 1, b: { c: [1, 2] } }, 10)
    expect(stampState(first, { a: null, b: { d: true } }, 20)).toEqual({
      b: { c: [{ timestamp: 10 }, { timestamp: 10 }], d: { timestamp: 20 } }
    })
  })
})

const nested = (levels: number): object => (levels === 0 ? {} : { a: nested(levels - 1) })

describe('an update', () => {
  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['no state', '{}'],
    ['a state that is none', '{"state":1}'],
    ['a section that is none', '{"state":{"desired":1}}'],
    ['a version that is none', '{"state":{},"version":"1"}'],
    ['a token that is too long', JSON.stringify({ state: {}, clientToken: 'x'.repeat(65) })],
    ['too many levels', JSON.stringify({ state: { desired: nested(8) } })]
  ])('with %s is refused', (_, payload) => {
    expect(() => parseShadowUpdate(payload)).toThrow(expect.objectContaining({ status: 400 }) as Error)
  })

  it('of more than 8 KB is refused', () => {
    const payload = JSON.stringify({ state: { reported: { a: 'x'.repeat(8200) } } })
    expect(() => parseShadowUpdate(payload)).toThrow(expect.objectContaining({ status: 413 }) as Error)
  })

  it('may have eight levels', () => {
    expect(parseShadowUpdate(JSON.stringify({ state: { desired: nested(7) } })).version).toBeUndefined()
  })
})
