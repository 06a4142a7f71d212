import type { Prisma } from '../../../database/database.ts'
import { timeOfIdentifier } from '../../../sources/identifier.ts'
import { digestFacet, type Facet } from '../facet.ts'
import type { Term } from '../term.ts'
import { type ChangedRecord, keepNew, readIntents, readRefusals, takeChanges } from './fill-store.ts'
import {
  addToTallies,
  type BoundedFacet,
  deleteTerms,
  insertPending,
  insertSearchRows,
  insertTerms,
  moveSearchRows,
  noteProgress,
  takeFromTallies,
  type TallyChange,
  writeFacets
} from './search-rows-store.ts'
import { type Searchable, searchableIntent, searchableRefusal } from './searched-rows.ts'
import { shareValues } from './shared-values.ts'

/** A record with its whole facet. */
interface Placed extends Searchable {
  readonly whole: Facet
  /** Those of its values that get rows of their own. */
  readonly ownTerms: readonly Term[]
  readonly sha256Hex: string
}

const quarterMs = 15 * 60_000
/** So many rows are read, in some milliseconds, before others have a turn. */
const rowsAtOnce = 128

export interface Batch {
  /** Of new records. */
  readonly ids: readonly string[]
  /** Up to which records are filled in then. */
  readonly position: string | undefined
  readonly maximumChanges: number
}

/**
 * Fills new records in, and what has changed of others. Within one transaction, in which nobody else fills: a crash leaves
 * nothing of it, and whoever comes next does the same anew.
 *
 * @returns whether there may be more changes.
 */
export async function fillBatch(
  transaction: Prisma.TransactionClient,
  { ids, position, maximumChanges }: Batch
): Promise<{ readonly hasMoreChanges: boolean }> {
  // Before anything is read: what they tell of is seen then.
  const { changed, unfilledIds, isFull } = await takeChanges(transaction, maximumChanges)
  const newIds = await keepNew(transaction, [...new Set([...ids, ...unfilledIds])])
  const before = new Map(changed.map(each => [each.recordId, each]))
  const records = await readSearchables(transaction, [...newIds, ...before.keys()])
  const { added, moved } = await placeAll(transaction, records, before)
  if (records.length > 0) {
    const facetIds = await writeFacets(transaction, boundFacets([...added, ...moved]))
    const facetOf = ({ sha256Hex }: Placed) => facetIds.get(sha256Hex)!
    await addTerms(transaction, [...added, ...moved], facetOf)
    await addRecords(transaction, added, facetOf)
    if (moved.length > 0) await moveRecords(transaction, { moved, before, facetOf })
    await noteProgress(transaction, { position, added: added.length })
  }
  return { hasMoreChanges: isFull }
}

interface AllPlaced {
  readonly added: readonly Placed[]
  readonly moved: readonly Placed[]
}

/** Finds the facet of each, and which of its values stand in rows of their own; such as it had of others go. */
async function placeAll(
  transaction: Prisma.TransactionClient,
  records: readonly Searchable[],
  before: ReadonlyMap<string, ChangedRecord>
): Promise<AllPlaced> {
  const kept = records.filter(({ id }) => keepsValues(before.get(id)))
  const others = records.filter(({ id }) => !keepsValues(before.get(id)))
  const isMoved = ({ id }: { readonly id: string }) => before.has(id)
  await deleteTerms(
    transaction,
    others.filter(isMoved).map(({ id }) => id)
  )
  const parted = await shareValues(transaction, others)
  const placed = parted.map(({ record, terms, valueIds }) => place(record, valueIds, terms))
  return {
    added: placed.filter(record => !isMoved(record)),
    moved: [
      ...placed.filter(isMoved),
      ...kept.map(record => place(record, before.get(record.id)!.valueIds, []))
    ]
  }
}

/**
 * Whether it has the values that it had. An intent knows the name of its thing with its certificate alone, and of a refusal
 * nothing changes but that it is purged.
 */
function keepsValues(before: ChangedRecord | undefined): boolean {
  return before !== undefined && before.state !== 'unknown' && before.state !== 'refused'
}

async function readSearchables(
  transaction: Prisma.TransactionClient,
  ids: readonly string[]
): Promise<readonly Searchable[]> {
  if (ids.length === 0) return []
  const intents = await readIntents(transaction, ids)
  const refusals = intents.length === ids.length ? [] : await readRefusals(transaction, ids)
  const reads = [
    ...intents.map(row => () => searchableIntent(row)),
    ...refusals.map(row => () => searchableRefusal(row))
  ]
  const records: Searchable[] = []
  for (const [index, read] of reads.entries()) {
    if (index > 0 && index % rowsAtOnce === 0) await new Promise(resolve => setImmediate(resolve))
    records.push(read())
  }
  return records.sort((one, other) => (one.id < other.id ? -1 : 1))
}

function place(record: Searchable, valueIds: readonly number[], ownTerms: readonly Term[]): Placed {
  const whole = { ...record.facet, valueIds }
  return { ...record, whole, ownTerms, sha256Hex: digestFacet(whole) }
}

function boundFacets(placed: readonly Placed[]): readonly BoundedFacet[] {
  const facets = new Map<string, BoundedFacet>()
  for (const { id, whole: facet, sha256Hex, notAfter } of placed) {
    const validityMs = notAfter && notAfter.getTime() - timeOfIdentifier(id).getTime()
    const own = {
      facet,
      sha256Hex,
      firstId: id,
      lastId: id,
      notAfterFirst: notAfter,
      notAfterLast: notAfter,
      validityLeastMs: validityMs,
      validityMostMs: validityMs
    }
    const other = facets.get(sha256Hex)
    facets.set(sha256Hex, other === undefined ? own : join(other, own))
  }
  return [...facets.values()]
}

function join(one: BoundedFacet, other: BoundedFacet): BoundedFacet {
  return {
    ...one,
    firstId: lesser(one.firstId, other.firstId)!,
    lastId: greater(one.lastId, other.lastId)!,
    notAfterFirst: lesser(one.notAfterFirst, other.notAfterFirst),
    notAfterLast: greater(one.notAfterLast, other.notAfterLast),
    validityLeastMs: lesser(one.validityLeastMs, other.validityLeastMs),
    validityMostMs: greater(one.validityMostMs, other.validityMostMs)
  }
}

function lesser<Value extends string | number | Date>(one: Value | null, other: Value | null): Value | null {
  if (one === null || other === null) return one ?? other
  return one < other ? one : other
}

function greater<Value extends string | number | Date>(one: Value | null, other: Value | null): Value | null {
  if (one === null || other === null) return one ?? other
  return one > other ? one : other
}

type FacetOf = (record: Placed) => number

async function addTerms(
  transaction: Prisma.TransactionClient,
  records: readonly Placed[],
  facetOf: FacetOf
): Promise<void> {
  const rows = records.flatMap(record =>
    record.ownTerms.map(term => ({ ...term, recordId: record.id, facetId: facetOf(record) }))
  )
  if (rows.length > 0) await insertTerms(transaction, rows)
}

async function addRecords(
  transaction: Prisma.TransactionClient,
  records: readonly Placed[],
  facetOf: FacetOf
): Promise<void> {
  if (records.length === 0) return
  const rows = records.map(record => ({
    recordId: record.id,
    facetId: facetOf(record),
    notAfter: record.notAfter
  }))
  await insertSearchRows(transaction, rows)
  await addToTallies(transaction, tallyChanges(records, facetOf))
  const open = records.filter(({ whole }) => whole.state === 'unknown').map(({ id }) => id)
  if (open.length > 0) await insertPending(transaction, open)
}

interface Move {
  readonly moved: readonly Placed[]
  readonly before: ReadonlyMap<string, ChangedRecord>
  readonly facetOf: FacetOf
}

async function moveRecords(
  transaction: Prisma.TransactionClient,
  { moved, before, facetOf }: Move
): Promise<void> {
  const away = moved.filter(record => facetOf(record) !== before.get(record.id)!.facetId)
  await moveSearchRows(
    transaction,
    away.map(record => ({ recordId: record.id, facetId: facetOf(record) }))
  )
  await takeFromTallies(
    transaction,
    tallyChanges(away, ({ id }) => before.get(id)!.facetId)
  )
  await addToTallies(transaction, tallyChanges(away, facetOf))
  // A crash left it open, and nobody has completed it yet.
  const open = moved.filter(({ whole }) => whole.state === 'unknown').map(({ id }) => id)
  if (open.length > 0) await insertPending(transaction, open)
}

/** One for each quarter and facet. */
function tallyChanges(records: readonly Placed[], facetOf: FacetOf): readonly TallyChange[] {
  const changes = new Map<string, TallyChange>()
  for (const record of records) {
    const { createdAt } = record
    const facetId = facetOf(record)
    const quarterAt = Math.floor(createdAt.getTime() / quarterMs) * quarterMs
    const key = `${quarterAt} ${facetId}`
    const other = changes.get(key)
    changes.set(key, {
      quarter: new Date(quarterAt),
      facetId,
      count: (other?.count ?? 0) + 1,
      firstAt: lesser(other?.firstAt ?? null, createdAt)!,
      lastAt: greater(other?.lastAt ?? null, createdAt)!
    })
  }
  return [...changes.values()]
}
