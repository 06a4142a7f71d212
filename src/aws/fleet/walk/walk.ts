import type { ThingChoice, WalkPhase } from '../reconciliation.ts'

/** How far a look has come with one registration, or with a CA as a whole: what its next step begins with. */
export interface Walk {
  readonly id: string
  readonly reconciliationId: string
  readonly authorityId: string
  /** Name of the generation. */
  readonly authority: string
  /** Null of a CA as a whole. */
  readonly registrationId: string | null
  readonly region: string | null
  readonly accountAlias: string | null
  /** The template makes the things, and not a rule of the account. */
  readonly isProvisioning: boolean
  readonly phase: WalkPhase
  readonly marker: string | null
  /** Of what was looked at last in this phase. */
  readonly position: Uint8Array | null
  readonly arnPrefix: string | null
  /** How many alarms it has told of. */
  readonly alarms: number
  readonly things: ThingChoice
  readonly neverSeenDays: number
  readonly failingSeconds: number | null
  /** How often the list was begun anew. */
  readonly restarts: number
  /** Of the place, where a registration there knows it, as pushes go by it: so both keep one pace. */
  readonly awsAccountId: string | null
  /** The registration has been brought about at least once. */
  readonly isRegistered: boolean
}

/** Where a walk goes on after a step. */
export interface WalkAdvance {
  readonly phase: WalkPhase
  readonly position: Uint8Array | null
}
