import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from '../../../src/cli/enroll/exchange/connection.ts'
import { waitOf } from '../../../src/cli/enroll/exchange/exchange.ts'
import { isWorthRetrying, outcomeOfError, outcomeOfReply } from '../../../src/cli/enroll/exchange/outcome.ts'
import { holdsKey } from '../../../src/cli/enroll/keeping/formats.ts'
import { createProgress, describeProgress } from '../../../src/cli/enroll/progress.ts'

const now = new Date('2026-11-27T10:00:00Z')
const busy = (retryAfterSeconds?: number) =>
  outcomeOfReply({ status: 503, retryAfterSeconds, body: Buffer.from('') })

describe('Retry-After', () => {
  it.each([
    ['30', 30],
    ['0', 0],
    ['Fri, 27 Nov 2026 10:00:45 GMT', 45],
    ['Fri, 27 Nov 2026 09:00:00 GMT', 0],
    ['999999999', 86_400],
    ['soon', undefined],
    [undefined, undefined]
  ])('%s', (value, seconds) => {
    expect(parseRetryAfter(value, now)).toBe(seconds)
  })
})

describe('the wait before the next try', () => {
  it('is a random part of what doubles, up to half a minute', () => {
    const waits = [0, 1, 2, 5, 6, 7, 5_000].map(round => waitOf(busy(), round, () => 1))
    expect(waits).toEqual([500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000])
    expect(waitOf(busy(), 6, () => 0)).toBe(0)
  })

  it('is never shorter than what the service asks for', () => {
    expect(waitOf(busy(30), 0, () => 0)).toBe(30_000)
    expect(waitOf(busy(30), 1, () => 0.5)).toBe(30_500)
  })
})

it.each<[number, string | undefined, boolean]>([
  [503, undefined, true],
  [503, 'shutting_down', true],
  [502, undefined, true],
  [504, undefined, true],
  [429, 'station_limit_reached', true],
  [408, 'request_timeout', true],
  [500, 'internal_error', true],
  [500, 'lint_failed', false],
  [500, undefined, false],
  [422, 'key_refused', false],
  [401, 'token_invalid', false]
])('%d %s is worth another try: %s', (status, code, expected) => {
  expect(isWorthRetrying(status, code)).toBe(expected)
})

describe('what went wrong below HTTP', () => {
  it.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', true, '--ca-file'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', true, '--ca-file'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', true, '--ca-file'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', true, '--client-cert'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', true, '--url'],
    ['ECONNRESET', false, 'ECONNRESET'],
    ['ETIMEDOUT', false, 'ETIMEDOUT']
  ])('%s: lasting: %s', (code, isLasting, hint) => {
    const outcome = outcomeOfError(Object.assign(new Error('x'), { code }))
    expect(outcome).toMatchObject({ kind: 'unreachable', isLasting })
    expect(outcome).toHaveProperty('detail', expect.stringContaining(hint))
  })

  it('is not a fault of the program', () => {
    expect(() => outcomeOfError(new RangeError('x'))).toThrow(RangeError)
  })
})

describe('an answer that is kept', () => {
  const key = Buffer.from('a key in DER')
  const der = Buffer.concat([Buffer.from('0'), key])
  it.each([
    ['octets', der, true],
    [
      'PEM',
      Buffer.from(`-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`),
      true
    ],
    ['C', Buffer.from([...der].map(octet => `0x${octet.toString(16)},`).join('\n')), true],
    ['nothing', Buffer.from(''), false],
    ['another', Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'), false]
  ])('is found to be of a key: %s', (_name, file, expected) => {
    expect(holdsKey(file, key)).toBe(expected)
  })
})

describe('progress', () => {
  it('tells rate and time left', () => {
    expect(describeProgress(50, 200, 5)).toBe('50 of 200, 10 a second, 15 s left')
  })

  it('is told where somebody watches, not for each step, and at the end', () => {
    const written: string[] = []
    const progress = createProgress(1_000, text => void written.push(text))
    for (let step = 0; step < 1_000; step++) progress.step()
    expect(written.length).toBeLessThan(100)
    expect(written.at(-1)).toContain('1000 of 1000')
    createProgress(1, undefined).step()
  })
})
