import type { ErrorCode } from '../../errors/mintline-error.ts'
import type { Page, PageQuery } from '../../sources/page.ts'

/**
 * Why a refusal was counted and not recorded. `repeat`: the same is on record. `station_limit`: the station has had as
 * many recorded as it may. `storage_reserve`: the database has no room to spare.
 */
export const countReasons = ['repeat', 'station_limit', 'storage_reserve'] as const
export type CountReason = (typeof countReasons)[number]

/** What refusals that are counted together have in common. */
export interface CountedRefusal {
  readonly reason: CountReason
  readonly station: string
  /** Null, as the profile, where counts were put together. */
  readonly tokenId: string | null
  readonly code: ErrorCode
  readonly profileName: string | null
  /** Of a repeat: what is on record. */
  readonly refusalId: string | null
}

/** How many there were, between the first and the last. */
export interface Tally extends CountedRefusal {
  readonly windowStart: Date
  readonly lastAt: Date
  readonly count: number
}

/** As it is on record. */
export interface RefusalCount extends Tally {
  /** UUIDv7 of `createdAt`. */
  readonly id: string
  readonly createdAt: Date
}

/** All given conditions hold together; `from` is inclusive, `to` exclusive, both of the time at which it was recorded. */
export interface RefusalCountQuery extends PageQuery {
  readonly station?: string
  readonly code?: ErrorCode
  readonly from?: Date
  readonly to?: Date
}

export interface RefusalCounts {
  /** Newest first. */
  list(query: RefusalCountQuery): Promise<Page<RefusalCount>>
}
