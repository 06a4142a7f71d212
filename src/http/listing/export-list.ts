import { MintlineError } from '../../errors/mintline-error.ts'
import type { AskedExport, ExportList } from '../../exports/export.ts'
import type { ColumnType, Row } from '../../exports/formats/format.ts'
import type { Page } from '../../sources/page.ts'
import type { RowList } from './listing.ts'

/** A list that comes as rows, with what a file of it has to know besides. */
export interface ExportableList<Item, View extends object> extends RowList<Item, View> {
  /** Of those columns that hold no text. */
  readonly types: Readonly<Record<string, ColumnType>>
  /** Undefined where that is not known. */
  readonly estimate: () => Promise<number | undefined>
  readonly read: (
    cursor: string | undefined
  ) => Promise<Page<Item> & { readonly detachedMonths?: readonly string[] }>
}

/** The rows of a file: as the list answers them. */
export function exportListOf<Item, View extends object>(
  { format }: Pick<AskedExport, 'format'>,
  { columns, types, view, read, estimate }: ExportableList<Item, View>
): ExportList {
  const cells = Object.values(columns)
  const rowOf = (item: Item): Row => {
    const viewed = view(item)
    return format === 'ndjson' ? [viewed] : cells.map(cell => cell(viewed))
  }
  return {
    columns: format === 'ndjson' ? [] : Object.keys(columns).map(name => ({ name, type: types[name] })),
    async read(cursor) {
      const { items, ...rest } = await read(cursor)
      return { ...rest, items: items.map(rowOf) }
    },
    estimate
  }
}

/**
 * The members that a file is asked for, `id` first.
 *
 * @returns undefined where none are named.
 * @throws MintlineError `request_invalid` for a name that is not among the known.
 */
export function chooseMembers(
  fields: readonly string[] | undefined,
  known: readonly string[]
): readonly string[] | undefined {
  if (fields === undefined) return undefined
  const violations = fields.flatMap((found, index) =>
    known.includes(found)
      ? []
      : [
          {
            pointer: `/fields/${index}`,
            expected: known.join(' | '),
            found,
            message: 'Name members of the list, or leave fields out.'
          }
        ]
  )
  if (violations.length === 0) return [...new Set(['id', ...fields])]
  throw new MintlineError('request_invalid', 'fields names what there is not.', { violations })
}
