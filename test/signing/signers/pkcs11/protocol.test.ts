import { describe, expect, it } from 'vitest'
import { parseTokenAnswer } from '../../../../src/signing/signers/pkcs11/protocol.ts'

const parse = (value: unknown) => parseTokenAnswer(JSON.stringify(value))
const failed = (change: object) =>
  parse({ kind: 'failed', id: 1, code: 'signer_unavailable', detail: 'It is gone.', ...change })
const need = { tokenSerial: '12', mark: 'ab'.repeat(32), triesLeft: 'all' }

describe('an answer of the process of a module, which may be damaged', () => {
  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['an unknown kind', '{"kind":"other","id":1}'],
    ['no id', '{"kind":"done","octets":""}'],
    ['no octets', '{"kind":"done","id":1}']
  ])('with %s is none', (_, line) => {
    expect(parseTokenAnswer(line)).toBeUndefined()
  })

  it.each([
    ['a code of its own', { code: 'lot_exceeded' }],
    ['no detail', { detail: undefined }],
    ['an empty detail', { detail: '' }],
    ['a detail that is no text', { detail: { text: 'a' } }]
  ])('that tells a failure with %s is none', (_, change) => {
    expect(failed(change)).toBeUndefined()
  })

  it.each([
    [0, undefined],
    [-1, undefined],
    [0.5, undefined],
    ['5', undefined],
    [null, undefined],
    [1, 1],
    [60, 60],
    [1e300, 60]
  ])('that has a client wait %s seconds has it wait %s', (retryAfterSeconds, expected) => {
    expect(failed({ retryAfterSeconds })).toMatchObject({ retryAfterSeconds: expected })
  })

  it('is told in one line of bounded length, without what controls a terminal or cannot be kept', () => {
    const odd = `a\r\nb\u0000\u001b[2J\u202e\ud800${'x'.repeat(5_000)}`
    const { detail = '', cause = '' } = failed({ detail: odd, cause: odd }) as {
      detail?: string
      cause?: string
    }
    for (const text of [detail, cause]) {
      expect(text).toMatch(/^a {2}b {2}\[2J \ufffdx+$/)
      expect(text).toHaveLength(500)
    }
  })

  it.each([
    ['no mark', { mark: '' }],
    ['a mark that is none', { mark: 'xy'.repeat(32) }],
    ['no serial number', { tokenSerial: 5 }],
    ['other tries than there are', { triesLeft: 'some' }]
  ])('that needs a login with %s is none', (_, change) => {
    expect(parse({ kind: 'login-needed', id: 1, ...need })).toBeDefined()
    expect(parse({ kind: 'login-needed', id: 1, ...need, ...change })).toBeUndefined()
    expect(parse({ kind: 'login', outcome: 'refused', ...need, ...change })).toBeUndefined()
  })

  it('that tells of a login what no token says is none', () => {
    expect(parse({ kind: 'login', outcome: 'accepted', ...need })).toBeDefined()
    expect(parse({ kind: 'login', outcome: 'perhaps', ...need })).toBeUndefined()
  })
})
