import { byteaArray } from './array-literal.ts'

/** What a column of a type takes from a row. JSON's null is SQL's. */
interface ColumnValues {
  readonly uuid: string
  readonly text: string
  readonly int: number
  readonly timestamptz: Date
  readonly bytea: Uint8Array
  readonly json: unknown
  readonly jsonb: unknown
}

export type ColumnType = keyof ColumnValues

export type BatchColumn<Row> = {
  readonly [Type in ColumnType]: {
    readonly column: string
    readonly type: Type
    readonly valueOf: (row: Row) => ColumnValues[Type] | null
  }
}[ColumnType]

/** How many rows go into one statement: an array for each column, so that its text is the same however many they are. */
export interface RowBatch<Row> {
  /** `id, created_at, …` */
  readonly columnList: string
  /** `unnest($1::uuid[], $2::timestamptz[], …)`: the rows, in the order of the columns. */
  readonly unnest: string
  /** How many parameters `unnest` takes. */
  readonly parameterCount: number
  /** The values of these parameters. */
  parametersOf(rows: readonly Row[]): readonly unknown[]
}

/**
 * Describes a batch once: the statement's text and the values that go with it come of the same list.
 *
 * @param firstParameter number of its first parameter in the statement.
 */
export function describeRowBatch<Row>(
  columns: readonly BatchColumn<Row>[],
  firstParameter = 1
): RowBatch<Row> {
  const parameters = columns.map(({ type }, index) => `$${firstParameter + index}::${type}[]`)
  return {
    columnList: columns.map(({ column }) => column).join(', '),
    unnest: `unnest(${parameters.join(', ')})`,
    parameterCount: columns.length,
    parametersOf: rows => columns.map(column => parameterOf(column, rows))
  }
}

function parameterOf<Row>(column: BatchColumn<Row>, rows: readonly Row[]): unknown {
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
