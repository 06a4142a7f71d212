import type pg from 'pg'
import type { RecordState } from '../../../src/records/record.ts'
import { digestFacet, type Facet } from '../../../src/records/search/facet.ts'
import type { Searchable } from '../../../src/records/search/filling/searched-rows.ts'
import { keyOfTerm, metadataCode, type Term, termsOf } from '../../../src/records/search/term.ts'
import { products, shifts } from '../factory.ts'
import type { CopyRows } from './copy-rows.ts'

/** Numbers, by their keys, of the values that masses of records have, as the service comes to share them. */
export type SharedValues = ReadonlyMap<string, number>

/** Of the facets that have values there are no more than the service would make (`shared-values.ts`). */
const mostValued = {
  withMetadata: (records: number) => 2_000 + records / 250,
  withSubject: (records: number) => 4_000 + records / 40
}
const quarterMs = 15 * 60_000

/** What all who seed have filled in so far: places of a shared array. */
export const filledPlaces = { records: 0, valuedFacets: 1 } as const

interface FacetSpan {
  readonly facet: Facet
  firstId: string
  lastId: string
  notAfterFirst: number | null
  notAfterLast: number | null
  validityLeastMs: number | null
  validityMostMs: number | null
}

/** A record that is searched by, and may still change. */
export interface Entry {
  readonly id: string
  readonly time: number
  readonly notAfter: number | null
  facet: Facet
  readonly ownTerms: readonly Term[]
}

/** Of a month: what its records are searched by, as the service's own filling would write it, to be copied. */
export class SearchRows {
  readonly #shared: SharedValues
  readonly #filled: BigInt64Array<SharedArrayBuffer>
  readonly #terms: CopyRows
  readonly #entries: Entry[] = []
  readonly #facets = new Set<string>()

  constructor(terms: CopyRows, shared: SharedValues, filled: BigInt64Array<SharedArrayBuffer>) {
    this.#terms = terms
    this.#shared = shared
    this.#filled = filled
  }

  add({ id, createdAt, facet, terms, notAfter }: Searchable): Entry {
    const records = Number(Atomics.add(this.#filled, filledPlaces.records, 1n))
    const parted = this.#part(facet, terms, records)
    const entry = {
      id,
      time: createdAt.getTime(),
      notAfter: notAfter?.getTime() ?? null,
      facet: parted.facet,
      ownTerms: parted.terms
    }
    this.#entries.push(entry)
    return entry
  }

  move(entry: Entry, state: RecordState): void {
    entry.facet = { ...entry.facet, state }
    this.#note(entry.facet)
  }

  /** Writes the facets, and with their numbers the rows of each record and the counts. */
  async finish(
    client: pg.Client,
    rows: Record<'issuance_search' | 'issuance_tally', CopyRows>
  ): Promise<void> {
    const spans = new Map<string, FacetSpan>()
    const digests = this.#entries.map(entry => spanOver(spans, entry))
    const ids = await writeSpans(client, spans)
    const tallies = new Map<string, { quarter: number; facetId: number; times: number[] }>()
    for (const [index, { id, time, notAfter, ownTerms }] of this.#entries.entries()) {
      const facetId = ids.get(digests[index]!)!
      const recordId = Buffer.from(id.replaceAll('-', ''), 'hex')
      for (const { code, value } of ownTerms)
        this.#terms.row().smallint(code).text(value).bytes(recordId).int(facetId)
      const row = rows.issuance_search.row().bytes(recordId).int(facetId)
      if (notAfter === null) row.null()
      else row.time(notAfter)
      const quarter = Math.floor(time / quarterMs) * quarterMs
      const key = `${quarter} ${facetId}`
      const tally = tallies.get(key) ?? { quarter, facetId, times: [] }
      tally.times.push(time)
      tallies.set(key, tally)
    }
    for (const { quarter, facetId, times } of tallies.values()) {
      const row = rows.issuance_tally.row().time(quarter).int(facetId).int(times.length)
      row.time(Math.min(...times)).time(Math.max(...times))
    }
  }

  /** With all shared values in its facet, with those of its subject alone, or with none: as many facets as there may be. */
  #part(facet: Omit<Facet, 'valueIds'>, terms: readonly Term[], records: number) {
    const isShared = (term: Term) => this.#shared.has(keyOfTerm(term))
    const ways = [
      { most: mostValued.withMetadata(records), goesIn: isShared },
      {
        most: mostValued.withSubject(records),
        goesIn: (term: Term) => term.code !== metadataCode && isShared(term)
      }
    ]
    for (const { most, goesIn } of ways) {
      const valueIds = terms.filter(goesIn).map(term => this.#shared.get(keyOfTerm(term))!)
      const whole = { ...facet, valueIds: valueIds.sort((one, other) => one - other) }
      const isThere = this.#facets.has(digestFacet(whole))
      if (!isThere && Number(Atomics.load(this.#filled, filledPlaces.valuedFacets)) >= most) continue
      this.#note(whole)
      return { facet: whole, terms: terms.filter(term => !goesIn(term)) }
    }
    return { facet: { ...facet, valueIds: [] }, terms }
  }

  #note(facet: Facet): void {
    const digest = digestFacet(facet)
    if (this.#facets.has(digest)) return
    this.#facets.add(digest)
    if (facet.valueIds.length > 0) Atomics.add(this.#filled, filledPlaces.valuedFacets, 1n)
  }
}

/** @returns the digest of its facet. */
function spanOver(spans: Map<string, FacetSpan>, { id, time, notAfter, facet }: Entry): string {
  const digest = digestFacet(facet)
  const validity = notAfter === null ? null : notAfter - time
  const span = spans.get(digest)
  if (span === undefined) {
    const [notAfterFirst, notAfterLast] = [notAfter, notAfter]
    const [validityLeastMs, validityMostMs] = [validity, validity]
    const bounds = { notAfterFirst, notAfterLast, validityLeastMs, validityMostMs }
    spans.set(digest, { facet, firstId: id, lastId: id, ...bounds })
    return digest
  }
  if (id < span.firstId) span.firstId = id
  if (id > span.lastId) span.lastId = id
  if (notAfter !== null && validity !== null) {
    span.notAfterFirst = Math.min(span.notAfterFirst!, notAfter)
    span.notAfterLast = Math.max(span.notAfterLast!, notAfter)
    span.validityLeastMs = Math.min(span.validityLeastMs!, validity)
    span.validityMostMs = Math.max(span.validityMostMs!, validity)
  }
  return digest
}

const facetsAtOnce = 1_000
const writeStatement = `
INSERT INTO search_facet AS there (sha256, first_id, last_id, not_after_first, not_after_last, validity_least_ms, validity_most_ms,
  outcome, state, station, line, site, lot, credential, profile, profile_version, authority, code, rework, value_ids)
SELECT decode(sha256, 'hex'), first_id, last_id, to_timestamp(not_after_first / 1000.0), to_timestamp(not_after_last / 1000.0),
  validity_least_ms, validity_most_ms,
  facet ->> 'outcome', facet ->> 'state', facet ->> 'station', facet ->> 'line', facet ->> 'site', facet ->> 'lot',
  (facet ->> 'credential')::uuid, facet ->> 'profile', (facet ->> 'profileVersion')::int, facet ->> 'authority',
  facet ->> 'code', (facet ->> 'rework')::boolean,
  ARRAY(SELECT value::int FROM jsonb_array_elements_text(facet -> 'valueIds') AS value)
FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::float8[], $5::float8[], $6::bigint[], $7::bigint[], $8::jsonb[])
  AS t(sha256, first_id, last_id, not_after_first, not_after_last, validity_least_ms, validity_most_ms, facet)
ORDER BY sha256
ON CONFLICT (sha256) DO UPDATE SET
  first_id = least(there.first_id, excluded.first_id), last_id = greatest(there.last_id, excluded.last_id),
  not_after_first = least(there.not_after_first, excluded.not_after_first),
  not_after_last = greatest(there.not_after_last, excluded.not_after_last),
  validity_least_ms = least(there.validity_least_ms, excluded.validity_least_ms),
  validity_most_ms = greatest(there.validity_most_ms, excluded.validity_most_ms)
RETURNING id, encode(sha256, 'hex') AS sha256`

/** @returns the numbers of the facets, by their digests. */
async function writeSpans(client: pg.Client, spans: ReadonlyMap<string, FacetSpan>) {
  const ids = new Map<string, number>()
  const all = [...spans]
  for (let from = 0; from < all.length; from += facetsAtOnce) {
    const some = all.slice(from, from + facetsAtOnce)
    const columns = [
      some.map(([digest]) => digest),
      some.map(([, span]) => span.firstId),
      some.map(([, span]) => span.lastId),
      some.map(([, span]) => span.notAfterFirst),
      some.map(([, span]) => span.notAfterLast),
      some.map(([, span]) => span.validityLeastMs),
      some.map(([, span]) => span.validityMostMs),
      some.map(([, span]) => JSON.stringify(span.facet))
    ]
    const { rows } = await client.query<{ id: number; sha256: string }>(writeStatement, columns)
    for (const { id, sha256 } of rows) ids.set(sha256, id)
  }
  return ids
}

/** The values that masses of records have: those of few kinds, which the service would find out by counting. */
export async function insertSharedValues(client: pg.Client): Promise<SharedValues> {
  const terms = [
    ...products.flatMap(({ subject }) => termsOf({ subject, metadata: {} })),
    ...shifts.flatMap(shift => termsOf({ subject: {}, metadata: { shift } }))
  ]
  const shared = new Map<string, number>()
  for (const { code, value } of terms) {
    const { rows } = await client.query<{ id: number }>(
      `INSERT INTO search_value AS there (name, value) VALUES ($1, $2)
       ON CONFLICT (name, value) DO UPDATE SET value = there.value RETURNING id`,
      [code, value]
    )
    shared.set(keyOfTerm({ code, value }), rows[0]!.id)
  }
  return shared
}
