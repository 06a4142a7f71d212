import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  covers,
  createEffort,
  literalPattern,
  overlaps,
  parsePattern,
  variablesOf
} from '../../../src/jitp/policy/matching/pattern.ts'
import { expectWithin, measureCpu } from '../../support/time-limit.ts'

const meet = (one: string, other: string) => overlaps(parsePattern(one), parsePattern(other), createEffort())
const contain = (wide: string, narrow: string) =>
  covers(parsePattern(wide), parsePattern(narrow), createEffort())

/** Another reading of a pattern: a regular expression. */
const expression = (pattern: string) =>
  new RegExp(`^${[...pattern].map(each => ({ '*': '.*', '?': '.' })[each] ?? each).join('')}$`)

const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 6 })
/** As long as a text can be that tells two such patterns apart. */
const texts = (() => {
  const all = ['']
  for (const text of all) if (text.length < 8) all.push(`${text}a`, `${text}b`)
  return all
})()

describe('overlaps', () => {
  it('says whether there is a text that both match', () => {
    fc.assert(
      fc.property(patterns, patterns, (one, other) => {
        const both = texts.some(text => expression(one).test(text) && expression(other).test(text))
        // Runs that face each other need no more than the characters of both.
        fc.pre(one.length + other.length <= 8)
        expect(meet(one, other)).toBe(both)
      }),
      { numRuns: 500 }
    )
  })

  it.each([
    ['arn:aws:iot:*', 'arn:aws:iot:us-east-1:210987654321:client/a', true],
    ['topic/${iot:ClientId}/a', 'topic/b/*', true],
    ['topic/<NAME>', 'topic/b', true],
    ['topic/${*}', 'topic/b', false],
    ['topic/${*}', 'topic/${*}', true]
  ])('%s with %s: %s', (one, other, expected) => {
    expect([meet(one, other), meet(other, one)]).toEqual([expected, expected])
  })

  it('gives up before it takes long', async () => {
    const long = parsePattern('*a'.repeat(5_000))
    const cpuMs = await measureCpu(() => {
      expect(overlaps(long, long, createEffort())).toBeUndefined()
    })
    expectWithin(cpuMs, 500)
  })
})

describe('covers', () => {
  it('is certain where it says yes', () => {
    fc.assert(
      fc.property(patterns, patterns, (wide, narrow) => {
        if (contain(wide, narrow) !== true) return
        for (const text of texts) if (expression(narrow).test(text)) expect(text).toMatch(expression(wide))
      }),
      { numRuns: 500 }
    )
  })

  it.each([
    ['*', 'a*b?', true],
    ['a*', 'ab${iot:ClientId}', true],
    ['a?', 'a*', false],
    ['a${iot:ClientId}', 'a${iot:ClientId}', true],
    ['a${iot:ClientId}', 'ab', false],
    ['*a*b', 'a*b', true]
  ])('%s of %s: %s', (wide, narrow, expected) => {
    expect(contain(wide, narrow)).toBe(expected)
  })
})

describe('variablesOf', () => {
  it('finds each, with its place, and tells one that is not closed', () => {
    expect(variablesOf('a${b}${*}/${c, d}${e')).toEqual([
      { name: 'b', index: 1, end: 5, isClosed: true },
      { name: 'c', index: 10, end: 17, isClosed: true },
      { name: 'e', index: 17, end: 20, isClosed: false }
    ])
  })
})

it('a literal is itself alone', () => {
  expect(covers(literalPattern('a*'), literalPattern('ab'), createEffort())).toBe(false)
})
