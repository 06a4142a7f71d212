import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeExportProgress } from '../../../src/cli/export/progress.ts'
import { RowScanner } from '../../../src/cli/export/rows.ts'
import { formatCsv } from '../../../src/exports/formats/csv.ts'

const idOf = (index: number) => `019ab1f0-7d3e-7c6a-9b61-${String(index).padStart(12, '0')}`

const texts = fc.array(fc.string({ unit: fc.constantFrom('"', '\n', '\r', ',', 'ü', 'a', '=') }), {
  minLength: 1
})

const encoders = {
  csv: (rows: readonly string[]) => formatCsv([['id', 'text'], ...rows.map((text, i) => [idOf(i), text])]),
  ndjson: (rows: readonly string[]) =>
    rows.map((text, i) => `${JSON.stringify({ id: idOf(i), text })}\n`).join('')
}

describe.each(['csv', 'ndjson'] as const)('rows of %s', format => {
  it('are told whole, wherever they are cut', () => {
    fc.assert(
      fc.property(texts, fc.nat(), fc.nat(), (rows, first, second) => {
        const all = Buffer.from(encoders[format](rows))
        const [from, to] = [first % all.length, second % all.length].sort((a, b) => a - b) as [number, number]
        const scanner = new RowScanner(format)
        const parts = [all.subarray(0, from), all.subarray(from, to), all.subarray(to)]
        const whole = parts.map(part => scanner.add(part))
        expect(Buffer.concat(whole)).toEqual(all)
        expect(scanner.rows).toBe(rows.length)
        expect(scanner.restOctets).toBe(0)
        expect(scanner.cursor).toBe(idOf(rows.length - 1))
      })
    )
  })

  it('go on behind the last whole one', () => {
    fc.assert(
      fc.property(texts, fc.nat(), (rows, at) => {
        const all = Buffer.from(encoders[format](rows))
        const scanner = new RowScanner(format)
        const whole = scanner.add(all.subarray(0, at % all.length))
        scanner.dropRest()
        const again = scanner.add(all.subarray(whole.length))
        expect(Buffer.concat([whole, again])).toEqual(all)
        expect(scanner.rows).toBe(rows.length)
      })
    )
  })
})

it('a row without an id is none of the service', () => {
  const scanner = new RowScanner('ndjson')
  scanner.add(Buffer.from('{"name":"x"}\n'))
  expect(() => scanner.cursor).toThrow(SyntaxError)
})

it.each([
  [
    { done: 500, unit: 'rows', share: 0.25, rate: 250, gained: 0.25, seconds: 2 },
    '500 rows, 250 a second, 25 %, 6 s left'
  ],
  [
    { done: 5, unit: 'rows', share: undefined, rate: 2.5, gained: undefined, seconds: 2 },
    '5 rows, 2.5 a second'
  ],
  [{ done: 5, unit: 'rows', share: 0.5, rate: 2.5, gained: 0, seconds: 2 }, '5 rows, 2.5 a second']
])('progress %#', (step, told) => {
  expect(describeExportProgress(step)).toBe(told)
})
