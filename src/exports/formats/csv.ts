import { stringify } from 'csv-stringify/sync'

/** What stands in a field; nothing for what is not there, and JSON for what has members. */
export type Cell = string | number | boolean | object | null | undefined

/**
 * Rows as RFC 4180 has them, in UTF-8 and with CRLF. A text that a spreadsheet would take for a formula, since it begins
 * with `=`, `+`, `-`, `@`, a tab or a carriage return, has an apostrophe in front (CWE-1236).
 */
export function formatCsv(rows: readonly (readonly Cell[])[]): string {
  return stringify(
    rows.map(row => row.map(toField)),
    { record_delimiter: 'windows', escape_formulas: true, quoted_match: /[\r\n]/ }
  )
}

/** Whether the client takes CSV without the names of the columns (RFC 4180 §3). */
export const leavesOutHeader = (accept: string): boolean =>
  /text\/csv\s*;[^,]*header\s*=\s*"?absent/i.test(accept)

/** A number is no formula, whatever it begins with. */
function toField(cell: Cell): string | number {
  if (cell === null || cell === undefined) return ''
  if (typeof cell === 'number') return cell
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
}
