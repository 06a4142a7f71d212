import { describe, expect, it } from 'vitest'
import { parseKnownLogs } from '../../src/transparency/known-logs.ts'
import { formatVerifierKey } from '../../src/transparency/note/verifier-key.ts'
import { createKey } from './signing.ts'

const line = (name: string, type: Parameters<typeof createKey>[1] = 'note') =>
  formatVerifierKey(createKey(name, type).verifierKey)
const parse = (...lines: readonly string[]) =>
  parseKnownLogs(Buffer.from(lines.map(each => `${each}\n`).join('')))
const codeOf = (...lines: readonly string[]) => {
  try {
    parse(...lines)
    return undefined
  } catch (error) {
    return (error as { readonly code: string }).code
  }
}

describe('a list of logs', () => {
  it('names each by its key, or by the origin behind it', () => {
    const logs = parse(
      '# logs of the house',
      '',
      line('a.example'),
      `${line('key')} an origin with spaces`,
      line('a.example', 'postQuantumCosignature')
    )
    expect([...logs].map(([origin, keys]) => [origin, keys.map(({ type }) => type)])).toEqual([
      ['a.example', ['note', 'postQuantumCosignature']],
      ['an origin with spaces', ['note']]
    ])
  })

  const twice = line('a.example')
  it.each([
    ['no log', 'config_invalid', ['# none']],
    ['65 logs', 'config_invalid', Array.from({ length: 65 }, (_, index) => line(`log-${index}`))],
    ['a key twice', 'note_malformed', [twice, twice]],
    ['five keys of a log', 'config_invalid', Array.from({ length: 5 }, () => line('a.example'))],
    ['what is no key', 'note_malformed', ['a.example']],
    ['a space at the end', 'note_malformed', [`${line('a.example')} `]]
  ])('with %s is refused', (_, code, lines) => {
    expect(codeOf(...lines)).toBe(code)
  })
})
