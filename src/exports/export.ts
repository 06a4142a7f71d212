import type { ErrorCode } from '../errors/mintline-error.ts'
import type { Page } from '../sources/page.ts'
import type { Column, ExportFormat, Row } from './formats/format.ts'

/** The lists that can be exported. */
export const exportedLists = ['issuances', 'audit-events'] as const
export type ExportedList = (typeof exportedLists)[number]

/**
 * - `waiting`: not begun yet, or to be begun anew.
 * - `running`: in the hands of a process.
 * - `done`: there to be read, until it expires.
 * - `failed`: over, and `failure` says why.
 * - `expired`: over, and its file is gone.
 */
export const exportStates = ['waiting', 'running', 'done', 'failed', 'expired'] as const
export type ExportState = (typeof exportStates)[number]

/** What is asked for. */
export interface AskedExport {
  readonly of: ExportedList
  readonly format: ExportFormat
  /** By the names of the list's query, as it was asked for. */
  readonly filter: object
  /** Names of columns, or of members where the format has none; undefined for all. */
  readonly fields: readonly string[] | undefined
  /** To which who asks is held; undefined for none, which is all. */
  readonly lines: readonly string[] | undefined
}

export interface Export extends AskedExport {
  readonly id: string
  readonly state: ExportState
  /** As `role/name`. */
  readonly createdBy: string
  /** What is on record by then is in it. */
  readonly createdAt: Date
  readonly begunAt: Date | undefined
  readonly endedAt: Date | undefined
  /** Of what is over: when the file, or the word of its failure, is taken away. */
  readonly expiresAt: Date | undefined
  /** In the file so far. */
  readonly rows: number
  /** How many there will be, as the database estimates it. */
  readonly aboutRows: number | undefined
  /** Of the file so far. */
  readonly octets: number
  /** Of the file, once it is whole. */
  readonly sha256: Uint8Array | undefined
  readonly failure: { readonly code: ErrorCode; readonly detail: string } | undefined
  /** Of what is done: months whose records it was asked for and has not, as `2026-01`, the latest first. */
  readonly detachedMonths: readonly string[]
}

interface ExportRows extends Page<Row> {
  /** Months of the range whose records are left out, since they are detached. */
  readonly detachedMonths?: readonly string[] | undefined
}

/** A list, as far as an export has to know it. */
export interface ExportList {
  /** None for a format that has no columns. */
  readonly columns: readonly Column[]
  /** Some rows from the cursor on. @throws MintlineError as the list does. */
  read(cursor: string | undefined): Promise<ExportRows>
  /** About how many there are; undefined where that is not known. */
  estimate(): Promise<number | undefined>
}

/**
 * @param asked `createdAt`: rows from then on are left out.
 * @throws MintlineError `request_invalid` for what the list cannot be asked for.
 */
export type OpenExportList = (asked: AskedExport & { readonly createdAt: Date }) => ExportList
