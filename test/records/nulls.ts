import type { Columns, ValueOf } from '../../src/database/column.ts'

type Nulls<Of extends Columns> = {
  readonly [Name in keyof Of as null extends ValueOf<Of[Name]> ? Name : never]: null
}

/** Null for each column that may hold it: a row by hand names the others alone. */
export function nullsOf<Of extends Columns>(columns: Of): Nulls<Of> {
  const nullable = Object.entries(columns).filter(([, { isNullable }]) => isNullable)
  return Object.fromEntries(nullable.map(([name]) => [name, null])) as Nulls<Of>
}
