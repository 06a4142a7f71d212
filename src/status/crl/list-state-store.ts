import { Prisma } from '../../database/generated/client.ts'

/** What speaks for a new CRL of one part of an authority's certificates, and against it. */
export interface ListState {
  /** Of the newest complete CRL; null where there is none. */
  readonly thisUpdate: Date | null
  readonly nextUpdate: Date | null
  readonly entries: number | null
  /** Where it says that its deltas are. */
  readonly freshestCrl: string | null
  /** The newest delta of it. */
  readonly delta: { readonly entries: number; readonly thisUpdate: Date } | null
  /** Whether anything has been done that neither says. */
  readonly hasChanges: boolean
}

interface DeltaColumns {
  readonly deltaEntries: number | null
  readonly deltaThisUpdate: Date | null
}

/** A state as `newestColumns` are read. */
export type StateRow<State extends ListState> = Omit<State, 'delta'> & DeltaColumns

/** Of each `scope`: the complete CRL of the highest number, as `newest`, and the newest delta of that, as `delta`. */
export const newestLists = Prisma.sql`
  LEFT JOIN LATERAL (
    SELECT number, crl_intent.created_at, this_update, next_update, entries, freshest_crl, signed_at
    FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
    WHERE authority_id = scope.authority_id AND shards = scope.shards AND shard = scope.shard AND base_number IS NULL
    ORDER BY number DESC LIMIT 1
  ) AS newest ON true
  LEFT JOIN LATERAL (
    SELECT number, crl_intent.created_at, this_update, next_update, entries
    FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
    WHERE authority_id = scope.authority_id AND shards = scope.shards AND shard = scope.shard
      AND base_number = newest.number AND number > newest.number
    ORDER BY number DESC LIMIT 1
  ) AS delta ON true`

/** What of them is of a `ListState`. */
export const newestColumns = Prisma.sql`
  newest.this_update AS "thisUpdate", newest.next_update AS "nextUpdate", newest.entries, newest.freshest_crl AS "freshestCrl",
  delta.entries AS "deltaEntries", delta.this_update AS "deltaThisUpdate"`

export function toState<Row extends DeltaColumns>({ deltaEntries, deltaThisUpdate, ...row }: Row) {
  const delta: ListState['delta'] =
    deltaEntries === null || deltaThisUpdate === null
      ? null
      : { entries: deltaEntries, thisUpdate: deltaThisUpdate }
  return { ...row, delta }
}

/** How the newest deltas of one or more complete CRLs stand, all together; where these name none, there are none. */
export interface DeltaFacts {
  /** Of so many complete ones that name where their deltas are. */
  readonly deltaBases: number
  /** So many of these have none yet. */
  readonly deltasMissing: number
  /** Since then the first of these has waited. */
  readonly deltaMissingSince: Date | null
  readonly deltaEntries: number
  /** Of the one that is older than all others; null where there is none. */
  readonly deltaThisUpdate: Date | null
  /** Of the one that ends first. */
  readonly deltaNextUpdate: Date | null
}

const isBase = Prisma.sql`newest.freshest_crl IS NOT NULL`
const isMissing = Prisma.sql`${isBase} AND delta.number IS NULL`

/** `DeltaFacts` of a group. */
export const deltaColumns = Prisma.sql`
  (count(*) FILTER (WHERE ${isBase}))::int AS "deltaBases", (count(*) FILTER (WHERE ${isMissing}))::int AS "deltasMissing",
  min(newest.signed_at) FILTER (WHERE ${isMissing}) AS "deltaMissingSince",
  coalesce(sum(delta.entries) FILTER (WHERE ${isBase}), 0)::int AS "deltaEntries",
  min(delta.this_update) FILTER (WHERE ${isBase}) AS "deltaThisUpdate",
  min(delta.next_update) FILTER (WHERE ${isBase}) AS "deltaNextUpdate"`
