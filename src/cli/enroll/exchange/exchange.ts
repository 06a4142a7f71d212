import { setTimeout as delay } from 'node:timers/promises'
import type { Asked, Connection } from './connection.ts'
import { type Outcome, outcomeOfError, outcomeOfReply } from './outcome.ts'

export interface ExchangeSettings {
  /** For all tries and the waits between them. */
  readonly deadlineMs: number
  /** From 0 to 1. */
  readonly random: () => number
  /** Told of each wait before it begins. */
  readonly onWait: (outcome: Outcome, waitMs: number) => void
}

const firstBackOffMs = 500
const longestBackOffMs = 30_000
/** The service itself gives up earlier. */
const longestTryMs = 30_000
const shortestTryMs = 1_000

/**
 * Sends the same octets until there is an answer, a refusal, or no time for another try. Waits as long as the service asks
 * for (Retry-After) and, on top, a random part of a back-off that doubles, so that stations that were cut off together do
 * not come back together. A try that was answered and whose answer was lost costs nothing: the service answers the same
 * again.
 *
 * @returns the last outcome.
 */
export async function exchange(
  connection: Connection,
  asked: Asked,
  { deadlineMs, random, onWait }: ExchangeSettings
): Promise<Outcome> {
  const end = performance.now() + deadlineMs
  for (let round = 0; ; round++) {
    const left = Math.max(Math.ceil(end - performance.now()), shortestTryMs)
    const outcome = await attempt(connection, asked, Math.min(left, longestTryMs))
    if (!isTransient(outcome)) return outcome
    const waitMs = waitOf(outcome, round, random)
    if (performance.now() + waitMs >= end) return outcome
    onWait(outcome, waitMs)
    await delay(waitMs)
  }
}

async function attempt(connection: Connection, asked: Asked, timeoutMs: number): Promise<Outcome> {
  try {
    return outcomeOfReply(await connection.send(asked, timeoutMs))
  } catch (error) {
    return outcomeOfError(error)
  }
}

function isTransient(outcome: Outcome): boolean {
  return outcome.kind === 'busy' || (outcome.kind === 'unreachable' && !outcome.isLasting)
}

/** Milliseconds. */
export function waitOf(outcome: Outcome, round: number, random: () => number): number {
  const backOff = random() * Math.min(longestBackOffMs, firstBackOffMs * 2 ** Math.min(round, 10))
  return backOff + (outcome.kind === 'busy' ? (outcome.retryAfterSeconds ?? 0) * 1_000 : 0)
}
