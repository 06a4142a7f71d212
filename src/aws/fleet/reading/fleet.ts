import type { Act } from '../../../audit/audit-event.ts'
import type { Page, PageQuery } from '../../../sources/page.ts'
import type { AlarmKind, FindingKind } from '../finding.ts'
import type { HeldCounts } from '../reconciliation.ts'

/** What AWS IoT and the record do not agree on, as it is shown. */
export interface Finding {
  /** A decimal number: later ones are larger. */
  readonly id: string
  readonly kind: FindingKind
  /** Name of the generation. */
  readonly authority: string
  /** Null of what is of the CA as a whole. */
  readonly registrationId: string | null
  readonly accountAlias: string | null
  readonly region: string | null
  /** Lower-case hex; null of what is of no certificate. */
  readonly certificateId: string | null
  /** Of the record. */
  readonly issuanceId: string | null
  readonly details: Readonly<Record<string, unknown>>
  readonly foundAt: Date
  /** When it was found last. */
  readonly confirmedAt: Date
  readonly acknowledgedAt: Date | null
  readonly acknowledgedBy: string | null
  readonly acknowledgeNote: string | null
}

/** All given conditions hold together. */
export interface FindingQuery extends PageQuery {
  readonly kind?: FindingKind | undefined
  /** Name of the generation. */
  readonly authority?: string | undefined
  readonly region?: string | undefined
  readonly accountAlias?: string | undefined
  /** Alarms alone that nobody has acknowledged. */
  readonly isOpenAlarm?: boolean | undefined
  /** Id of the record. */
  readonly issuance?: string | undefined
}

/** Of one registration; or, without a place, of a CA as a whole. */
export interface FleetPlace {
  readonly authority: string
  readonly registrationId: string | null
  readonly accountAlias: string | null
  readonly region: string | null
  /** At the last look that went through. */
  readonly held: HeldCounts | null
  readonly lookedAt: Date | null
  /** Id of that look. */
  readonly reconciliation: string | null
  /** Not more than `countedMost` of each kind are counted; kinds without any are not there. */
  readonly findings: Readonly<Partial<Record<FindingKind, number>>>
  readonly openAlarms: number
  /** Why the last look did not go through here, or one waits; null: it did. */
  readonly lastError: { readonly code: string; readonly detail: string } | null
  /** A look goes on by its state alone: no step of it was kept for two hours. */
  readonly isStuck: boolean
}

export const countedMost = 100_000

/** Open alarms of one generation. All given conditions hold together. */
export interface AlarmSelection {
  /** Name of the generation. */
  readonly authority: string
  readonly kind?: AlarmKind | undefined
  readonly region?: string | undefined
  readonly accountAlias?: string | undefined
  /** AWS IoT had the certificate before then, by its own clock. */
  readonly registeredBefore?: Date | undefined
}

export interface CountedAlarms {
  /** Not more than `mostAcknowledged`. */
  readonly count: number
  /** There are more than that, which are for another time. */
  readonly hasMore: boolean
  readonly first: readonly Finding[]
}

/** At once: one statement, which takes less than a second. */
export const mostAcknowledged = 10_000

export interface Acknowledging {
  /** @throws MintlineError `authority_not_found`. */
  countAlarms(selection: AlarmSelection): Promise<CountedAlarms>
  /**
   * All of them or none, with one audit event.
   *
   * @returns how many.
   * @throws MintlineError `authority_not_found`; `fleet_finding_count_changed` where another number is open by now, `count`.
   */
  acknowledgeAlarms(selection: AlarmSelection, expected: number, act: Act): Promise<number>
}

/** The fleet at AWS IoT, as of the last looks at it. */
export interface Fleet extends Acknowledging {
  /** Newest first. */
  list(query: FindingQuery): Promise<Page<Finding>>
  summarize(): Promise<readonly FleetPlace[]>
  /** @throws MintlineError `fleet_finding_not_found`: there is no such alarm. */
  acknowledge(id: string, act: Act): Promise<Finding>
  /** Whether there are no alarms, and looks go through. @throws MintlineError `database_unavailable`. */
  examine(): Promise<{ readonly ok: boolean; readonly detail: string }>
}
