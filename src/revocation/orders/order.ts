import type { FinalReason } from '../../pki/revocation/reason.ts'
import type { Selection } from './selection.ts'

/** An order to revoke many, and how far it has come. */
export interface Order {
  /** UUIDv7 of `createdAt`: it is about what has a smaller one, but for what it names one by one. */
  readonly id: string
  readonly createdAt: Date
  readonly actor: string
  readonly credential: string | null
  readonly requestId: string | null
  readonly selection: Selection
  readonly reason: FinalReason
  readonly note: string
  readonly invalidityDate: Date | null
  /** How many were selected when it was given. */
  readonly expected: number
  /** Id of the last that was looked at. */
  readonly position: string | null
  readonly done: number
  /** Somebody else has revoked them meanwhile. */
  readonly skipped: number
  /** The database takes no act of them. */
  readonly failed: number
  readonly finishedAt: Date | null
}
