import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { standingOfStatus } from '../../acts/act-model.ts'
import type { RecordState } from '../../record.ts'
import type { SearchedIntent, SearchedRefusal } from './searched-rows.ts'

/** Where new records are looked for: ids above `after`, and below `before` where that is given. */
export interface FillRange {
  readonly after: string
  readonly before?: string | undefined
}

/** What there is to do. */
interface FillWork {
  /** Of records that are not filled in, in their order, at most `limit`. */
  readonly newIds: readonly string[]
  /** Whether records that are filled in have changed. */
  readonly hasChanges: boolean
}

interface FillProgress {
  /** Records up to this id are filled in, but for those that were committed late. */
  readonly position: string
  /** When there was nothing left to do, by the database's clock. */
  readonly filledAt: Date | null
  readonly rebuildSince: Date | null
  readonly databaseTime: Date
}

/** A record that is filled in already, as it is now. */
export interface ChangedRecord {
  readonly recordId: string
  readonly facetId: number
  readonly valueIds: readonly number[]
  /** As it was filled in. */
  readonly state: RecordState
}

/** Changes that were taken. */
export interface TakenChanges {
  readonly changed: readonly ChangedRecord[]
  /** Those that are not filled in: of a month that was attached again, or not at their turn yet. */
  readonly unfilledIds: readonly string[]
  /** Whether there may be more of them. */
  readonly isFull: boolean
}

export interface FillStore {
  readProgress(): Promise<FillProgress>
  look(range: FillRange, limit: number): Promise<FillWork>
  /**
   * Does `fill` in a transaction while nobody else fills: what it writes is there as a whole or not at all, once.
   *
   * @param from the position that the work was looked for from: where everything was emptied since, nothing is done.
   * @returns what `fill` does.
   */
  alone<Result>(
    from: string,
    fill: (transaction: Prisma.TransactionClient) => Promise<Result>
  ): Promise<Result | undefined>
  /** That there was nothing more to do, unless it was emptied since. @param from as above. */
  noteFilled(from: string): Promise<void>
}

/**
 * That an intent has come to its end: one that has neither end nor is open was meddled with, and is left alone until somebody
 * sees to it.
 */
const isClosed = `NOT EXISTS (SELECT FROM open_intent WHERE intent_id = record_id)
  AND (EXISTS (SELECT FROM issued WHERE intent_id = record_id) OR EXISTS (SELECT FROM void WHERE intent_id = record_id))`

const lookStatement = `
SELECT
  ARRAY(
    SELECT id FROM (
      (SELECT id FROM intent
        WHERE id > $1::uuid AND id < $2::uuid AND NOT EXISTS (SELECT FROM issuance_search WHERE record_id = intent.id)
        ORDER BY id LIMIT $3::int)
      UNION ALL
      (SELECT id FROM refusal
        WHERE id > $1::uuid AND id < $2::uuid AND NOT EXISTS (SELECT FROM issuance_search WHERE record_id = refusal.id)
        ORDER BY id LIMIT $3::int)
    ) AS record ORDER BY id LIMIT $3::int
  )::text[] AS "newIds",
  EXISTS (SELECT FROM search_change) OR EXISTS (SELECT FROM search_pending WHERE ${isClosed}) AS "hasChanges"`

const takeStatement = `
WITH changed AS (
  DELETE FROM search_change WHERE id IN (SELECT id FROM search_change ORDER BY id LIMIT $1::int)
  RETURNING record_id
), closed AS (
  DELETE FROM search_pending WHERE record_id IN (
    SELECT record_id FROM search_pending WHERE ${isClosed} LIMIT $1::int
  )
  RETURNING record_id
)
SELECT ARRAY(SELECT record_id FROM changed UNION SELECT record_id FROM closed)::text[] AS ids,
  greatest((SELECT count(*) FROM changed), (SELECT count(*) FROM closed)) >= $1::int AS "isFull"`

const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

export function createFillStore({ prisma }: Database): FillStore {
  return {
    async readProgress() {
      const [row] = await runQuery(
        () => prisma.$queryRaw<FillProgress[]>`
          SELECT position::text AS position, filled_at AS "filledAt", rebuild_since AS "rebuildSince",
            clock_timestamp() AS "databaseTime"
          FROM search_progress`
      )
      return row!
    },
    async look({ after, before = lastId }, limit) {
      const [row] = await runQuery(() =>
        prisma.$queryRawUnsafe<FillWork[]>(lookStatement, after, before, limit)
      )
      return row!
    },
    alone: (from, fill) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const [row] = await transaction.$queryRaw<{ position: string }[]>`
            SELECT position::text AS position FROM search_progress FOR UPDATE`
          return row!.position >= from ? fill(transaction) : undefined
        }, transactionLimits)
      ),
    async noteFilled(from) {
      await runQuery(
        () => prisma.$executeRaw`
          UPDATE search_progress SET filled_at = clock_timestamp(), rebuild_since = NULL
          WHERE position >= ${from}::uuid`
      )
    }
  }
}

/** Takes up to `limit` changes; what they say is read after that, so that it is what they tell of or newer. */
export async function takeChanges(
  transaction: Prisma.TransactionClient,
  limit: number
): Promise<TakenChanges> {
  const [row] = await transaction.$queryRawUnsafe<{ ids: string[]; isFull: boolean }[]>(takeStatement, limit)
  const { ids, isFull } = row!
  if (ids.length === 0) return { changed: [], unfilledIds: [], isFull }
  const changed = await transaction.$queryRaw<ChangedRecord[]>`
    SELECT record_id::text AS "recordId", facet_id AS "facetId", value_ids AS "valueIds", state
    FROM issuance_search JOIN search_facet ON search_facet.id = facet_id
    WHERE record_id = ANY(${ids}::uuid[])`
  const filled = new Set(changed.map(({ recordId }) => recordId))
  return { changed, unfilledIds: ids.filter(id => !filled.has(id)), isFull }
}

/** Of these, those that are not filled in, by whoever filled since they were looked for. */
export async function keepNew(
  transaction: Prisma.TransactionClient,
  ids: readonly string[]
): Promise<readonly string[]> {
  if (ids.length === 0) return []
  const rows = await transaction.$queryRaw<{ id: string }[]>`
    SELECT id::text AS id FROM unnest(${[...ids]}::uuid[]) AS id
    WHERE NOT EXISTS (SELECT FROM issuance_search WHERE record_id = id)`
  return rows.map(({ id }) => id)
}

export function readIntents(
  transaction: Prisma.TransactionClient,
  ids: readonly string[]
): Promise<readonly SearchedIntent[]> {
  return transaction.$queryRaw<SearchedIntent[]>`
    SELECT intent.id::text AS id, intent.created_at AS "createdAt", intent.station, intent.line, intent.site, intent.lot,
      token_id::text AS credential, metadata, tbs_der AS "tbsDer", profile_version.name AS profile, profile_version.version AS "profileVersion",
      authority.name AS authority, issued.intent_id IS NOT NULL AS "isIssued", thing ->> 'thingName' AS "thingName",
      void.intent_id IS NOT NULL AS "isVoid", succession.intent_id IS NOT NULL AS rework,
      coalesce(${Prisma.raw(standingOfStatus)}, supersession.cause) AS fate
    FROM intent
    LEFT JOIN profile_version ON profile_version.id = intent.profile_version_id
    LEFT JOIN authority ON authority.id = intent.authority_id
    LEFT JOIN issued ON issued.intent_id = intent.id
    LEFT JOIN void ON void.intent_id = intent.id
    LEFT JOIN revocation AS supersession ON supersession.intent_id = intent.id AND supersession.cause = 'superseded'
    LEFT JOIN certificate_status AS status ON status.intent_id = intent.id
    LEFT JOIN succession ON succession.intent_id = intent.id
    WHERE intent.id = ANY(${[...ids]}::uuid[])`
}

export function readRefusals(
  transaction: Prisma.TransactionClient,
  ids: readonly string[]
): Promise<readonly SearchedRefusal[]> {
  return transaction.$queryRaw<SearchedRefusal[]>`
    SELECT refusal.id::text AS id, created_at AS "createdAt", station, line, site, lot.id AS lot,
      CASE WHEN lot.id IS NULL THEN refusal.lot END AS "absentLot", token_id::text AS credential, metadata, csr,
      station_subject AS "stationSubject", code, profile.name AS profile,
      CASE WHEN profile.name IS NULL THEN profile_name END AS "absentProfile", profile_version AS "profileVersion",
      authority_name AS authority
    FROM refusal
    LEFT JOIN LATERAL (SELECT id FROM lot WHERE lot.id = refusal.lot) AS lot ON true
    LEFT JOIN LATERAL (SELECT name FROM profile_version WHERE name = profile_name LIMIT 1) AS profile ON true
    WHERE refusal.id = ANY(${[...ids]}::uuid[])`
}
