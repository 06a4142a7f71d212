import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import type { ErrorCode } from '../../errors/mintline-error.ts'
import type { CountScope } from '../counts/count.ts'
import { countedRows, inTime } from '../counts/scope-store.ts'
import type { Outcome } from '../record.ts'
import { allOf, facetConditions } from '../search/finding/conditions-store.ts'
import { type Ask, type Limit, withinLimit } from '../search/finding/search-session-store.ts'
import { assertCounted, countedUpTo } from '../search/progress-store.ts'
import { searchTooBroad } from '../search/too-broad.ts'

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
  /**
   * All of the same moment.
   *
   * @param narrower what to ask for instead where this takes too long.
   * @throws MintlineError `search_too_broad`; `search_behind` while not all of it is counted.
   */
  read(scope: CountScope, narrower: string): Promise<ReportRows>
}

/** Stations and reasons that one report has; a site has some dozens. */
const mostRows = 10_000

/** @param search for what people look up, which must not hold up the issuance path. */
export function createReportStore(search: Database, limit: Pick<Limit, 'limitMs'> = {}): ReportStore {
  return {
    read: (scope, narrower) =>
      withinLimit(search, ask => readRows(ask, scope), { ...limit, narrower, isOneMoment: true })
  }
}

async function readRows(ask: Ask, scope: CountScope): Promise<ReportRows> {
  const outcomes = await ask<OutcomeRow>(outcomesOf(scope))
  const unrecorded = await ask<UnrecordedRow>(unrecordedOf(scope))
  const scraps = await ask<ScrapRow>(scrapsOf(scope))
  if (Math.max(outcomes.length, unrecorded.length, scraps.length) > mostRows)
    throw searchTooBroad(
      `There are more than ${mostRows} stations and reasons.`,
      'Count with GET /v1/issuances/summary, or ask for the report of a station.'
    )
  return { outcomes, unrecorded, scraps, countedUpTo: countedUpTo(await assertCounted(ask, scope.to)) }
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

/**
 * A repeat is of the line and the lot of what it repeats; what repeats nothing is of none. All refusals of a lot are found by
 * their facets: refusals themselves have no index by lot.
 */
function unrecordedOf(scope: CountScope): Prisma.Sql {
  const { station, lines, lot } = scope
  const conditions = [...inTime(Prisma.sql`counted.window_start`, scope)]
  if (station !== undefined) conditions.push(Prisma.sql`counted.station = ${station}`)
  if (lot !== undefined || lines !== undefined)
    conditions.push(...facetConditions({ outcome: 'rejected', lot, lines }))
  return Prisma.sql`
    SELECT counted.station, counted.code, sum(counted.count)::float8 AS count
    FROM refusal_count AS counted
    LEFT JOIN issuance_search AS repeated ON repeated.record_id = counted.refusal_id
    LEFT JOIN search_facet AS f ON f.id = repeated.facet_id
    WHERE ${allOf(conditions)}
    GROUP BY counted.station, counted.code ${limit}`
}

function scrapsOf(scope: CountScope): Prisma.Sql {
  return Prisma.sql`
    SELECT f.station, count(*)::float8 AS count
    FROM revocation AS scrap
    JOIN issuance_search ON issuance_search.record_id = scrap.intent_id
    JOIN search_facet AS f ON f.id = issuance_search.facet_id
    WHERE scrap.cause = 'scrap' AND ${allOf([...inTime(Prisma.sql`scrap.created_at`, scope), ...facetConditions(scope)])}
    GROUP BY f.station ${limit}`
}
