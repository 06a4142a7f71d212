import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const folder = new URL('./', import.meta.url)
const document = readFileSync(new URL('../../docs/field-problems.md', import.meta.url), 'utf8')

const catchers = ['pre-flight', 'registration', 'rehearsal', 'by construction']

interface Row {
  readonly number: number
  readonly caughtBy: readonly string[]
  /** What it says in code type: error codes, findings, steps, pointers. */
  readonly codes: readonly string[]
}

const rows: readonly Row[] = document
  .split('\n')
  .filter(line => /^\| \d/.test(line))
  .map(line => {
    const [number = '', , caughtBy = '', seen = ''] = line
      .split(' | ')
      .map(cell => cell.replace(/^\| | \|$/g, ''))
    return {
      number: Number(number),
      caughtBy: caughtBy.split(', '),
      codes: [...seen.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)
    }
  })

interface FieldTest {
  /** Of its describe. */
  readonly subject: string
  readonly number: number
  readonly text: string
}

const tests: readonly FieldTest[] = readdirSync(folder)
  .filter(file => file.endsWith('.test.ts') && file !== 'table.test.ts')
  .flatMap(file =>
    readFileSync(new URL(file, folder), 'utf8')
      .split(/^describe/m)
      .slice(1)
  )
  .flatMap(suite =>
    suite
      .split(/^ {2}it\b/m)
      .slice(1)
      .map(text => ({
        subject: /'([^']+)'/.exec(suite)?.[1] ?? '',
        number: Number(/'#(\d+) /.exec(text)?.[1]),
        text
      }))
  )

const testsOf = (wanted: number) => tests.filter(({ number }) => number === wanted)

describe('the table of field problems', () => {
  it('has the 38, in order', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 38 }, (_, index) => index + 1))
  })

  it.each(rows)('$number is caught by whom it says, as the tests show', ({ number, caughtBy, codes }) => {
    for (const catcher of caughtBy) {
      expect(catchers).toContain(catcher)
      const shown = testsOf(number).filter(
        ({ subject }) => catcher === 'by construction' || subject.startsWith(catcher)
      )
      expect(shown, catcher).not.toEqual([])
    }
    const text = testsOf(number)
      .map(each => each.text)
      .join('\n')
    expect(codes.filter(code => !text.includes(code))).toEqual([])
  })
})
