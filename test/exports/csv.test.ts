import { expect, it } from 'vitest'
import { type Cell, formatCsv } from '../../src/exports/formats/csv.ts'

it.each<[string, Cell, string]>([
  ['a text', 'plain', 'plain'],
  ['a comma', 'a,b', '"a,b"'],
  ['a quote', 'say "yes"', '"say ""yes"""'],
  ['the end of a line', 'a\nb', '"a\nb"'],
  ['a carriage return', 'a\rb', '"a\rb"'],
  ['nothing', null, ''],
  ['nothing of another kind', undefined, ''],
  ['a number', -5, '-5'],
  ['members', { a: '1,2' }, '"{""a"":""1,2""}"'],
  ['=', '=cmd|calc', "'=cmd|calc"],
  ['+', '+1', "'+1"],
  ['-', '-1', "'-1"],
  ['@', '@SUM(A1)', "'@SUM(A1)"],
  ['a tab', '\t=1', "'\t=1"],
  ['a fullwidth sign', '\uFF1D1', "'\uFF1D1"],
  ['Unicode', 'Gr\u00e4z \u{1F600}', 'Gr\u00e4z \u{1F600}']
])('%s stands in a field so that it is read back as a text', (_, cell, expected) => {
  expect(formatCsv([[cell, 'next']])).toBe(`${expected},next\r\n`)
})

it('no rows are nothing', () => {
  expect(formatCsv([])).toBe('')
})
