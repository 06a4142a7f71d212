import type { Act } from '../../../../audit/audit-event.ts'
import type { Page, PageQuery } from '../../../../sources/page.ts'
import type { ListKind } from '../reading/list-reader.ts'
import type { DeviceRow, RowFaults } from './device-row.ts'

/** The most that one lot expects. */
export const maximumDevices = 1_000_000
/** Octets of one upload. */
export const maximumListBytes = 512 * 1024 * 1024
/** Rows that are at fault are told of one by one as far as this; the rest are counted. */
export const maximumBadRows = 1_000

/**
 * Why a lot does not expect a device: it is not in the list, or there with another key, or with other values of the
 * subject.
 */
const listVerdicts = ['unlisted', 'other_key', 'other_subject'] as const
export type ListVerdict = (typeof listVerdicts)[number]

export function isListVerdict(verdict: string): verdict is ListVerdict {
  return listVerdicts.some(each => each === verdict)
}

/** What is known of the list that a lot has. */
export interface DeviceListFacts {
  readonly id: string
  readonly devices: number
  /** As `chainRow` makes it of all rows. */
  readonly sha256: Uint8Array
  /** How the profile named devices when the list was made. */
  readonly namingSha256: Uint8Array
}

/** How the newest version of a profile names its devices. */
export interface DeviceNaming {
  /** Equal where two versions name them alike. */
  readonly sha256: Uint8Array
  /** What an issuance for the device will be known by, or why the row does not determine it. */
  identify(row: DeviceRow): { readonly deviceSha256: Uint8Array } | { readonly faults: RowFaults }
}

/** @throws MintlineError `profile_not_found`; `devices_invalid` where its devices cannot be listed. */
export type FindNaming = (profile: string) => Promise<DeviceNaming>

/** A row that determines its device. */
export interface IdentifiedDevice {
  /** Line of the file, or number in the array. */
  readonly position: number
  readonly deviceSha256: Uint8Array
  readonly row: DeviceRow
}

/** A row that is at fault. */
export interface BadRow {
  readonly position: number
  readonly faults: RowFaults
}

/** A small list that is whole. */
export interface PreparedList {
  readonly devices: readonly IdentifiedDevice[]
  readonly sha256: Uint8Array
  readonly namingSha256: Uint8Array
}

/** A list, or a part of it, as it arrives. */
export interface DeviceUpload {
  readonly lot: string
  readonly kind: ListKind
  /** By which it can be gone on with; without one, it comes in one piece or not at all. */
  readonly name?: string | undefined
  readonly range: UploadRange
  readonly chunks: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
}

/** In octets of the whole list. */
export interface UploadRange {
  readonly start: number
  /** Exclusive; undefined: as far as it comes, which is its end. */
  readonly end?: number | undefined
  readonly total?: number | undefined
}

/** An upload that is not at its end. */
export interface UploadProgress {
  readonly upload: string
  readonly kind: ListKind
  /** From where to send on. */
  readonly received: number
  readonly total: number | undefined
  readonly devices: number
  readonly badRows: number
  readonly changedAt: Date
}

export type Received =
  | { readonly kind: 'whole'; readonly list: DeviceListFacts }
  | { readonly kind: 'part'; readonly progress: UploadProgress }

/** A device of a list, and its certificate in the lot. */
export interface ExpectedDevice extends DeviceRow {
  readonly position: number
  /** Undefined while it is outstanding. */
  readonly issuanceId: string | undefined
}

export const expectedStates = ['issued', 'outstanding'] as const
type ExpectedState = (typeof expectedStates)[number]

export interface ExpectedQuery extends PageQuery {
  readonly state?: ExpectedState | undefined
}

export interface DeviceLists {
  /**
   * Takes the place of the list that the lot has, as a whole, once all of it is here and each row is right: whoever asks
   * for a certificate meets the one or the other. What is cut off goes on where it stopped, if it has a name.
   *
   * @throws MintlineError `lot_not_found`, `lot_closed`, `devices_invalid`, `devices_upload_conflict`,
   *   `devices_issued`, `request_too_large`, `overloaded`, and what `chunks` fails with.
   */
  receive(upload: DeviceUpload, act: Act): Promise<Received>
  /** @throws MintlineError `devices_not_found` where there is none of that name. */
  findUpload(lot: string, name: string): Promise<UploadProgress>
  /** The lot takes all devices again. The same again changes nothing. @throws MintlineError `lot_not_found`, `lot_closed`. */
  remove(lot: string, act: Act): Promise<void>
  /**
   * In the order of the list. A page may hold fewer than its limit, or none, and have a next one.
   *
   * @throws MintlineError `lot_not_found`, `devices_not_found` where the lot has no list or not that of the cursor.
   */
  list(lot: string, query: ExpectedQuery): Promise<Page<ExpectedDevice>>
  /** A list that comes with its lot. @throws MintlineError `devices_invalid`, `profile_not_found`. */
  prepare(profile: string, rows: readonly unknown[]): Promise<PreparedList>
}
