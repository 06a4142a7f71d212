import { awsBadCredentials, awsThrottlings } from '../../../aws-client/call.ts'
import { describeNetworkFailure } from '../../../aws-client/network-failure.ts'
import { isMintlineError, MintlineError } from '../../../errors/mintline-error.ts'

/** The permissions that the service's AWS identity needs on the key. */
export type KmsPermission = 'kms:GetPublicKey' | 'kms:Sign' | 'kms:DescribeKey'

/**
 * Whether a failed request may be sent again:
 * - `refused`: it surely had no effect. KMS answered that it did not do it, or it never reached KMS.
 * - `lost`: no answer came, so KMS may have done it.
 * - `final`: sending it again is no use.
 */
type KmsOutcome = 'refused' | 'lost' | 'final'

export interface KmsFailure {
  readonly outcome: KmsOutcome
  /** What the caller gets when it is not sent again. */
  readonly error: MintlineError
}

const failuresInKms = ['KMSInternalException', 'DependencyTimeoutException', 'KeyUnavailableException']
const goneOrOff = ['DisabledException', 'KMSInvalidStateException', 'NotFoundException']
const wrongKeys = [
  'InvalidKeyUsageException',
  'InvalidArnException',
  'UnsupportedOperationException',
  'ValidationException'
]
/** Node's codes of a connection that was never made. */
const unreached = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_PROXY_TUNNEL'
]
/** Node's codes of a connection that broke, and the error of a request that took too long. */
const broken = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'TimeoutError']

const throttledRetrySeconds = 1
const unreachableRetrySeconds = 5

/** KMS answers, and has had too many requests: it is not sick. */
export function isThrottled(error: unknown): boolean {
  return isMintlineError(error) && isThrottling(traitsOf(error.cause))
}

function isThrottling({ name, code, status }: ErrorTraits): boolean {
  return awsThrottlings.includes(name) || awsThrottlings.includes(code) || status === 429
}

/** What an error of the SDK means. An error that is not known is final, and the key counts as out of reach. */
export function kmsFailure(cause: unknown, permission: KmsPermission): KmsFailure {
  const { name, code, status } = traitsOf(cause)
  const isOneOf = (names: readonly string[]) => names.includes(name) || names.includes(code)
  const final = (errorCode: 'signer_disabled' | 'key_unusable', detail: string): KmsFailure => ({
    outcome: 'final',
    error: new MintlineError(errorCode, detail, { cause })
  })
  const unavailable = (
    outcome: KmsOutcome,
    detail: string,
    retryAfterSeconds = unreachableRetrySeconds
  ): KmsFailure => ({
    outcome,
    error: new MintlineError('signer_unavailable', detail, { cause, retryAfterSeconds })
  })

  const network = describeNetworkFailure(cause)
  const why = network === undefined ? '.' : `: ${network}`
  if (isOneOf(goneOrOff)) return final('signer_disabled', detailOfState(name))
  if (name === 'AccessDeniedException') return final('key_unusable', detailOfDenial(permission))
  if (isOneOf(wrongKeys)) return final('key_unusable', `AWS KMS does not take the CA key for this (${name}).`)
  if (isOneOf(awsBadCredentials)) return unavailable('final', detailOfCredentials)
  if (isThrottling({ name, code, status }))
    return unavailable('refused', detailOfThrottling, throttledRetrySeconds)
  if (isOneOf(failuresInKms) || isOneOf(unreached))
    return unavailable('refused', `AWS KMS, where the CA key is, fails or cannot be reached${why}`)
  if (isOneOf(broken) || status >= 500)
    return unavailable('lost', `AWS KMS, where the CA key is, did not answer${why}`)
  return unavailable(
    'final',
    network === undefined
      ? 'A request to AWS KMS, where the CA key is, failed for a reason that is not known; see the log.'
      : `AWS KMS, where the CA key is, cannot be asked${why}`
  )
}

const detailOfThrottling = 'AWS KMS, where the CA key is, gets more requests than its quota allows.'
const detailOfCredentials =
  'AWS does not take the credentials of the service, or there are none; check them and the clock of the machine.'

function detailOfDenial(permission: KmsPermission): string {
  return `The AWS identity of the service lacks the permission ${permission} on the CA key; see the key policy and its IAM role.`
}

function detailOfState(name: string): string {
  if (name === 'DisabledException') return 'The CA key is disabled in AWS KMS.'
  if (name === 'NotFoundException') return 'The CA key is not in AWS KMS in this account and region.'
  return 'The state of the CA key in AWS KMS does not allow its use; it may be pending deletion.'
}

interface ErrorTraits {
  readonly name: string
  readonly code: string
  /** Of the HTTP answer; 0 when there was none. */
  readonly status: number
}

function traitsOf(cause: unknown): ErrorTraits {
  if (!(cause instanceof Error)) return { name: '', code: '', status: 0 }
  const { name, code, $metadata, $response } = cause as Error & {
    code?: unknown
    $metadata?: { httpStatusCode?: number }
    $response?: { statusCode?: number }
  }
  return {
    name,
    code: typeof code === 'string' ? code : '',
    status: $metadata?.httpStatusCode ?? $response?.statusCode ?? 0
  }
}
