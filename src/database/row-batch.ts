import { byteaArray } from './array-literal.ts'
import type { Columns, ColumnType, ColumnValues, Row } from './column.ts'

export type BatchColumn<Of> = {
  readonly [Type in ColumnType]: {
    readonly column: string
    readonly type: Type
    readonly valueOf: (row: Of) => ColumnValues[Type] | null
  }
}[ColumnType]

/** How many rows go into one statement: an array for each column, so that its text is the same however many they are. */
export interface RowBatch<Of> {
  /** `id, created_at, …` */
  readonly columnList: string
  /** `unnest($1::uuid[], $2::timestamptz[], …)`: the rows, in the order of the columns. */
  readonly unnest: string
  /** How many parameters `unnest` takes. */
  readonly parameterCount: number
  /** The values of these parameters. */
  parametersOf(rows: readonly Of[]): readonly unknown[]
}

/**
 * Describes a batch once: the statement's text and the values that go with it come of the same list.
 *
 * @param firstParameter number of its first parameter in the statement.
 */
export function describeRowBatch<Of>(columns: readonly BatchColumn<Of>[], firstParameter = 1): RowBatch<Of> {
  const parameters = columns.map(({ type }, index) => `$${firstParameter + index}::${type}[]`)
  return {
    columnList: columns.map(({ column }) => column).join(', '),
    unnest: `unnest(${parameters.join(', ')})`,
    parameterCount: columns.length,
    parametersOf: rows => columns.map(column => parameterOf(column, rows))
  }
}

/** The columns of a table, each from the member of its name. */
export function batchColumns<Of extends Columns>(columns: Of): readonly BatchColumn<Row<Of>>[] {
  return Object.entries(columns).map(([name, { sql, type }]) => {
    const valueOf = (row: Row<Of>) => row[name] ?? null
    return { column: sql, type, valueOf } as BatchColumn<Row<Of>>
  })
}

function parameterOf<Of>(column: BatchColumn<Of>, rows: readonly Of[]): unknown {
  switch (column.type) {
    case 'uuid':
    case 'text':
    case 'int':
      return rows.map<string | number | null>(column.valueOf)
    case 'timestamptz':
      return rows.map(row => column.valueOf(row)?.toISOString() ?? null)
    case 'bytea':
      return byteaArray(rows.map(column.valueOf))
    case 'json':
    case 'jsonb':
      return rows.map(row => {
        const value = column.valueOf(row) ?? null
        return value === null ? null : JSON.stringify(value)
      })
  }
}
