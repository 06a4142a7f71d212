import type { Cell } from './csv.ts'

/** What an export is a file of. */
export const exportFormats = ['csv', 'ndjson', 'xlsx', 'parquet'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** What a column holds, where that is no text. A timestamp comes as RFC 3339 text. */
export type ColumnType = 'timestamp' | 'integer' | 'boolean'

export interface Column {
  readonly name: string
  /** Undefined: text. */
  readonly type?: ColumnType | undefined
}

/** A cell for each column. NDJSON has no columns: its rows are of one cell, which is what stands in the line. */
export type Row = readonly Cell[]

/** Makes the octets of a file out of rows, in bounded memory. What it gives is the file, one after the other. */
export interface RowFormat {
  add(rows: readonly Row[]): Promise<readonly Uint8Array[]>
  /** The rest of the file. */
  end(): Promise<readonly Uint8Array[]>
}

/** @param name of a list, as it is shown to people. */
export type OpenFormat = (name: string, columns: readonly Column[]) => RowFormat

export const mediaTypes = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  parquet: 'application/vnd.apache.parquet'
} as const satisfies Record<ExportFormat, string>

/** What stands in a cell as text; undefined for what is not there, JSON for what has members. */
export function textOf(cell: Cell): string | undefined {
  if (cell === null || cell === undefined) return undefined
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
}
