import { untilAborted } from './call.ts'

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
  return untilAborted(send, AbortSignal.any([AbortSignal.timeout(callTimeoutMs), stopping]))
}
