import type { Prisma } from '../../../database/database.ts'
import { digestFacet } from '../facet.ts'
import { keyOfTerm, type Term } from '../term.ts'
import {
  countFilledRecords,
  countTermRows,
  findFacets,
  findSharedValues,
  insertSharedValues
} from './search-rows-store.ts'
import type { Searchable } from './searched-rows.ts'

/** How many records have a value by a row of their own before it becomes one that they share. */
const sharedFrom = 500
/**
 * How many facets there may be, besides those that go without values. Where values meet as they please, each record would be
 * a facet of its own: from there on, values stand in rows again.
 */
const facetsAtLeast = 2_000
const recordsPerFacet = 250

export interface Shared {
  readonly record: Searchable
  /** Of its values, the numbers of those that go into its facet, ascending. */
  readonly valueIds: readonly number[]
  /** The others. */
  readonly terms: readonly Term[]
}

/** Parts the values of records that come in now into those that masses of records have, and the others. */
export async function shareValues(
  transaction: Prisma.TransactionClient,
  records: readonly Searchable[]
): Promise<readonly Shared[]> {
  if (records.length === 0) return []
  const numbers = await numberValues(transaction, records)
  const split = records.map(record => splitTerms(record, numbers))
  const digests = new Map(split.map(each => [each, digestOf(each)]))
  const { known, total } = await findFacets(transaction, [...new Set(digests.values())])
  const most = facetsAtLeast + (await countFilledRecords(transaction)) / recordsPerFacet
  const taken = new Set(known)
  return split.map(each => {
    const digest = digests.get(each)!
    const isThere = taken.has(digest)
    if (each.valueIds.length > 0 && !isThere && total + taken.size - known.size >= most) {
      return { record: each.record, valueIds: [], terms: each.record.terms }
    }
    taken.add(digest)
    return each
  })
}

const digestOf = ({ record, valueIds }: Shared) => digestFacet({ ...record.facet, valueIds })

function splitTerms(record: Searchable, numbers: ReadonlyMap<string, number>): Shared {
  const numberOf = (term: Term) => numbers.get(keyOfTerm(term))
  return {
    record,
    valueIds: record.terms.flatMap(term => numberOf(term) ?? []).sort((one, other) => one - other),
    terms: record.terms.filter(term => numberOf(term) === undefined)
  }
}

/**
 * The numbers of those values that are shared, by their keys. What refusals alone say is never shared: it would outlast their
 * purge.
 */
async function numberValues(
  transaction: Prisma.TransactionClient,
  records: readonly Searchable[]
): Promise<ReadonlyMap<string, number>> {
  const uses = new Map<string, { readonly term: Term; readonly issuances: number }>()
  for (const { facet, terms } of records) {
    for (const term of terms) {
      const key = keyOfTerm(term)
      const issuances = (uses.get(key)?.issuances ?? 0) + (facet.outcome === 'rejected' ? 0 : 1)
      uses.set(key, { term, issuances })
    }
  }
  const all = [...uses.values()]
  const numbers = await findSharedValues(
    transaction,
    all.map(({ term }) => term)
  )
  const own = all.filter(({ term, issuances }) => issuances > 0 && !numbers.has(keyOfTerm(term)))
  const rows = await countTermRows(
    transaction,
    own.map(({ term }) => term),
    sharedFrom
  )
  const shared = own.filter(({ issuances }, index) => rows[index]! + issuances > sharedFrom)
  if (shared.length === 0) return numbers
  const added = await insertSharedValues(
    transaction,
    shared.map(({ term }) => term)
  )
  return new Map([...numbers, ...added])
}
