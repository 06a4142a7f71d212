import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { MintlineError } from '../../errors/mintline-error.ts'
import { type Cell, formatCsv, leavesOutHeader } from '../../exports/formats/csv.ts'
import type { Page } from '../../sources/page.ts'
import { chooseMediaType } from '../accept.ts'
import { authorizeAgain } from '../plugins/access.ts'

/** In which a list is answered: as one page, or as rows to its end. */
const pageType = 'application/json'
const csvType = 'text/csv'
const ndjsonType = 'application/x-ndjson'

export type RowType = typeof csvType | typeof ndjsonType

/** A list whose items come as rows. */
export interface RowList<Item, View extends object> {
  /** Of at most `rowsAtOnce` items. */
  readonly read: (cursor: string | undefined) => Promise<Page<Item>>
  readonly view: (item: Item) => View
  /** What CSV has of a view, in the order of the columns. */
  readonly columns: Readonly<Record<string, (view: View) => Cell>>
}

/** RFC 4180, section 3: `present` or `absent`. */
function assertKnownHeader(accept: string): void {
  const [, header] = /text\/csv\s*;[^,]*header\s*=\s*"?([^";,\s]*)/i.exec(accept) ?? []
  if (header === undefined || /^(?:present|absent)$/i.test(header)) return
  throw new MintlineError(
    'not_acceptable',
    'text/csv comes with header=present or header=absent. Accept one of them.'
  )
}

/** So few that reading them back, and writing them, holds up nobody. */
export const rowsAtOnce = 100

/**
 * Undefined where the client takes the page of JSON.
 *
 * @throws MintlineError `not_acceptable`.
 */
export function chooseRowType(accept: string | undefined): RowType | undefined {
  const chosen = chooseMediaType(accept, [pageType, csvType, ndjsonType])
  if (chosen === csvType) assertKnownHeader(accept ?? '')
  return chosen === pageType ? undefined : chosen
}

/**
 * Sends rows as a file of that name, which a browser keeps under it.
 *
 * @param name of what is in them; what a file may not be named by is replaced.
 */
export function sendRows(reply: FastifyReply, type: RowType, { name, rows }: NamedRows): FastifyReply {
  const ending = type === csvType ? 'csv' : 'ndjson'
  const fileName = `mintline-${name.replaceAll(/[^A-Za-z0-9._-]/g, '_')}.${ending}`
  return reply
    .type(type === csvType ? `${csvType}; charset=utf-8` : type)
    .header('content-disposition', `attachment; filename="${fileName}"`)
    .send(rows)
}

interface NamedRows {
  readonly name: string
  readonly rows: Readable | string
}

/**
 * The whole list from the cursor on, in bounded memory, as fast as the client reads. CSV (RFC 4180) begins with the names
 * of its columns unless the client accepts `text/csv;header=absent`. An error in the middle cuts the answer off, and the
 * first column or member of the last row is the cursor to go on with. It ends also when the token does.
 *
 * @throws MintlineError as the first page does.
 */
export async function streamRows<Item, View extends object>(
  request: FastifyRequest,
  type: RowType,
  list: RowList<Item, View>
): Promise<Readable> {
  const { cursor } = request.query as { readonly cursor?: string }
  const first = await list.read(cursor)
  const format = formatOf(type, list, request.headers.accept)
  const isGone = () => request.raw.socket.destroyed
  async function* chunks() {
    yield format(first.items, true)
    for (let { nextCursor } = first; nextCursor !== undefined;) {
      await authorizeAgain(request)
      const endTurn = await request.takeTurn(isGone)
      let rows: string
      try {
        const page = await list.read(nextCursor)
        rows = format(page.items, false)
        nextCursor = page.nextCursor
      } finally {
        endTurn()
      }
      // A client that does not read on waits without a turn.
      yield rows
    }
  }
  return Readable.from(chunks(), { objectMode: false })
}

type Format<Item> = (items: readonly Item[], isFirst: boolean) => string

function formatOf<Item, View extends object>(
  type: RowType,
  { view, columns }: RowList<Item, View>,
  accept = ''
): Format<Item> {
  if (type === ndjsonType) return items => items.map(item => `${JSON.stringify(view(item))}\n`).join('')
  const names = Object.keys(columns)
  const cells = Object.values(columns)
  const hasHeader = !leavesOutHeader(accept)
  return (items, isFirst) => {
    const rows = items.map(item => {
      const viewed = view(item)
      return cells.map(cell => cell(viewed))
    })
    return formatCsv(isFirst && hasHeader ? [names, ...rows] : rows)
  }
}
