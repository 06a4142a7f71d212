import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import type { ErrorCode } from '../../errors/mintline-error.ts'
import { searchBounded } from '../counts/bounded-search-store.ts'
import type { CountScope } from '../counts/count.ts'
import { countedUpTo, type ProgressRow, selectProgress } from '../counts/progress-store.ts'
import { countedRows, inTime, onFacet } from '../counts/scope-store.ts'
import { searchTooBroad } from '../counts/too-broad.ts'
import type { Outcome } from '../record.ts'

/** Records of a station that came to the same. */
export interface OutcomeRow {
  readonly station: string
  readonly outcome: Outcome
  /** Of refusals. */
  readonly code: ErrorCode | null
  readonly count: number
  readonly reworked: number
  readonly firstAt: Date
  readonly lastAt: Date
}

export interface UnrecordedRow {
  readonly station: string
  readonly code: ErrorCode
  readonly count: number
}

interface ScrapRow {
  readonly station: string
  readonly count: number
}

export interface ReportRows {
  readonly outcomes: readonly OutcomeRow[]
  readonly unrecorded: readonly UnrecordedRow[]
  readonly scraps: readonly ScrapRow[]
  readonly countedUpTo: Date | undefined
}

export interface ReportStore {
  /** All of the same moment. @throws MintlineError `search_too_broad`. */
  read(scope: CountScope): Promise<ReportRows>
}

/** Stations and reasons that one report has; a site has some dozens. */
const mostRows = 10_000

/** @param search for what people look up, which must not hold up the issuance path. */
export function createReportStore(search: Database): ReportStore {
  return {
    async read(scope) {
      const [outcomes, unrecorded, scraps, progress] = (await searchBounded(search, [
        outcomesOf(scope),
        unrecordedOf(scope),
        scrapsOf(scope),
        selectProgress
      ])) as [OutcomeRow[], UnrecordedRow[], ScrapRow[], ProgressRow[]]
      if (Math.max(outcomes.length, unrecorded.length, scraps.length) > mostRows)
        throw searchTooBroad(
          `There are more than ${mostRows} stations and reasons.`,
          'Count with GET /v1/issuances/summary, or ask for the report of a station.'
        )
      return { outcomes, unrecorded, scraps, countedUpTo: countedUpTo(progress) }
    }
  }
}

const limit = Prisma.raw(`LIMIT ${mostRows + 1}`)

function outcomesOf(scope: CountScope): Prisma.Sql {
  return Prisma.sql`
    SELECT station, outcome, code, sum(count)::float8 AS count,
      coalesce(sum(count) FILTER (WHERE rework), 0)::float8 AS reworked,
      min(first_at) AS "firstAt", max(last_at) AS "lastAt"
    FROM (${countedRows(scope)}) AS counted
    GROUP BY station, outcome, code ${limit}`
}

/** A repeat is of the line and the lot of what it repeats; what repeats nothing is of none. */
function unrecordedOf(scope: CountScope): Prisma.Sql {
  const { station, lines, lot } = scope
  const conditions = [inTime(Prisma.sql`counted.window_start`, scope)]
  if (station !== undefined) conditions.push(Prisma.sql`counted.station = ${station}`)
  if (lot !== undefined) conditions.push(Prisma.sql`refusal.lot = ${lot}`)
  if (lines !== undefined) conditions.push(Prisma.sql`refusal.line = ANY(${[...lines]}::text[])`)
  return Prisma.sql`
    SELECT counted.station, counted.code, sum(counted.count)::float8 AS count
    FROM refusal_count AS counted LEFT JOIN refusal ON refusal.id = counted.refusal_id
    WHERE ${Prisma.join(conditions, ' AND ')}
    GROUP BY counted.station, counted.code ${limit}`
}

function scrapsOf(scope: CountScope): Prisma.Sql {
  return Prisma.sql`
    SELECT facet.station, count(*)::float8 AS count
    FROM revocation AS scrap
    JOIN issuance_search ON issuance_search.record_id = scrap.intent_id
    JOIN search_facet AS facet ON facet.id = issuance_search.facet_id
    WHERE scrap.cause = 'scrap' AND ${inTime(Prisma.sql`scrap.created_at`, scope)} AND ${onFacet(scope)}
    GROUP BY facet.station ${limit}`
}
