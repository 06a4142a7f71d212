/** Which part of a list is wanted. */
export interface PageQuery {
  readonly limit: number
  /** The `nextCursor` of the page before. */
  readonly cursor?: string | undefined
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** There while the list goes on. */
  readonly nextCursor: string | undefined
}

export interface PageRule<Row> {
  readonly limit: number
  /** What the next page begins after. */
  readonly cursorOf: (row: Row) => string
  /** What a row adds to the answer, where `pageBytes` bounds the page as well; it has one row at least. */
  readonly bytesOf?: (row: Row) => number
}

/**
 * A page of a list whose cursor is the id of its rows.
 *
 * @param read the list from the cursor on, as far as `limit`. It is asked for one row more, which tells whether there is a
 *   next page.
 */
export async function readPage<Row extends { readonly id: string }, Query extends PageQuery>(
  query: Query,
  read: (query: Query) => Promise<readonly Row[]>
): Promise<Page<Row>> {
  const { limit } = query
  return pageOf(await read({ ...query, limit: limit + 1 }), { limit, cursorOf: ({ id }) => id })
}

/** What a page may hold of others' bytes: writing ten times as much kept everybody waiting for a tenth of a second. */
export const pageBytes = 1024 * 1024

/** @param rows from the page's first on, and one more than `limit` where there are so many: it tells whether there is a next page. */
export function pageOf<Row>(
  rows: readonly Row[],
  { limit, cursorOf, bytesOf = () => 0 }: PageRule<Row>
): Page<Row> {
  let bytes = 0
  const beyond = rows.findIndex((row, index) => {
    bytes += bytesOf(row)
    return index === limit || (index > 0 && bytes > pageBytes)
  })
  const items = beyond < 0 ? rows : rows.slice(0, beyond)
  const last = items.at(-1)
  return { items, nextCursor: beyond < 0 || last === undefined ? undefined : cursorOf(last) }
}
