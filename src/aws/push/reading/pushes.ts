import type { Page, PageQuery } from '../../../sources/page.ts'
import type { PushError, PushState } from '../push.ts'
import type { WantedStatus } from '../wanted.ts'

/** What one account and region is to be told of one certificate, as it is shown. */
export interface Push {
  /** A decimal number: later ones are larger. */
  readonly id: string
  /** Of the record. */
  readonly issuanceId: string
  /** Lower-case hex. */
  readonly certificateId: string
  /** Name of the generation. */
  readonly authority: string
  readonly registrationId: string
  /** Empty for the SDK's own chain. */
  readonly accountAlias: string
  readonly region: string
  /** Id of the order to revoke many. */
  readonly revocation: string | null
  readonly askedAt: Date
  readonly state: PushState
  /** Null until it was taken up. */
  readonly wanted: WantedStatus | null
  readonly observed: string | null
  /** Things that are still to be looked after. */
  readonly things: readonly string[]
  readonly tries: number
  /** How often somebody had let it in again. */
  readonly drifts: number
  readonly pushedAt: Date | null
  readonly checkedAt: Date | null
  readonly dueAt: Date | null
  readonly lastError: PushError | null
}

/** All given conditions hold together. */
export interface PushQuery extends PageQuery {
  readonly state?: PushState | undefined
  /** Name of the generation. */
  readonly authority?: string | undefined
  readonly region?: string | undefined
  readonly accountAlias?: string | undefined
  /** Id of the record. */
  readonly issuance?: string | undefined
  /** Id of the order. */
  readonly revocation?: string | undefined
}

export type PushCounts = Readonly<Record<PushState, number>>

/** How far telling AWS IoT of revocations has come. */
export interface Pushes {
  /** Newest first. */
  list(query: PushQuery): Promise<Page<Push>>
  /** Of the certificates of an order to revoke many. */
  countOf(revocation: string): Promise<PushCounts>
  /** Of one certificate, by the id of its record. */
  listOf(issuance: string): Promise<readonly Push[]>
  /** Whether AWS can be told, everywhere. @throws MintlineError `database_unavailable`. */
  examine(): Promise<{ readonly ok: boolean; readonly detail: string }>
  measure(): Promise<readonly PushFacts[]>
}

/** Of one registration. */
export interface PushFacts {
  readonly authority: string
  readonly accountAlias: string
  readonly region: string
  /** Not more than `countedMost` of each are counted, and not more than `namedMost` where they are but named. */
  readonly waiting: number
  readonly unseen: number
  readonly refused: number
  /** Since the first of those that wait was asked for. */
  readonly waitingSeconds: number
  /** Since the last that AWS was told of, or looked at for; null: never. */
  readonly restedSeconds: number | null
  /** Since the first that waits is due. */
  readonly overdueSeconds: number
  readonly pushed: number
  readonly drifts: number
  /** Certificates that are revoked or on hold, and that AWS cannot be told of, since their months are detached. */
  readonly leftOut: number
  /** Since AWS cannot be told; null: it can. */
  readonly failingSeconds: number | null
  readonly lastError: PushError | null
}

export const countedMost = 100_000
/** For a person to read; where there are as many, there are more. */
export const namedMost = 1_000
