import type { ErrorCode } from '../../errors/mintline-error.ts'
import type { Span } from '../../sources/site/shifts.ts'
import type { Zone } from '../../sources/site/zone.ts'

/** What a report is of. Dates are those of the site's calendar: `YYYY-MM-DD`. */
export type ReportSubject =
  | { readonly kind: 'day'; readonly date: string }
  /** That begins on that day. */
  | { readonly kind: 'shift'; readonly date: string; readonly shift: string }
  | { readonly kind: 'lot'; readonly lot: string }
  /** `from` is inclusive, `to` exclusive, both on the quarter of an hour. */
  | { readonly kind: 'station'; readonly station: string; readonly from: Date; readonly to: Date }

export interface ReportQuery {
  readonly subject: ReportSubject
  /** Of production: what is of these alone. */
  readonly lines?: readonly string[] | undefined
}

/** Refusals for one reason. */
export interface RefusalReason {
  readonly code: ErrorCode
  /** On record. */
  readonly count: number
  /** Only counted: repeats within a minute, and those beyond what is recorded of a station. */
  readonly unrecorded: number
}

/** What came of the requests of a time, or of a lot. */
export interface ReportCounts {
  /** Certificates, whatever became of them later. */
  readonly issued: number
  /** Of these, how many came in the place of another certificate of their device. */
  readonly reworked: number
  /** Devices that were said to be no more in this time, whenever they were certified. */
  readonly scrapped: number
  readonly refused: number
  readonly unrecorded: number
  readonly void: number
  readonly unknown: number
  /** When the first and the last of these certificates were asked for. */
  readonly firstAt: Date | null
  readonly lastAt: Date | null
  /** The most frequent first. */
  readonly reasons: readonly RefusalReason[]
}

interface StationCounts extends ReportCounts {
  readonly station: string
}

export interface Report {
  readonly subject: ReportSubject
  /** Undefined for a lot: all of its time. */
  readonly span: Span | undefined
  readonly zone: Zone
  readonly madeAt: Date
  /** As `Counts` has it. */
  readonly countedUpTo: Date | undefined
  readonly totals: ReportCounts
  /** By name; of a station without anything there is none. */
  readonly stations: readonly StationCounts[]
}

export interface Reports {
  /** @throws MintlineError `shift_not_found`, `search_too_broad`, `search_behind`. */
  make(query: ReportQuery): Promise<Report>
}
