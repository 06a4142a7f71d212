import type { Database } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { readPage } from '../../../sources/page.ts'
import { pushStates } from '../push.ts'
import {
  countedMost,
  namedMost,
  type Push,
  type PushCounts,
  type Pushes,
  type PushFacts,
  type PushQuery
} from './pushes.ts'
import { describeStanding } from './standing.ts'

/** @param search reads with: that must not hold up the issuance path. */
export function createPushes({ prisma }: Database): Pushes {
  const measure = (most: number) => runQuery(() => prisma.$queryRaw<PushFacts[]>(factsStatement(most)))
  return {
    list: query => readPage(query, wanted => runQuery(() => prisma.$queryRaw<Push[]>(listStatement(wanted)))),
    async countOf(revocation) {
      const rows = await runQuery(
        () => prisma.$queryRaw<{ state: string; count: number }[]>`
          SELECT state, count(*)::integer AS count FROM aws_push WHERE order_id = ${revocation}::uuid GROUP BY state`
      )
      const counts = pushStates.map(state => [state, rows.find(row => row.state === state)?.count ?? 0])
      return Object.fromEntries(counts) as PushCounts
    },
    listOf: issuance => runQuery(() => prisma.$queryRaw<Push[]>(listStatement({ issuance, limit: 1_000 }))),
    // It is asked every few seconds, by many.
    examine: async () => describeStanding(await measure(namedMost)),
    measure: () => measure(countedMost)
  }
}

const pushColumns = Prisma.sql`
  push.id::text, push.intent_id::text AS "issuanceId", encode(push.certificate_id, 'hex') AS "certificateId",
  authority.name AS authority, registration.id::text AS "registrationId",
  registration.account_alias AS "accountAlias", registration.region, push.order_id::text AS revocation,
  push.asked_at AS "askedAt", push.state, push.wanted, push.observed, push.things, push.tries, push.drifts,
  push.pushed_at AS "pushedAt", push.checked_at AS "checkedAt", push.due_at AS "dueAt", push.last_error AS "lastError"`

/** Each way is a walk along an index, to its end where a page is full: of the record, the order, or each registration. */
function listStatement(query: PushQuery): Prisma.Sql {
  const { state, authority, region, accountAlias, issuance, revocation, cursor, limit } = query
  const states = state === undefined ? pushStates : [state]
  const before = cursor === undefined ? Prisma.empty : Prisma.sql`AND id < ${cursor}::bigint`
  const conditions = [
    Prisma.sql`state = wanted.state`,
    Prisma.sql`registration_id = registration.id`,
    ...(issuance === undefined ? [] : [Prisma.sql`intent_id = ${issuance}::uuid`]),
    ...(revocation === undefined ? [] : [Prisma.sql`order_id = ${revocation}::uuid`])
  ]
  const places = [
    Prisma.sql`true`,
    ...(authority === undefined ? [] : [Prisma.sql`authority.name = ${authority}`]),
    ...(region === undefined ? [] : [Prisma.sql`registration.region = ${region}`]),
    ...(accountAlias === undefined ? [] : [Prisma.sql`registration.account_alias = ${accountAlias}`])
  ]
  return Prisma.sql`
    SELECT ${pushColumns}
    FROM aws_registration AS registration
    JOIN authority ON authority.id = registration.authority_id
    CROSS JOIN unnest(${[...states]}::text[]) AS wanted(state)
    CROSS JOIN LATERAL (
      SELECT * FROM aws_push WHERE ${Prisma.join(conditions, ' AND ')} ${before} ORDER BY id DESC LIMIT ${limit}
    ) AS push
    WHERE ${Prisma.join(places, ' AND ')}
    ORDER BY push.id DESC LIMIT ${limit}`
}

const countOf = (state: string, most: number) => Prisma.sql`(
  SELECT count(*)::integer FROM (
    SELECT FROM aws_push WHERE registration_id = registration.id AND state = ${state} LIMIT ${most}
  ) AS counted
)`

const secondsSince = (time: Prisma.Sql) =>
  Prisma.sql`greatest(0, extract(epoch FROM clock_timestamp() - ${time}))::float8`

const factsStatement = (most: number) => Prisma.sql`
  SELECT authority.name AS authority, registration.account_alias AS "accountAlias", registration.region,
    ${countOf('waiting', most)} AS waiting, ${countOf('unseen', most)} AS unseen,
    ${countOf('refused', most)} AS refused,
    coalesce(${secondsSince(Prisma.sql`(
      SELECT asked_at FROM aws_push
      WHERE registration_id = registration.id AND state = 'waiting' ORDER BY asked_at LIMIT 1
    )`)}, 0) AS "waitingSeconds",
    ${secondsSince(Prisma.sql`state.worked_at`)} AS "restedSeconds",
    coalesce(${secondsSince(Prisma.sql`least(
      (SELECT due_at FROM aws_push WHERE registration_id = registration.id AND state = 'waiting'
        AND (order_id IS NOT NULL) = false ORDER BY due_at LIMIT 1),
      (SELECT due_at FROM aws_push WHERE registration_id = registration.id AND state = 'waiting'
        AND (order_id IS NOT NULL) = true ORDER BY due_at LIMIT 1)
    )`)}, 0) AS "overdueSeconds",
    coalesce(state.pushed, 0)::float8 AS pushed, coalesce(state.drifts, 0)::float8 AS drifts,
    coalesce(state.left_out, 0) AS "leftOut",
    ${secondsSince(Prisma.sql`state.failed_since`)} AS "failingSeconds", state.last_error AS "lastError"
  FROM aws_registration AS registration
  JOIN authority ON authority.id = registration.authority_id
  LEFT JOIN aws_push_state AS state ON state.registration_id = registration.id
  ORDER BY registration.id`
