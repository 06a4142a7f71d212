import { identifierBounds } from '../../sources/identifier.ts'
import { parseMonth } from '../months/month.ts'
import type { IssuanceQuery } from '../record.ts'
import type { IssuanceRow, StoredRefusal } from '../record-model.ts'
import { mayBeRefusal, type RecordRows, type RowQuery } from '../rows/rows-store.ts'
import { watermarkOf } from './filling/filling.ts'
import type { SearchSession } from './finding/search-store.ts'
import { isFilled, searchBehind, type SearchState } from './progress-store.ts'

type ListedRow = IssuanceRow | StoredRefusal

/** The beginning of a list. */
export interface ListedRows {
  readonly rows: readonly ListedRow[]
  /** The cursor to go on with, where there may be more although `rows` are fewer than were asked for. */
  readonly goOn: string | undefined
}

export interface ListingDependencies {
  readonly store: RecordRows
  readonly search: SearchSession
  /** The months that are detached, as `2026-01`. */
  readonly detached: readonly string[]
}

/** More records whose state is not settled than this: then all are read as they are. */
const mostUnsettled = 2_000
/** How often ids are looked for anew where their records are not there: in months that were detached meanwhile, and, by value, at any time. */
const mostRounds = 8

/**
 * What a search finds, as it is on record. What records have of themselves from the first is found at once: as far as it is
 * filled in, by that, and the newest as they are. The rest is found as far as it is filled in.
 *
 * @param query where `limit` is how many rows are wanted at most.
 * @throws MintlineError `search_behind`, and what the session throws.
 */
export async function listRows(
  { store, search, detached }: ListingDependencies,
  query: IssuanceQuery
): Promise<ListedRows> {
  if (isSearched(query)) {
    assertFilled(await search.readState(), query)
    const read = (ids: readonly string[]) => readRows(store, { limit: ids.length, ids })
    return inOrder(await collect(query, { search, detached, read, enough: query.limit }))
  }
  const since = isMerged(query) ? await watermark(search, query) : undefined
  if (since === undefined) return { rows: await readAlong(store, query), goOn: undefined }
  return listMerged({ store, search, detached }, query, since)
}

/** Whether something is asked for that stands where records are searched by alone. */
export function isSearched(query: IssuanceQuery): boolean {
  const { line, site, lot, credential, requestId, profileVersion, spkiSha256, code, state } = query
  const { expiresBefore, expiresAfter, beginnings, rework, terms = [] } = query
  const named = [line, site, lot, credential, requestId, profileVersion, spkiSha256, code, state, beginnings]
  const asked = [...named, rework, expiresBefore, expiresAfter]
  return terms.length > 0 || asked.some(value => value !== undefined)
}

/** Whether a walk along all records might pass over many of them. */
function isMerged(query: IssuanceQuery): boolean {
  const { serialNumber, certificateId, outcome, station, lines, profile, authority } = query
  // These few are found as they are.
  if (serialNumber !== undefined || certificateId !== undefined || outcome === 'unknown') return false
  return [station, lines, profile, authority].some(value => value !== undefined) || outcome === 'void'
}

/** As they are, newest first. */
async function readAlong(store: RecordRows, query: IssuanceQuery): Promise<readonly ListedRow[]> {
  const { serialNumber, certificateId, outcome } = query
  // One at the most; and what has an outcome on record the next moment would be missed between the two.
  if (serialNumber !== undefined || certificateId !== undefined || outcome === 'unknown')
    return readRows(store, query)
  const ids = await store.listIds(query)
  return readRows(store, { ...query, limit: ids.length, ids })
}

/** Before it, all that is meant is filled in; undefined where nothing is. */
async function watermark(search: SearchSession, { from }: IssuanceQuery): Promise<Date | undefined> {
  const { position, databaseTime } = await search.readState()
  const at = watermarkOf(position, databaseTime)
  return at.getTime() === 0 || (from !== undefined && from >= at) ? undefined : at
}

function assertFilled(state: SearchState, { to }: IssuanceQuery): void {
  const { position, databaseTime, hasBacklog } = state
  if (hasBacklog)
    throw searchBehind(
      'Many records have changed, or come back with their month, and searches like this are still being told. Wait some seconds.'
    )
  if (isFilled(state, to)) return
  const at = watermarkOf(position, databaseTime)
  const sofar =
    at.getTime() === 0
      ? 'None can be searched so yet: wait.'
      : `So far, those before ${at.toISOString()}: wait, or give a \`to\` up to then.`
  throw searchBehind(
    `The records are still being filled in for searches like this. ${sofar} Searches by ` +
      'station, profile, authority, outcome, serialNumber, certificateId and time are complete at any moment.'
  )
}

/** By the place of its id among those that were found. */
function inOrder({ ids, rows, goOn }: Collected): ListedRows {
  const byId = new Map(rows.map(row => [row.id, row]))
  return { rows: ids.flatMap(id => byId.get(id) ?? []), goOn }
}

async function listMerged(
  { store, search, detached }: ListingDependencies,
  query: IssuanceQuery,
  since: Date
): Promise<ListedRows> {
  const newest = await store.listIds({ ...query, from: since })
  const readThese = (ids: readonly string[]) => readRows(store, { ...query, limit: ids.length, ids })
  if (newest.length >= query.limit) return { rows: await readThese(newest), goOn: undefined }
  const { from, to, ...rest } = query
  const older = { ...rest, ...(from && { from }), to: to !== undefined && to < since ? to : since }
  // A state may have changed since it was filled in: those records are looked at besides, and all as they are.
  const unsettled = query.outcome === undefined ? [] : await search.listUnsettled(mostUnsettled)
  if (unsettled === undefined) return { rows: await readAlong(store, query), goOn: undefined }
  // All at once: to read rows takes longer than to find them.
  const read = (ids: readonly string[], round: number) =>
    readThese(round === 0 ? [...newest, ...ids, ...unsettled] : ids)
  const limit = query.limit - newest.length + unsettled.length
  const enough = query.limit + unsettled.length
  const { rows, goOn } = await collect({ ...older, limit }, { search, detached, read, enough })
  return { rows: byId(rows).slice(0, query.limit), goOn }
}

interface Collecting extends Pick<ListingDependencies, 'search' | 'detached'> {
  readonly read: (ids: readonly string[], round: number) => Promise<readonly ListedRow[]>
  /** How many rows are wanted. */
  readonly enough: number
}

interface Collected extends ListedRows {
  readonly ids: readonly string[]
}

/** Rows of ids until there are as many as are wanted, or no more. */
async function collect(
  query: IssuanceQuery,
  { search, detached, read, enough }: Collecting
): Promise<Collected> {
  const ids: string[] = []
  const rows: ListedRow[] = []
  const isByValue = query.terms?.some(({ isPrefix }) => isPrefix) === true
  const next = (cursor: string | undefined) =>
    isByValue ? cursor : beforeDetached(detached, { ...query, cursor })
  let cursor = next(query.cursor)
  for (let round = 0; round < mostRounds; round++) {
    const found = await search.find({ ...query, cursor })
    if (found.length > 0 || round === 0) rows.push(...(await read(found, round)))
    ids.push(...found)
    if (found.length < query.limit) return { ids, rows, goOn: undefined }
    cursor = next(found.at(-1))
    if (rows.length >= enough) break
  }
  return { ids, rows, goOn: cursor }
}

/**
 * Months that are detached stay among what is searched, so that counts stay whole and nothing is to be filled in when they
 * come back. Newest first, the list goes on with what is before them.
 *
 * @returns the cursor: that of the query, unless the newest that it may mean are of such a month.
 */
function beforeDetached(detached: readonly string[], query: IssuanceQuery): string | undefined {
  let { cursor } = query
  // The latest first: those in a row are passed over together.
  for (const name of detached) {
    const month = parseMonth(name)
    const { first = '', end = 'g' } = identifierBounds({ ...query, cursor })
    if (month === undefined || end > month.endId || end <= month.firstId || first >= end) continue
    cursor = month.firstId
  }
  return cursor
}

/** Of both kinds, newest first. */
async function readRows(
  store: ListingDependencies['store'],
  query: RowQuery & Pick<IssuanceQuery, 'outcome'>
): Promise<readonly ListedRow[]> {
  if (query.ids?.length === 0) return []
  const intents = query.outcome === 'rejected' ? [] : await store.listIntents(query)
  const refusals = mayBeRefusal(query) ? await store.listRefusals(query) : []
  return byId([...intents, ...refusals])
}

/** A record that was asked for twice is there once. */
function byId(rows: readonly ListedRow[]): readonly ListedRow[] {
  const unique = new Map(rows.map(row => [row.id, row]))
  return [...unique.values()].sort((one, other) => (one.id < other.id ? 1 : -1))
}
