import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { type Cell, formatCsv, leavesOutHeader } from '../../exports/formats/csv.ts'
import type { RowType } from './listing.ts'

/** Rows that are there already. */
export interface WholeRows<Row extends object> {
  readonly rows: readonly Row[]
  /** What CSV has of a row, in the order of the columns. */
  readonly columns: readonly string[]
}

const rowsAtOnce = 500

/** Rows as NDJSON or CSV, in pieces between which others have their turn. */
export function streamWhole<Row extends object>(
  type: RowType,
  { rows, columns }: WholeRows<Row>,
  accept = ''
): Readable {
  const hasHeader = !leavesOutHeader(accept)
  const format = (part: readonly Row[], isFirst: boolean) => {
    if (type === 'application/x-ndjson') return part.map(row => `${JSON.stringify(row)}\n`).join('')
    const cells = part.map(row => columns.map(name => (row as Readonly<Record<string, Cell>>)[name]))
    return formatCsv(isFirst && hasHeader ? [columns, ...cells] : cells)
  }
  async function* chunks() {
    for (let at = 0; at === 0 || at < rows.length; at += rowsAtOnce) {
      yield format(rows.slice(at, at + rowsAtOnce), at === 0)
      await turn()
    }
  }
  return Readable.from(chunks(), { objectMode: false })
}
