import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { ClaimedPush } from './push.ts'

export interface Claim {
  /** Who takes them. */
  readonly run: string
  readonly limit: number
  readonly leaseMs: number
  /** Whether what is only to be looked at again comes before what AWS is still to be told of. */
  readonly isForLooks?: boolean | undefined
}

/**
 * Of a row: nobody has it. No lease is as long as what a clock that was ahead has written, so that holds nothing back. The
 * interval is a second longer than a lease, for the column is rounded.
 */
export const isUnclaimed = `(claimed_until IS NULL
  OR claimed_until NOT BETWEEN clock_timestamp() AND clock_timestamp() + interval '91 seconds')`

const isFree = Prisma.sql`due_at <= clock_timestamp() AND ${Prisma.raw(isUnclaimed)}`

/**
 * What the acts have come to is read after the rows are claimed, and with the act of each in one statement: an act that was
 * under way meanwhile is either in both or in neither, and then the row waits again when it is settled.
 */
export async function claimPushes(
  prisma: Database['prisma'],
  registrationIds: readonly string[],
  claim: Claim
): Promise<readonly ClaimedPush[]> {
  const claimed = await runQuery(() =>
    prisma.$queryRaw<{ id: string; isDoubtful: boolean }[]>(claimStatement(registrationIds, claim))
  )
  if (claimed.length === 0) return []
  return runQuery(() => prisma.$queryRaw<ClaimedPush[]>(readStatement(claimed, claim.run)))
}

/** A row that an act under way has locked is left for the next claim. */
function claimStatement(
  registrationIds: readonly string[],
  { run, limit, leaseMs, isForLooks = false }: Claim
): Prisma.Sql {
  return Prisma.sql`
    WITH chosen AS MATERIALIZED (
      SELECT due.id, row_number() OVER (ORDER BY (due.rank = 2) = ${isForLooks} DESC, due.rank, due.due_at) AS place
      FROM unnest(${[...registrationIds]}::uuid[]) AS registration(id)
      CROSS JOIN LATERAL (
        (
          SELECT id, due_at, (order_id IS NOT NULL)::integer AS rank FROM aws_push
          WHERE registration_id = registration.id AND state = 'waiting' AND ${isFree}
          ORDER BY (order_id IS NOT NULL), due_at LIMIT ${limit}
        )
        UNION ALL (
          SELECT id, due_at, 2 FROM aws_push
          WHERE registration_id = registration.id AND state <> 'waiting' AND due_at IS NOT NULL AND ${isFree}
          ORDER BY due_at LIMIT ${limit}
        )
      ) AS due
      ORDER BY place LIMIT ${limit}
    ), locked AS MATERIALIZED (
      SELECT aws_push.id, aws_push.claimed_by IS NOT NULL AS is_doubtful, chosen.place
      FROM aws_push JOIN chosen ON chosen.id = aws_push.id
      -- Another process may have been faster.
      WHERE ${isFree}
      FOR UPDATE OF aws_push SKIP LOCKED
    ), claimed AS (
      UPDATE aws_push SET claimed_by = ${run}::uuid,
        claimed_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::float8)
      FROM locked WHERE aws_push.id = locked.id
      RETURNING aws_push.id, locked.is_doubtful, locked.place
    )
    SELECT id::text, is_doubtful AS "isDoubtful" FROM claimed ORDER BY place`
}

function readStatement(
  claimed: readonly { readonly id: string; readonly isDoubtful: boolean }[],
  run: string
): Prisma.Sql {
  return Prisma.sql`
    SELECT push.id::text, push.intent_id::text AS "intentId", push.registration_id::text AS "registrationId",
      encode(push.certificate_id, 'hex') AS "certificateId", push.act_id::text AS "actId", push.state,
      status.state AS standing,
      coalesce(newest_document(push.profile_version_id) ->> 'revokedAtAws', 'revoke') AS policy,
      push.observed, push.status_before AS "statusBefore", push.things, push.tries,
      push.asked_at AS "askedAt", push.pushed_at AS "pushedAt",
      push.not_after AS "notAfter", issued.certificate_der AS "certificateDer", claimed.is_doubtful AS "isDoubtful"
    FROM unnest(${claimed.map(({ id }) => id)}::text[]::bigint[], ${claimed.map(({ isDoubtful }) => isDoubtful)}::boolean[])
      WITH ORDINALITY AS claimed(id, is_doubtful, place)
    JOIN aws_push AS push ON push.id = claimed.id AND push.claimed_by = ${run}::uuid
    JOIN certificate_status AS status ON status.intent_id = push.intent_id
    LEFT JOIN issued ON push.not_after IS NULL AND issued.intent_id = push.intent_id
    ORDER BY claimed.place`
}
