import { untilAborted } from '../sources/until-aborted.ts'
import { httpsAgentOptions } from './https-agent.ts'

/** In milliseconds. */
export interface AwsTimeLimits {
  readonly connection: number
  /** Each HTTP request, from the connection to the last octet. */
  readonly request: number
  /** All attempts of one call together, the search for credentials included. */
  readonly call: number
}

const timeLimits: AwsTimeLimits = { connection: 5_000, request: 15_000, call: 60_000 }

/** How all clients of AWS are set up. */
export function clientSettings(
  { accountAlias, region }: { accountAlias: string; region: string },
  { connection, request } = timeLimits
) {
  return {
    region,
    ...(accountAlias !== '' && { profile: accountAlias }),
    maxAttempts: 4,
    // Slows down by itself when AWS throttles.
    retryMode: 'adaptive',
    requestHandler: {
      requestTimeout: request,
      connectionTimeout: connection,
      throwOnRequestTimeout: true,
      httpsAgent: httpsAgentOptions()
    }
  }
}

/**
 * Rejects with a `TimeoutError` when it takes too long, and with the reason of `stopping` as soon as that is aborted.
 */
export async function withinTime<Reply>(
  send: (abortSignal: AbortSignal) => Promise<Reply>,
  stopping: AbortSignal,
  { call } = timeLimits
): Promise<Reply> {
  return untilAborted(send, AbortSignal.any([AbortSignal.timeout(call), stopping]))
}
