import { expect, it } from 'vitest'
import { describeErrorForLog } from '../../src/errors/error-log.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'
import { expectWithin, measureCpu } from '../support/time-limit.ts'

const secret = 'word-nobody-knows'

it('the log gets nothing that a library hung on its error, at any depth', () => {
  const fromDriver = Object.assign(new Error('terminating connection'), {
    code: '57P01',
    client: { connectionParameters: { password: secret } },
    $response: { body: secret }
  })
  const error = new MintlineError('database_unavailable', 'The database cannot be reached.', {
    cause: new AggregateError([fromDriver], 'all attempts failed'),
    violations: [{ pointer: '/csr', expected: 'a CSR', found: secret, message: secret }]
  })
  const logged = describeErrorForLog(error)
  expect(JSON.stringify(logged)).not.toContain(secret)
  expect(logged).toMatchObject({
    type: 'MintlineError',
    code: 'database_unavailable',
    cause: { message: 'all attempts failed', errors: [{ code: '57P01', message: 'terminating connection' }] }
  })
})

it('an error that is its own cause, or none, is described as well', () => {
  const circular = new Error('round')
  circular.cause = circular
  expect(JSON.stringify(describeErrorForLog(circular)).length).toBeLessThan(20_000)
  expect(describeErrorForLog('thrown')).toEqual({ type: 'string', message: 'not an Error' })
})

it.each([
  `Failing row contains (0190, ${secret}, \\x30, 2026).`,
  `Key (name)=(${secret}) already exists.`,
  `Key (lower(name), role)=(${secret}, a "quoted" (one)) is not present in table "token".`,
  `invalid input syntax for type uuid: "${secret}"`,
  `invalid input value for enum role: "say "${secret}""`,
  `invalid byte sequence for encoding "UTF8": 0x00\ninvalid hexadecimal data: "${secret}"`,
  `value "${secret}" is out of range for type integer`,
  `Failing row contains (1, {"a": 1,\n"pem": "x)\n${secret}\n"}).`,
  `Key (name)=(two\n${secret}) already exists.`,
  `Key (name)=(cut off\n${secret}`,
  `invalid input syntax for type json: "a\n"b": ${secret}"`,
  `invalid input syntax for type uuid: "cut off ${secret}`,
  `date/time field value out of range: "${secret}"`,
  `malformed array literal: "{${secret}"`,
  `Token "${secret}" is invalid.`,
  `JSON data, line 1: {"a":${secret}\nline 2 ${secret}`,
  `Unexpected token 'S', "${secret}"... is not valid JSON`,
  `Unexpected token 'S', ..."a\n"${secret}" is not valid JSON`
])('the log gets no value of a row from the text of an error: %s', text => {
  const logged = JSON.stringify(describeErrorForLog(new Error(`Raw query failed. Message: \`${text}\``)))
  expect(logged).not.toContain(secret)
  expect(logged).toContain('Raw query failed')
})

it('the log keeps where an error came from, whatever value its text ends with', () => {
  const { stack } = describeErrorForLog(new Error(`Failing row contains (${secret},\n    at ${secret}`))
  expect(stack).not.toContain(secret)
  expect(stack).toContain('error-log.test.ts')
})

it('a text made to keep the filter busy does not', async () => {
  for (const part of [
    'Key (',
    'Key (a)=(',
    'invalid a ',
    'Unexpected token ',
    'value "',
    'JSON data, line 1: '
  ]) {
    const error = new Error(part.repeat(65_536 / part.length))
    expectWithin(await measureCpu(() => describeErrorForLog(error)), 100)
  }
})
