/** Names of errors by which AWS says that it was asked too often. */
export const awsThrottlings: readonly string[] = [
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'SlowDown'
]

/** Names of errors of credentials that are missing, ended or wrong. */
export const awsBadCredentials: readonly string[] = [
  'CredentialsProviderError',
  'TokenProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'OptInRequired'
]

/** Makes a call with the SDK, and rejects with the signal's reason as soon as that is aborted. */
export async function untilAborted<Reply>(
  send: (abortSignal: AbortSignal) => Promise<Reply>,
  signal: AbortSignal
): Promise<Reply> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const giveUp = () => aborted.reject(signal.reason as Error)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    // The SDK heeds the signal on the wire alone; the race also ends a search for credentials.
    return await Promise.race([send(signal), aborted.promise])
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
