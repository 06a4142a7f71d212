import { describe, expect, it } from 'vitest'
import { parseFlags, UsageError } from '../../src/cli/command.ts'

const text = { type: 'string' } as const
const options = { format: text, filter: { ...text, multiple: true }, json: { type: 'boolean' } } as const

describe('a flag', () => {
  it('of one value is refused a second one', () => {
    expect(() => parseFlags(['--format', 'csv', '--format=xlsx'], options)).toThrow(
      new UsageError('--format is given twice, and means one thing. Leave one of them out')
    )
  })

  it('of several values has them all, and a switch may be there again', () => {
    const args = ['--filter', 'a=1', '--json', '--filter', 'b=2', '--json']
    expect(parseFlags(args, options)).toEqual({ filter: ['a=1', 'b=2'], json: true })
  })
})
