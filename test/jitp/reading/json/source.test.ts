import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  maximumDepth,
  maximumTextLength,
  maximumValues,
  readJson,
  readStringLiteral
} from '../../../../src/jitp/reading/json/source.ts'
import { expectWithin, measureCpu } from '../../../support/time-limit.ts'

const faultsOf = (text: string): string[] =>
  readJson(text).faults.map(fault => `${fault.kind}@${fault.offset}`)

describe('readJson', () => {
  it('agrees with JSON.parse on every value and finds no fault in it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(3), (value, indentation) => {
        const text = JSON.stringify(value, null, indentation)
        const reading = readJson(text)
        expect(reading.faults).toEqual([])
        expect(JSON.stringify(reading.value)).toBe(JSON.stringify(JSON.parse(text)))
      }),
      { numRuns: 300 }
    )
  })

  it('finds a fault in exactly the damaged texts that JSON.parse refuses', () => {
    const damage = fc.constantFrom(
      '',
      '"',
      ',',
      '{',
      '}',
      '[',
      ']',
      ':',
      '\\',
      '\n',
      '0',
      '-',
      '.',
      'e',
      '“',
      "'",
      '/',
      '\u00a0',
      'true'
    )
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 3 }),
        fc.record({ place: fc.nat(), removed: fc.nat(2), inserted: damage }),
        (value, { place, removed, inserted }) => {
          const text = JSON.stringify(value)
          const at = place % (text.length + 1)
          const damaged = text.slice(0, at) + inserted + text.slice(at + removed)
          const faults = readJson(damaged).faults.filter(fault => fault.kind !== 'duplicate-name')
          expect({ damaged, isValid: faults.length === 0 }).toEqual({ damaged, isValid: isJson(damaged) })
        }
      ),
      { numRuns: 2000 }
    )
  })

  it.each([
    ['a comma before }', '{"a":1,}', ['trailing-comma@6']],
    ['a comma before ]', '[1,]', ['trailing-comma@2']],
    ['a line comment', '[1 // one\n]', ['comment@3']],
    ['a block comment', '/* x */ 1', ['comment@0']],
    ['a comment without end', '1 /* x', ['comment@2']],
    ['a name twice', '{"a":1,"a":2}', ['duplicate-name@7']],
    ['curly double quotes', '{“a”: 1}', ['typographic-quotes@1', 'typographic-quotes@3']],
    ['curly single quotes', '[‘a’]', ['typographic-quotes@1', 'typographic-quotes@3']],
    ['an apostrophe string', "['a']", ['single-quotes@1']],
    ['a byte order mark', '\ufeff[]', ['byte-order-mark@0']],
    ['a line break in a string', '["a\nb"]', ['control-character@3']],
    ['a space from a web page', '[\u00a01]', ['foreign-space@1']],
    ['an unknown escape', '["a\\_b"]', ['bad-escape@3']],
    ['a short \\u', '["\\u12"]', ['bad-escape@2']],
    ['an object between quotes', '{"a":"{"b":1}"}', ['unescaped-quotes@5']],
    ['a leading zero', '[01]', ['syntax@2']],
    ['a bare word', '[yes]', ['syntax@1']],
    ['two values', '1 2', ['syntax@2']],
    ['nothing', '', ['syntax@0']],
    ['a string without end', '["ab', ['syntax@1']],
    ['a name without quotes', '{a:1}', ['syntax@1']]
  ])('tells %s with its place', (_, text, expected) => {
    expect(faultsOf(text)).toEqual(expected)
  })

  it('reads on past the mistakes of hand-edited files', () => {
    const { value } = readJson('{“a”: [1, 2,], // x\n \'b\': "{"c": 3}"}')
    expect(JSON.stringify(value)).toBe('{"a":[1,2],"b":{"c":3}}')
  })

  it('keeps the place of every value and name', () => {
    const text = '{ "a/b": [ 10, { "~": true } ] }'
    const { places } = readJson(text)
    expect(places.find('/a~1b')).toEqual({ value: 9, name: 2 })
    expect(places.find('/a~1b/1')).toEqual({ value: 15, name: undefined })
    expect(places.find('/a~1b/1/~0')).toEqual({ value: 22, name: 17 })
  })

  it('reads __proto__ as a member like any other', () => {
    const { value } = readJson('{"__proto__": {"isAdmin": true}}')
    expect(Object.keys(value as object)).toEqual(['__proto__'])
    expect((value as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  it.each([
    ['arrays', '['.repeat(100_000)],
    ['objects', '{"a":'.repeat(50_000)],
    ['objects between quotes', '{"a":"'.repeat(40_000)],
    ['quotes', '"{'.repeat(100_000)],
    ['comments', '/**/'.repeat(60_000)],
    ['backslashes', `"${'\\'.repeat(200_000)}`]
  ])('refuses endless %s quickly', async (_, text) => {
    const cost = await measureCpu(() => expect(readJson(text).faults.length).toBeGreaterThan(0))
    expectWithin(cost, 1000)
  })

  it('accepts the greatest depth and length, and nothing above', () => {
    const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    const long = (length: number): string => `"${'a'.repeat(length - 2)}"`
    expect(faultsOf(deep(maximumDepth))).toEqual([])
    expect(faultsOf(deep(maximumDepth + 1))).toEqual([`too-deep@${maximumDepth}`])
    expect(faultsOf(long(maximumTextLength))).toEqual([])
    expect(faultsOf(long(maximumTextLength + 1))).toEqual(['too-large@0'])
  })

  it('reads as many values as the limit says, and no more', () => {
    const list = (length: number): string => `[${Array(length).fill(0).join()}]`
    expect(faultsOf(list(maximumValues - 1))).toEqual([])
    expect(faultsOf(list(maximumValues))).toEqual([expect.stringMatching(/^too-large@/)])
  })

  it('reads once more what seems to be an object in quotes only while that costs little', () => {
    const nested = (times: number): string => '["{ '.repeat(times)
    // Each attempt at a level would try all levels inside it again, and go on behind it: two to the power of sixty.
    expect(readJson(nested(60)).value).toBeUndefined()
    expect(readJson(nested(maximumTextLength / 8)).value).toBeUndefined()
  })
})

describe('readStringLiteral', () => {
  it('maps each character to where it was written', () => {
    const { value, origins } = readStringLiteral(' "a\\n\\u00e9b"', 1)
    expect(value).toBe('a\néb')
    expect(origins).toEqual([2, 3, 5, 11, 12])
  })
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
