import { describe, expect, it } from 'vitest'
import { readAnswer } from '../../src/mes/answer.ts'

const read = (value: unknown) =>
  readAnswer(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
const many = (count: number) => Object.fromEntries([...Array(count).keys()].map(key => [`k${key}`, 'v']))

describe('an answer of a MES', () => {
  it.each<[string, unknown, object]>([
    ['allows', { verdict: 'allow' }, { verdict: 'allow' }],
    ['denies', { verdict: 'deny', message: 'no test' }, { verdict: 'deny', message: 'no test' }],
    [
      'sets metadata',
      { verdict: 'allow', metadata: { order: '4711' } },
      { verdict: 'allow', metadata: { order: '4711' } }
    ],
    [
      'sets as much as there may be',
      { verdict: 'allow', metadata: many(16) },
      { verdict: 'allow', metadata: many(16) }
    ],
    ['sets nothing', { verdict: 'allow', metadata: {}, message: '' }, { verdict: 'allow' }],
    [
      'denies with metadata, which nobody keeps',
      { verdict: 'deny', metadata: { a: 1 } },
      { verdict: 'deny' }
    ],
    [
      'has its text on one line',
      { verdict: 'deny', message: ' go\r\nback\u0000\u001b[31m \u202eto\u2028 station 3 ' },
      { verdict: 'deny', message: 'go back [31m to station 3' }
    ],
    [
      'has a text that is cut',
      { verdict: 'deny', message: '\u{1f600}'.repeat(600) },
      { verdict: 'deny', message: `${'\u{1f600}'.repeat(499)}…` }
    ]
  ])('%s', (_name, value, expected) => {
    expect(read(value)).toEqual(expected)
  })

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', '<html>'],
    ['half of it', '{"verdict": "allow"'],
    ['both at once', '{"verdict": "deny", "verdict": "allow"}'],
    ['a list', [{ verdict: 'allow' }]],
    ['null', null],
    ['a text', 'allow'],
    ['no verdict', {}],
    ['true', { verdict: true }],
    ['another verdict', { verdict: 'ALLOW' }],
    ['a verdict in a list', { verdict: ['allow'] }],
    ['a member that there is not', { verdict: 'allow', reason: 'x' }],
    ['a message that is no text', { verdict: 'deny', message: { text: 'x' } }],
    ['metadata that is a list', { verdict: 'allow', metadata: ['x'] }],
    ['null for metadata', { verdict: 'allow', metadata: null }],
    ['a number in it', { verdict: 'allow', metadata: { count: 1 } }],
    ['a key with a space', { verdict: 'allow', metadata: { 'a b': 'x' } }],
    ['a prototype in it', '{"verdict": "allow", "metadata": {"__proto__": "x"}}'],
    ['a value with a line break', { verdict: 'allow', metadata: { a: 'x\ny' } }],
    ['half of a surrogate pair', String.raw`{"verdict": "allow", "metadata": {"a": "\ud800"}}`],
    ['a value that is too long', { verdict: 'allow', metadata: { a: 'x'.repeat(257) } }],
    ['17 entries', { verdict: 'allow', metadata: many(17) }]
  ])('is none with %s', (_name, value) => {
    expect(typeof read(value)).toBe('string')
  })

  it('is none that is not UTF-8', () => {
    expect(typeof readAnswer(Buffer.from('{"verdict":"deny","message":"\xe4"}', 'latin1'))).toBe('string')
  })
})
