import type { WantedStatus } from './wanted.ts'

/**
 * - `waiting`: AWS is still to be told.
 * - `unseen`: the certificate was never seen there. It is looked for again, since its device may still show up.
 * - `absent`: it was never seen there, and its CA is not there, so that no device comes with it. Looked for once the CA is there again.
 * - `done`: AWS had it as wanted at the last look. It is looked at again.
 * - `refused`: AWS takes it not. It is tried again with long pauses.
 * - `over`: the certificate has expired.
 */
export const pushStates = ['waiting', 'unseen', 'absent', 'done', 'refused', 'over'] as const
export type PushState = (typeof pushStates)[number]

export interface PushError {
  readonly code: string
  readonly detail: string
}

/** One that this process is about to tell AWS of. */
export interface ClaimedPush {
  /** A decimal number. */
  readonly id: string
  readonly intentId: string
  readonly registrationId: string
  /** Lower-case hex. */
  readonly certificateId: string
  /** The act that it follows. */
  readonly actId: string
  readonly state: PushState
  /** What the acts have come to. */
  readonly standing: 'good' | 'held' | 'removed' | 'revoked'
  /** What the newest version of the profile says. */
  readonly policy: string
  readonly observed: string | null
  readonly statusBefore: string | null
  readonly things: readonly string[]
  readonly tries: number
  readonly askedAt: Date
  /** When AWS was changed last. */
  readonly pushedAt: Date | null
  readonly notAfter: Date | null
  /** There while `notAfter` is not known, unless its month is detached. */
  readonly certificateDer: Uint8Array | null
  /** Whether somebody died, or lost the answer, on the way: AWS may have been told. */
  readonly isDoubtful: boolean
}

/** What became of one. */
export interface Settlement {
  readonly state: PushState
  readonly wanted: WantedStatus
  /** What AWS has; null where there is nothing, undefined where that was not asked to the end. */
  readonly observed: string | null | undefined
  /** Whether a hold is over, and what it took the certificate out of counts no more. */
  readonly isRestored: boolean
  /** Undefined: as they were noted. */
  readonly things: readonly string[] | undefined
  /** In a row without what was wanted. */
  readonly tries: number
  readonly notAfter: Date | null
  /** Until the next look; null: there is none. */
  readonly pauseMs: number | null
  /** Whether AWS was changed. */
  readonly isPushed: boolean
  /** Whether somebody else had let it in again since it was done. */
  readonly isDrift: boolean
  /** What AWS had at the look before it was changed; undefined where there was none. */
  readonly found?: string | undefined
  readonly lastError: PushError | null
}
