/** Each HTTP request, from the connection to the last octet. */
const requestTimeoutMs = 15_000
const connectionTimeoutMs = 5_000
/** All attempts of one call together, the search for credentials included. */
const callTimeoutMs = 60_000

/** How all clients of AWS are set up. */
export function clientSettings({ accountAlias, region }: { accountAlias: string; region: string }) {
  return {
    region,
    ...(accountAlias !== '' && { profile: accountAlias }),
    maxAttempts: 4,
    // Slows down by itself when AWS throttles.
    retryMode: 'adaptive',
    requestHandler: {
      requestTimeout: requestTimeoutMs,
      connectionTimeout: connectionTimeoutMs,
      throwOnRequestTimeout: true
    }
  }
}

/**
 * Rejects with a `TimeoutError` when it takes too long, and with the reason of `stopping` as soon as that is aborted.
 */
export async function withinTime<Reply>(
  send: (abortSignal: AbortSignal) => Promise<Reply>,
  stopping: AbortSignal
): Promise<Reply> {
  stopping.throwIfAborted()
  const signal = AbortSignal.any([AbortSignal.timeout(callTimeoutMs), stopping])
  const timedOut = Promise.withResolvers<never>()
  const giveUp = () => timedOut.reject(signal.reason as Error)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    // The SDK heeds the signal on the wire alone; the race also ends a search for credentials.
    return await Promise.race([send(signal), timedOut.promise])
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
