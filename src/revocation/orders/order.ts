import type { FinalReason } from '../../pki/revocation/reason.ts'
import type { Selection, ToldSelection } from './selection.ts'

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
  /** How many it was to revoke when it was given; null where nobody counted: it is of a compromised generation. */
  readonly expected: number | null
  /** How many that are selected were revoked by then, or had ended for the same reason: it is not about them. */
  readonly leftOut: number
  /** Id of the last that was looked at. */
  readonly position: string | null
  readonly done: number
  /** Somebody else has revoked them meanwhile, or they have ended for the same reason. */
  readonly skipped: number
  /** The database takes no act of them. */
  readonly failed: number
  readonly finishedAt: Date | null
}

/** As it is told: of what is named one by one, how many. */
export type ToldOrder = Omit<Order, 'selection'> & { readonly selection: ToldSelection }

/** Of what is selected now. */
export interface Counted {
  /** How many an order would revoke. */
  readonly count: number
  readonly leftOut: number
}
