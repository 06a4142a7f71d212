import { byteaArray } from '../../../database/array-literal.ts'
import type { Prisma } from '../../../database/database.ts'
import type { Facet } from '../facet.ts'
import type { Term } from '../term.ts'

/** A facet as it is written: with bounds of those of its records that are written along with it. */
export interface BoundedFacet {
  readonly facet: Facet
  readonly sha256Hex: string
  readonly firstId: string
  readonly lastId: string
  readonly notAfterFirst: Date | null
  readonly notAfterLast: Date | null
  readonly validityLeastMs: number | null
  readonly validityMostMs: number | null
}

export interface SearchRow {
  readonly recordId: string
  readonly facetId: number
  readonly notAfter: Date | null
}

export interface TermRow extends Term {
  readonly recordId: string
  readonly facetId: number
}

/** By how much the records of a facet have become more, or fewer, in a quarter of an hour. */
export interface TallyChange {
  /** Its beginning. */
  readonly quarter: Date
  readonly facetId: number
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Which of these facets there are, by their digests. */
export async function findFacets(
  transaction: Prisma.TransactionClient,
  sha256Hexes: readonly string[]
): Promise<ReadonlySet<string>> {
  const rows = await transaction.$queryRaw<{ sha256: string }[]>`
    SELECT encode(sha256, 'hex') AS sha256 FROM search_facet
    WHERE sha256 = ANY(${byteaArray(sha256Hexes.map(hex => Buffer.from(hex, 'hex')))}::bytea[])`
  return new Set(rows.map(({ sha256 }) => sha256))
}

/**
 * Widens the bounds of those that there are, and adds the others. Not by ON CONFLICT, which takes a number for each row that
 * it does not add.
 *
 * @returns their numbers by their digests.
 */
export async function writeFacets(
  transaction: Prisma.TransactionClient,
  facets: readonly BoundedFacet[]
): Promise<ReadonlyMap<string, number>> {
  const widened = await transaction.$queryRawUnsafe<FacetNumber[]>(widenStatement, ...boundsOf(facets))
  const numbers = new Map(widened.map(({ id, sha256 }) => [sha256, id]))
  const added = facets.filter(({ sha256Hex }) => !numbers.has(sha256Hex))
  if (added.length === 0) return numbers
  const parameters = [...boundsOf(added), ...membersOf(added.map(({ facet }) => facet))]
  const rows = await transaction.$queryRawUnsafe<FacetNumber[]>(addStatement, ...parameters)
  for (const { id, sha256 } of rows) numbers.set(sha256, id)
  const valued = added.filter(({ facet }) => facet.valueIds.length > 0).length
  await transaction.$executeRaw`UPDATE search_progress SET valued_facets = valued_facets + ${valued}::int`
  return numbers
}

interface FacetNumber {
  readonly id: number
  readonly sha256: string
}

const boundColumns =
  'sha256, first_id, last_id, not_after_first, not_after_last, validity_least_ms, validity_most_ms'
const boundTypes =
  '$1::bytea[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::bigint[]'

const widenStatement = `
UPDATE search_facet
SET first_id = least(search_facet.first_id, more.first_id),
  last_id = greatest(search_facet.last_id, more.last_id),
  not_after_first = least(search_facet.not_after_first, more.not_after_first),
  not_after_last = greatest(search_facet.not_after_last, more.not_after_last),
  validity_least_ms = least(search_facet.validity_least_ms, more.validity_least_ms),
  validity_most_ms = greatest(search_facet.validity_most_ms, more.validity_most_ms)
FROM unnest(${boundTypes}) AS more(${boundColumns})
WHERE search_facet.sha256 = more.sha256
RETURNING search_facet.id, encode(search_facet.sha256, 'hex') AS sha256`

const memberColumns =
  'outcome, state, station, line, site, lot, credential, profile, profile_version, authority, code, rework, value_ids'
const memberTypes = [...'text text text text text text uuid text int text text boolean text'.split(' ')].map(
  (type, index) => `$${index + 8}::${type}[]`
)

const addStatement = `
INSERT INTO search_facet (${boundColumns}, ${memberColumns})
SELECT ${boundColumns}, ${memberColumns.replace('value_ids', 'value_ids::int[]')}
FROM unnest(${boundTypes}, ${memberTypes.join(', ')}) AS t(${boundColumns}, ${memberColumns})
RETURNING id, encode(sha256, 'hex') AS sha256`

function boundsOf(facets: readonly BoundedFacet[]): readonly unknown[] {
  return [
    byteaArray(facets.map(({ sha256Hex }) => Buffer.from(sha256Hex, 'hex'))),
    facets.map(({ firstId }) => firstId),
    facets.map(({ lastId }) => lastId),
    facets.map(({ notAfterFirst }) => notAfterFirst?.toISOString() ?? null),
    facets.map(({ notAfterLast }) => notAfterLast?.toISOString() ?? null),
    facets.map(({ validityLeastMs }) => validityLeastMs),
    facets.map(({ validityMostMs }) => validityMostMs)
  ]
}

function membersOf(facets: readonly Facet[]): readonly unknown[] {
  return [
    facets.map(({ outcome }) => outcome),
    facets.map(({ state }) => state),
    facets.map(({ station }) => station),
    facets.map(({ line }) => line),
    facets.map(({ site }) => site),
    facets.map(({ lot }) => lot),
    facets.map(({ credential }) => credential),
    facets.map(({ profile }) => profile),
    facets.map(({ profileVersion }) => profileVersion),
    facets.map(({ authority }) => authority),
    facets.map(({ code }) => code),
    facets.map(({ rework }) => rework),
    facets.map(({ valueIds }) => `{${valueIds.join(',')}}`)
  ]
}

export async function insertSearchRows(
  transaction: Prisma.TransactionClient,
  rows: readonly SearchRow[]
): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO issuance_search (record_id, facet_id, not_after)
    SELECT * FROM unnest(
      ${rows.map(({ recordId }) => recordId)}::uuid[],
      ${rows.map(({ facetId }) => facetId)}::int[],
      ${rows.map(({ notAfter }) => notAfter?.toISOString() ?? null)}::timestamptz[]
    )`
}

/** The rows of their values follow: see the trigger `move_terms`. */
export async function moveSearchRows(
  transaction: Prisma.TransactionClient,
  rows: readonly Omit<SearchRow, 'notAfter'>[]
): Promise<void> {
  await transaction.$executeRaw`
    UPDATE issuance_search SET facet_id = moved.facet_id
    FROM unnest(
      ${rows.map(({ recordId }) => recordId)}::uuid[], ${rows.map(({ facetId }) => facetId)}::int[]
    ) AS moved(record_id, facet_id)
    WHERE issuance_search.record_id = moved.record_id`
}

/** The oldest first. */
export async function insertTerms(
  transaction: Prisma.TransactionClient,
  rows: readonly TermRow[]
): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO search_term (name, value, record_id, facet_id)
    SELECT name, value, record_id, facet_id FROM unnest(
      ${rows.map(({ code }) => code)}::int[],
      ${rows.map(({ value }) => value)}::text[],
      ${rows.map(({ recordId }) => recordId)}::uuid[],
      ${rows.map(({ facetId }) => facetId)}::int[]
    ) AS t(name, value, record_id, facet_id)
    ORDER BY record_id
    ON CONFLICT DO NOTHING`
}

/** All that these have by rows of their own. */
export async function deleteTerms(
  transaction: Prisma.TransactionClient,
  recordIds: readonly string[]
): Promise<void> {
  if (recordIds.length === 0) return
  await transaction.$executeRaw`DELETE FROM search_term WHERE record_id = ANY(${[...recordIds]}::uuid[])`
}

export async function insertPending(
  transaction: Prisma.TransactionClient,
  recordIds: readonly string[]
): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO search_pending (record_id) SELECT * FROM unnest(${[...recordIds]}::uuid[]) ON CONFLICT DO NOTHING`
}

export async function addToTallies(
  transaction: Prisma.TransactionClient,
  changes: readonly TallyChange[]
): Promise<void> {
  await transaction.$executeRawUnsafe(addToTalliesStatement, ...parametersOf(changes))
}

/** What comes to nothing goes. */
export async function takeFromTallies(
  transaction: Prisma.TransactionClient,
  changes: readonly TallyChange[]
): Promise<void> {
  const parameters = parametersOf(changes).slice(0, 3)
  await transaction.$executeRawUnsafe(endTalliesStatement, ...parameters)
  await transaction.$executeRawUnsafe(takeFromTalliesStatement, ...parameters)
}

const lessened = 'unnest($1::timestamptz[], $2::int[], $3::int[]) AS less(quarter, facet_id, count)'
const isLessened = 'issuance_tally.quarter = less.quarter AND issuance_tally.facet_id = less.facet_id'

const addToTalliesStatement = `
INSERT INTO issuance_tally (quarter, facet_id, count, first_at, last_at)
SELECT * FROM unnest($1::timestamptz[], $2::int[], $3::int[], $4::timestamptz[], $5::timestamptz[])
ON CONFLICT (quarter, facet_id) DO UPDATE SET
  count = issuance_tally.count + excluded.count,
  first_at = least(issuance_tally.first_at, excluded.first_at),
  last_at = greatest(issuance_tally.last_at, excluded.last_at)`

const endTalliesStatement = `
DELETE FROM issuance_tally USING ${lessened} WHERE ${isLessened} AND issuance_tally.count <= less.count`

/** Those that came to nothing are no more. */
const takeFromTalliesStatement = `
UPDATE issuance_tally SET count = issuance_tally.count - less.count FROM ${lessened} WHERE ${isLessened}`

function parametersOf(changes: readonly TallyChange[]): readonly unknown[] {
  return [
    changes.map(({ quarter }) => quarter.toISOString()),
    changes.map(({ facetId }) => facetId),
    changes.map(({ count }) => count),
    changes.map(({ firstAt }) => firstAt.toISOString()),
    changes.map(({ lastAt }) => lastAt.toISOString())
  ]
}

export async function noteProgress(
  transaction: Prisma.TransactionClient,
  { position, added }: { readonly position: string | undefined; readonly added: number }
): Promise<void> {
  await transaction.$executeRaw`
    UPDATE search_progress
    SET position = greatest(position, ${position ?? null}::uuid), records = records + ${added}::int`
}

/** How many records are filled in, and how many facets have values. */
export async function countFilled(
  transaction: Prisma.TransactionClient
): Promise<{ readonly records: number; readonly valuedFacets: number }> {
  const [row] = await transaction.$queryRaw<{ records: number; valuedFacets: number }[]>`
    SELECT records::float8 AS records, valued_facets AS "valuedFacets" FROM search_progress`
  return row!
}
