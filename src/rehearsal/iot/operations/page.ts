import { IotRefusal } from '../iot-refusal.ts'
import type { Members } from '../wire.ts'

interface Page<Item> {
  readonly items: readonly Item[]
  /** Where the next page begins; absent on the last one. */
  readonly next: string | undefined
}

const pageSizeDefault = 25
const pageSizeMaximum = 250

/**
 * One page by `marker`, `pageSize` and `isAscendingOrder`: by the time of creation, the newest first unless told
 * otherwise. Throws `InvalidRequestException`.
 */
export function pageByTime<Item extends { readonly createdAt: number }>(
  query: Members,
  items: readonly Item[],
  idOf: (item: Item) => string
): Page<Item> {
  // Sixteen digits hold every time, so that the texts are in the order of the times.
  const keyOf = (item: Item) => `${String(item.createdAt).padStart(16, '0')} ${idOf(item)}`
  return cutPage(items, keyOf, {
    isAscending: query.flag('isAscendingOrder'),
    after: query.optionalText('marker'),
    size: query.optionalInteger('pageSize', 1, pageSizeMaximum)
  })
}

/** One page by `marker` and `pageSize`, in the order of the names. */
export function pageByMarker<Item>(
  query: Members,
  items: readonly Item[],
  nameOf: (item: Item) => string
): Page<Item> {
  const size = query.optionalInteger('pageSize', 1, pageSizeMaximum)
  return cutPage(items, nameOf, { isAscending: true, after: query.optionalText('marker'), size })
}

/** One page by `nextToken` and `maxResults`, in the order of the names. */
export function pageByToken<Item>(
  query: Members,
  items: readonly Item[],
  nameOf: (item: Item) => string
): Page<Item> {
  const size = query.optionalInteger('maxResults', 1, pageSizeMaximum)
  return cutPage(items, nameOf, { isAscending: true, after: query.optionalText('nextToken'), size })
}

interface Cut {
  readonly isAscending: boolean
  readonly after: string | undefined
  readonly size: number | undefined
}

/** A page goes on after a key, not at a position: nothing is left out when items of earlier pages are gone by then. */
function cutPage<Item>(items: readonly Item[], keyOf: (item: Item) => string, cut: Cut): Page<Item> {
  const { isAscending, size = pageSizeDefault } = cut
  const after = cut.after === undefined ? undefined : parseMarker(cut.after)
  const isBefore = (a: string, b: string) => (isAscending ? a < b : a > b)
  const rest = items
    .map(item => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || isBefore(after, key))
    .toSorted((a, b) => (isBefore(a.key, b.key) ? -1 : 1))
  const page = rest.slice(0, size)
  const last = page.at(-1)
  const next = last === undefined || rest.length <= size ? undefined : formatMarker(last.key)
  return { items: page.map(({ item }) => item), next }
}

function formatMarker(key: string): string {
  return Buffer.from(JSON.stringify([key])).toString('base64url')
}

function parseMarker(marker: string): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(marker, 'base64url').toString())
    if (Array.isArray(value) && typeof value[0] === 'string') return value[0]
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new IotRefusal('InvalidRequestException', 'The marker is not one of this stand-in.')
}
