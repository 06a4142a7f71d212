import { expect, it } from 'vitest'
import { findTemplateDifferences } from '../../src/aws/registrations/runs/template-difference.ts'

const differences = (expected: unknown, found: unknown) =>
  findTemplateDifferences(JSON.stringify(expected), JSON.stringify(found)).map(
    each => `${each.pointer} ${each.expected} | ${each.found}`
  )

it.each<[string, readonly [unknown, unknown], readonly string[]]>([
  ['a value', [{ a: { b: 1 } }, { a: { b: 2 } }], ['/a/b 1 | 2']],
  ['a member that is gone', [{ a: 1, b: 2 }, { a: 1 }], ['/b 2 | nothing']],
  ['a member too many', [{ a: 1 }, { a: 1, b: null }], ['/b nothing | null']],
  ['an item', [{ a: [1, 2] }, { a: [1, 3, 4] }], ['/a/1 2 | 3', '/a/2 nothing | 4']],
  ['an object in the place of a list', [{ a: ['x'] }, { a: { 0: 'x' } }], ['/a ["x"] | {"0":"x"}']],
  ['names with signs of the pointer', [{ 'a/b~c': 1 }, { 'a/b~c': 2 }], ['/a~1b~0c 1 | 2']],
  ['inherited names', [{ constructor: 1 }, {}], ['/constructor 1 | nothing']],
  ['a document in a string', [{ a: '{"b":["x"]}' }, { a: '{ "b": ["y"] }' }], ['/a#/b/0 "x" | "y"']],
  [
    'a document in other words',
    [{ a: '{"b":1}' }, { a: '{ "b": 1 }' }],
    ['/a "{\\"b\\":1}" | "{ \\"b\\": 1 }"']
  ],
  ['a string that is none any more', [{ a: '{}' }, { a: 'x' }], ['/a "{}" | "x"']]
])('tells %s', (_what, [expected, found], told) => {
  expect(differences(expected, found)).toEqual(told)
})

it('tells octets that differ in nothing but their writing', () => {
  expect(findTemplateDifferences('{"a":1}', '{ "a": 1 }')).toEqual([
    { field: 'template', pointer: '', expected: 'the same octets', found: 'the same JSON, written otherwise' }
  ])
})

it('tells what is no JSON as a whole, and shortens it', () => {
  const [only] = findTemplateDifferences('{}', 'x'.repeat(10_000))
  expect(only).toMatchObject({ pointer: '', expected: '{}' })
  expect(only!.found).toMatch(/^x{200}… \(10000 characters\)$/)
})

it('tells twenty at most, and how many more there are', () => {
  const members = (value: number) =>
    Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`m${index}`, value]))
  const told = differences(members(1), members(2))
  expect(told).toHaveLength(21)
  expect(told.at(-1)).toBe(' no difference | 30 more differences')
})

it('survives nesting as deep as a body can have it', () => {
  const nested = (inner: string) => '['.repeat(5_000) + inner + ']'.repeat(5_000)
  expect(findTemplateDifferences(nested('1'), nested('2'))).toHaveLength(1)
})
