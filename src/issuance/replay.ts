import { setTimeout as delay } from 'node:timers/promises'
import type { Authorities } from '../authorities/authority.ts'
import type { Completion } from './completion.ts'
import type { IssuanceResult } from './issuance-record.ts'
import type { EarlierIntent, Records } from './records.ts'

export interface ReplayDependencies {
  readonly records: Records
  readonly completion: Completion
  readonly authorities: Authorities
  readonly clock: () => Date
  /**
   * An open intent that is younger may be in the hands of another process: a retry waits that long for its record
   * before it completes the intent itself.
   */
  readonly resumeAfterMs: number
}

export interface Replay {
  /** The same bytes again; where a crash or an outage kept them from being made, they are made now. */
  replay(earlier: EarlierIntent): Promise<IssuanceResult>
  /** Waits for this process's own work first: an intent found open after that is not in its hands. */
  findSettled(intentId: string): Promise<EarlierIntent>
}

const pollMs = 50

export function createReplay(dependencies: ReplayDependencies): Replay {
  const { records, completion, authorities, clock, resumeAfterMs } = dependencies

  async function findSettled(intentId: string): Promise<EarlierIntent> {
    await completion.underWay(intentId)
    return records.findIntent(intentId)
  }

  async function replay({ entry, toBeSigned, authorityId }: EarlierIntent): Promise<IssuanceResult> {
    if (entry.outcome === 'issued') return { record: entry, replayed: true }
    const ageMs = clock().getTime() - entry.requestedAt.getTime()
    if (ageMs < resumeAfterMs) await delay(pollMs)
    else await completion.complete(toBeSigned, await authorities.issuingById(authorityId))
    return replay(await findSettled(entry.id))
  }

  return { replay, findSettled }
}
