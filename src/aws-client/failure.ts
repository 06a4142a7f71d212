import { keepableText } from '../errors/foreign-text.ts'
import { isMintlineError, MintlineError } from '../errors/mintline-error.ts'
import { awsBadCredentials, awsThrottlings } from './call.ts'
import { describeNetworkFailure } from './network-failure.ts'

const failuresAtAws = ['InternalFailureException', 'ServiceUnavailableException', 'ServiceFailureException']
const denials = ['AccessDeniedException', 'AccessDenied', 'UnauthorizedException', 'AuthorizationError']
const retryAfterSeconds = 30

/**
 * What an error of the SDK means, once and for all operations: `aws_unavailable` where trying again helps, else
 * `aws_refused`, with the operation and the name that AWS gives its error. AWS's own message is told for what it
 * says of the request; of credentials nothing is told.
 *
 * @param operation as a permission names it, e.g. `iot:RegisterCACertificate`.
 */
export function awsFailure(cause: unknown, operation: string): MintlineError {
  if (isMintlineError(cause)) return cause
  const { name, code, status, message } = traitsOf(cause)
  const isOneOf = (names: readonly string[]) => names.includes(name) || names.includes(code)
  const error = (kind: 'aws_refused' | 'aws_unavailable', detail: string) =>
    new MintlineError(kind, detail, {
      cause,
      members: { operation, awsError: name },
      ...(kind === 'aws_unavailable' && { retryAfterSeconds })
    })
  if (isOneOf(awsBadCredentials))
    return error(
      'aws_refused',
      `${operation} was not sent or not accepted: there are no credentials, or AWS does not take them (${name}). Check the account alias, the credentials of the service and the clock of the machine.`
    )
  if (isOneOf(denials))
    return error(
      'aws_refused',
      `AWS denies ${operation} (${name}). Grant it to the AWS identity of the service${alsoGrant(operation)}.`
    )
  if (isOneOf(awsThrottlings) || status === 429)
    return error(
      'aws_unavailable',
      `AWS gets more requests for ${operation} than its quota allows (${name}).`
    )
  const network = describeNetworkFailure(cause)
  if (network !== undefined) return error('aws_unavailable', `AWS did not answer ${operation}: ${network}`)
  if (isOneOf(failuresAtAws) || status >= 500)
    return error(
      'aws_unavailable',
      `AWS failed at ${operation} (${status >= 500 ? `HTTP ${status}, ` : ''}${code || name}).`
    )
  if (status >= 400) return error('aws_refused', `AWS refuses ${operation} (${name}): ${message}`)
  return error(
    'aws_unavailable',
    `${operation} failed for a reason that is not known (${code || name || 'no name'}); the log of the job has it.`
  )
}

/** Handing a role to AWS IoT is a permission of its own. */
function alsoGrant(operation: string): string {
  const handsOverRole = [
    'iot:RegisterCACertificate',
    'iot:UpdateCACertificate',
    'iot:CreateProvisioningTemplate',
    'iot:UpdateProvisioningTemplate'
  ]
  return handsOverRole.includes(operation) ? ', with iam:PassRole on the provisioning role' : ''
}

/** Whether AWS lacked nothing but a permission of the service: what `awsFailure` made of it, not of another refusal. */
export function isDenial(error: unknown): error is MintlineError {
  return isMintlineError(error, 'aws_refused') && denials.includes(String(error.members['awsError']))
}

/** Whether the SDK's error has this name. */
export function isAwsError(error: unknown, name: string): boolean {
  return traitsOf(error).name === name
}

const longestMessage = 500

function traitsOf(cause: unknown) {
  if (!(cause instanceof Error)) return { name: '', code: '', status: 0, message: '' }
  const { name, message, code, $metadata } = cause as Error & {
    code?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  return {
    name,
    code: typeof code === 'string' ? code : '',
    status: $metadata?.httpStatusCode ?? 0,
    message: keepableText(message, longestMessage)
  }
}
