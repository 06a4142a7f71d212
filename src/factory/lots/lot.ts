import type { Act } from '../../audit/audit-event.ts'
import type { Page, PageQuery } from '../../sources/page.ts'
import type { DeviceListFacts } from './devices/list/device-list.ts'

/**
 * - `open` takes devices, from `opensAt` to `closesAt`.
 * - `paused` takes none for now, also before `opensAt`.
 * - `closed` takes none any more, also after `closesAt`.
 */
export const lotStates = ['open', 'paused', 'closed'] as const
export type LotState = (typeof lotStates)[number]

/**
 * Why a request has no place in its lot. `early` and `over`: before `opensAt`, and from `closesAt` on.
 */
export type LotVerdict =
  | 'required'
  | 'not_found'
  | 'other_profile'
  | 'other_station'
  | 'paused'
  | 'closed'
  | 'early'
  | 'over'
  | 'full'

export interface LotRequest {
  readonly id: string
  readonly profile: string
  /** How many devices may be made. */
  readonly quantity: number
  /** Names; none for all. */
  readonly stations?: readonly string[]
  readonly opensAt?: Date
  readonly closesAt?: Date
  /** The devices that it expects; without it, all. In the form of `DeviceRow`. */
  readonly devices?: readonly unknown[]
}

/** What its devices may have caught from a station that made it. */
export interface LotFlag {
  /** The station was paused for weak keys, or keys of several devices, and some of them were for the lot. */
  readonly reason: 'key_faults'
  readonly station: string
  readonly createdAt: Date
}

/** A lot as it is on record. */
export interface Lot extends Required<Omit<LotRequest, 'opensAt' | 'closesAt' | 'devices'>> {
  readonly opensAt: Date | null
  readonly closesAt: Date | null
  /** The list of the devices that it expects; null: it takes all. */
  readonly devices: DeviceListFacts | null
  /** As it was set, whatever the time. */
  readonly state: LotState
  /** Places that are not free: of certificates and of open intents. */
  readonly taken: number
  readonly createdAt: Date
  readonly createdBy: string
  readonly changedAt: Date
  readonly changedBy: string
  /** In the order of their time. */
  readonly flags: readonly LotFlag[]
}

/** What there is of a lot at a moment. */
export interface LotCounts {
  /** Certificates that count: neither succeeded by another of the same device nor ended. */
  readonly issued: number
  /** Intents that wait for their record, and hold their places. */
  readonly open: number
  /** Requests that named the lot and were refused, those included that were counted and not recorded. */
  readonly refused: number
  readonly scrapped: number
}

export interface StationShare extends LotCounts {
  readonly station: string
}

export interface LotProgress extends Lot, LotCounts {
  /** Of the list: how many have a certificate. Fewer than `issued` where the profile allows a device several. */
  readonly devicesIssued: number
  readonly stationShares: readonly StationShare[]
}

interface LotChange {
  readonly quantity: number
}

export interface LotQuery extends PageQuery {
  readonly profile?: string | undefined
  readonly state?: LotState | undefined
  readonly isFlagged?: boolean | undefined
  /** Lots that are for this station, or for all. */
  readonly station?: string | undefined
  /** Of production: lots for stations of these alone. */
  readonly lines?: readonly string[] | undefined
}

export interface Lots {
  /**
   * Opens a lot. The same again changes nothing.
   *
   * @throws MintlineError `lot_exists` for another of this id, `lot_invalid`, `devices_invalid`.
   */
  create(request: LotRequest, act: Act): Promise<{ readonly lot: Lot; readonly isNew: boolean }>
  /** By id, which is the cursor. */
  list(query: LotQuery): Promise<Page<Lot>>
  /** @throws MintlineError `lot_not_found`. */
  find(id: string): Promise<LotProgress>
  /** Never below what is taken. @throws MintlineError `lot_not_found`, `lot_closed`, `lot_quantity_taken`. */
  change(id: string, change: LotChange, act: Act): Promise<LotProgress>
  /** Takes effect with the next intent. The same again changes nothing. @throws MintlineError `lot_not_found`, `lot_closed`. */
  pause(id: string, act: Act): Promise<LotProgress>
  /** As `pause`. */
  resume(id: string, act: Act): Promise<LotProgress>
  /** Takes no devices any more, for ever. The same again changes nothing. @throws MintlineError `lot_not_found`. */
  end(id: string, act: Act): Promise<Lot>
}

/** What of a lot holds at a time. */
export function stateAt({ state, opensAt, closesAt }: Lot, time: Date): LotState {
  if (state === 'closed' || (closesAt !== null && closesAt <= time)) return 'closed'
  return state === 'open' && opensAt !== null && opensAt > time ? 'paused' : state
}
