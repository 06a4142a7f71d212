import { describe, expect, it } from 'vitest'
import { awsFailure } from '../../src/aws-client/failure.ts'

const error = (name: string, members: object = {}) =>
  Object.assign(new Error('key AKIDSECRET'), { name }, members)
const answered = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } })

describe('awsFailure', () => {
  it.each<[string, unknown, string]>([
    ['throttling', error('ThrottlingException', answered(400)), 'aws_unavailable'],
    ['a failure at AWS', error('InternalFailureException', answered(500)), 'aws_unavailable'],
    ['an unknown 5xx', error('Whatever', answered(503)), 'aws_unavailable'],
    ['no connection', error('Error', { code: 'ECONNREFUSED' }), 'aws_unavailable'],
    ['no answer in time', error('TimeoutError'), 'aws_unavailable'],
    ['a proxy in the way', error('Error', { code: 'ERR_PROXY_TUNNEL', statusCode: 407 }), 'aws_unavailable'],
    ['a root that is missing', error('Error', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'aws_unavailable'],
    ['several addresses', new AggregateError([error('Error', { code: 'ECONNREFUSED' })]), 'aws_unavailable'],
    ['an unknown error', error('TypeError'), 'aws_unavailable'],
    ['no credentials', error('CredentialsProviderError'), 'aws_refused'],
    ['expired credentials', error('ExpiredTokenException', answered(403)), 'aws_refused'],
    ['a denial', error('AccessDeniedException', answered(403)), 'aws_refused'],
    ['a denial of IoT', error('UnauthorizedException', answered(401)), 'aws_refused'],
    ['an invalid request', error('InvalidRequestException', answered(400)), 'aws_refused'],
    ['a quota', error('LimitExceededException', answered(410)), 'aws_refused']
  ])('takes %s for what it is', (_name, cause, code) => {
    const failure = awsFailure(cause, 'iot:RegisterCACertificate')
    expect(failure.code).toBe(code)
    expect(failure.detail).toContain('iot:RegisterCACertificate')
    expect(failure.retryAfterSeconds === undefined).toBe(code === 'aws_refused')
  })

  it.each(['CredentialsProviderError', 'AccessDeniedException', 'TimeoutError'])(
    'tells nothing of what %s says of credentials',
    name => {
      expect(awsFailure(error(name), 'iot:GetRegistrationCode').detail).not.toContain('AKIDSECRET')
    }
  )
})
