import type { ErrorCode } from '../../errors/mintline-error.ts'
import type { Span } from '../../sources/site/shifts.ts'
import type { Zone } from '../../sources/site/zone.ts'
import type { Outcome, RecordState } from '../record.ts'

export const timeUnits = ['month', 'day', 'hour'] as const
export type TimeUnit = (typeof timeUnits)[number]

/** By what records can be counted, besides their time. */
const dimensions = [
  'station',
  'line',
  'site',
  'lot',
  'credential',
  'profile',
  'profileVersion',
  'authority',
  'code',
  'state',
  'outcome'
] as const
export type Dimension = (typeof dimensions)[number]

/** `expiryMonth`: in which the certificates run out; of what has none, or never ends, there is none. */
export const countKeys = [...timeUnits, 'expiryMonth', ...dimensions] as const
export type CountKey = (typeof countKeys)[number]

/** Which records: all given conditions hold together. `from` is inclusive, `to` exclusive, both on the quarter of an hour. */
export interface CountScope {
  readonly station?: string | undefined
  readonly line?: string | undefined
  /** Of production: records of these alone. */
  readonly lines?: readonly string[] | undefined
  readonly site?: string | undefined
  readonly lot?: string | undefined
  readonly credential?: string | undefined
  readonly profile?: string | undefined
  readonly profileVersion?: number | undefined
  readonly authority?: string | undefined
  readonly outcome?: Outcome | undefined
  readonly state?: RecordState | undefined
  readonly code?: ErrorCode | undefined
  /** Whether they came in the place of another certificate of their device. */
  readonly rework?: boolean | undefined
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

export interface CountQuery extends CountScope {
  /** At most one of them a unit of time. */
  readonly by: readonly CountKey[]
  /** By whose clocks days are told apart. */
  readonly zone: Zone
  /** The month of the zone in which the certificates run out, as its beginning and its end. */
  readonly expires?: Span | undefined
}

/** How many records have these values in common. */
export interface CountGroup {
  /** Of each that was asked for; null for those that have none. A time is the beginning, as the clocks of the zone show it. */
  readonly values: Readonly<Partial<Record<CountKey, string | number | null>>>
  readonly count: number
}

export interface Counts {
  /** In the order of their values. */
  readonly groups: readonly CountGroup[]
  /**
   * Until when all records are counted; some that are newer are as well. Undefined where nothing is on record.
   */
  readonly countedUpTo: Date | undefined
}

export interface Counting {
  /**
   * @throws MintlineError `search_too_broad` for more groups than an answer holds, or what takes longer than two seconds;
   *   `search_behind` while not all of it is counted.
   */
  count(query: CountQuery): Promise<Counts>
}
