import { expect, it } from 'vitest'
import { describeErrorForLog } from '../../src/errors/error-log.ts'
import { MintlineError } from '../../src/errors/mintline-error.ts'

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
  `value "${secret}" is out of range for type integer`
])('the log gets no value of a row from the text of an error: %s', text => {
  const logged = JSON.stringify(describeErrorForLog(new Error(`Raw query failed. Message: \`${text}\``)))
  expect(logged).not.toContain(secret)
  expect(logged).toContain('Raw query failed')
})
