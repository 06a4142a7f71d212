/** What a column of a type holds, as code sees it. JSON's null is SQL's. */
export interface ColumnValues {
  readonly uuid: string
  readonly text: string
  readonly int: number
  readonly timestamptz: Date
  readonly bytea: Uint8Array
  readonly json: unknown
  readonly jsonb: unknown
}

export type ColumnType = keyof ColumnValues

declare const valueType: unique symbol

/** A column of a table, or an expression that is read like one. */
export interface Column<Value = unknown> {
  /** Its name in SQL. */
  readonly sql: string
  readonly type: ColumnType
  readonly isNullable: boolean
  /** Never there: it carries the type of the values. */
  readonly [valueType]?: Value
}

/** Columns by the names that code has for them. */
export type Columns = Readonly<Record<string, Column>>

export type ValueOf<Of> = Of extends Column<infer Value> ? Value : never

/** A row of such columns. */
export type Row<Of extends Columns> = { readonly [Name in keyof Of]: ValueOf<Of[Name]> }

/** The same, and null where there is none. */
export type OrNull<Of> = { readonly [Name in keyof Of]: Of[Name] | null }

/** A row of what need not have come about: then all of it is null. */
export type Unmade<Of extends Columns> = OrNull<Row<Of>>

/** What is said of such columns: what may be null may be left out. */
export type Given<Of extends Columns> = {
  readonly [Name in keyof Of as null extends ValueOf<Of[Name]> ? never : Name]: ValueOf<Of[Name]>
} & {
  readonly [Name in keyof Of as null extends ValueOf<Of[Name]> ? Name : never]?:
    NonNullable<ValueOf<Of[Name]>> | undefined
}

export const uuid = (sql: string): Column<string> => ({ sql, type: 'uuid', isNullable: false })

export const text = <Value extends string = string>(sql: string): Column<Value> => ({
  sql,
  type: 'text',
  isNullable: false
})

export const int = (sql: string): Column<number> => ({ sql, type: 'int', isNullable: false })

export const timestamptz = (sql: string): Column<Date> => ({ sql, type: 'timestamptz', isNullable: false })

export const bytea = (sql: string): Column<Uint8Array> => ({ sql, type: 'bytea', isNullable: false })

/** Kept as it was written, member for member. */
export const json = <Value>(sql: string): Column<Value> => ({ sql, type: 'json', isNullable: false })

export const jsonb = <Value>(sql: string): Column<Value> => ({ sql, type: 'jsonb', isNullable: false })

export const orNull = <Value>(column: Column<Value>): Column<Value | null> => ({
  ...column,
  isNullable: true
})

/** `intent.id AS "id", …`: reads rows of these columns. @param table for columns of that table. */
export function selectList(columns: Columns, table?: string): string {
  const prefix = table === undefined ? '' : `${table}.`
  return Object.entries(columns)
    .map(([name, { sql }]) => `${prefix}${sql} AS "${name}"`)
    .join(', ')
}

/** The row of what was said of columns: null for what was left out. */
export function rowOf<Of extends Columns>(columns: Of, given: Given<Of>): Row<Of> {
  const values = given as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.keys(columns).map(name => [name, values[name] ?? null])) as Row<Of>
}
