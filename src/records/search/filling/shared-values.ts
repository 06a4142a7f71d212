import type { Prisma } from '../../../database/database.ts'
import { digestFacet } from '../facet.ts'
import { keyOfTerm, kindOfTerm, metadataCode, type Term } from '../term.ts'
import { countFilled, findFacets } from './search-rows-store.ts'
import type { Searchable } from './searched-rows.ts'
import {
  countSharedValues,
  countTermRows,
  findSharedValues,
  insertSharedValues
} from './shared-values-store.ts'

/** How many records have a value by a row of their own before it becomes one that they share. */
const sharedFrom = 500
/** Of what has more values than this, each would make several facets of each that there is: they all stand in rows. */
const mostOfAKind = 16
/**
 * How many facets there may be that have values. Where values meet as they please, each record would be a facet of its own:
 * from there on, they stand in rows again, those of metadata first.
 */
const most = {
  withMetadata: (records: number) => 2_000 + records / 250,
  withSubject: (records: number) => 4_000 + records / 40
}

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
  const ways = records.map(record => waysToSplit(record, numbers))
  const digests = new Map(ways.flat().map(way => [way, digestOf(way)]))
  const taken = new Set(await findFacets(transaction, [...new Set(digests.values())]))
  const filled = await countFilled(transaction)
  let { valuedFacets } = filled
  return ways.map(([whole, ofSubject, plain]) => {
    const room = [
      { way: whole, most: most.withMetadata(filled.records) },
      { way: ofSubject, most: most.withSubject(filled.records) }
    ].find(({ way, most }) => taken.has(digests.get(way)!) || valuedFacets < most)
    const way = room?.way ?? plain
    if (way.valueIds.length > 0 && !taken.has(digests.get(way)!)) valuedFacets++
    taken.add(digests.get(way)!)
    return way
  })
}

const digestOf = ({ record, valueIds }: Shared) => digestFacet({ ...record.facet, valueIds })

/** With all values that are shared in the facet, with those of the subject alone, and with none. */
function waysToSplit(
  record: Searchable,
  numbers: ReadonlyMap<string, number>
): readonly [Shared, Shared, Shared] {
  return [
    splitTerms(record, term => numbers.get(keyOfTerm(term))),
    splitTerms(record, term => (term.code === metadataCode ? undefined : numbers.get(keyOfTerm(term)))),
    splitTerms(record, () => undefined)
  ]
}

function splitTerms(record: Searchable, numberOf: (term: Term) => number | undefined): Shared {
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
  const counts = await countSharedValues(transaction)
  const isFew = (term: Term) => (counts.get(kindOfTerm(term)) ?? 0) <= mostOfAKind
  const own = all.filter(
    ({ term, issuances }) => issuances > 0 && isFew(term) && !numbers.has(keyOfTerm(term))
  )
  const rows = await countTermRows(
    transaction,
    own.map(({ term }) => term),
    sharedFrom
  )
  const shared = own.filter(({ issuances }, index) => rows[index]! + issuances > sharedFrom)
  const added = await insertSharedValues(
    transaction,
    shared.map(({ term }) => term)
  )
  const usable = all.filter(({ term }) => isFew(term)).map(({ term }) => keyOfTerm(term))
  const both = new Map([...numbers, ...added])
  return new Map(usable.flatMap(key => (both.has(key) ? [[key, both.get(key)!] as const] : [])))
}
