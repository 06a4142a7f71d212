import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { ClaimedPush, PushError, Settlement } from './push.ts'

interface KeptSettlement {
  /** Who took it. */
  readonly run: string
  readonly settlement: Settlement
  readonly event?: AuditEvent | undefined
}

interface KeptFailure {
  readonly run: string
  readonly pauseMs: number
  readonly error: PushError
}

export interface PushStore {
  /**
   * Takes some that are due, for `leaseMs` by the database's clock: those that wait first, and of those what was revoked by itself
   * before what is of an order for many.
   *
   * @param run who takes them.
   */
  claim(
    registrationIds: readonly string[],
    claim: { readonly run: string; readonly limit: number; readonly leaseMs: number }
  ): Promise<readonly ClaimedPush[]>
  /** What a hold takes the certificate out of. */
  noteBefore(push: ClaimedPush, status: string): Promise<void>
  /** That it is at AWS and out of use, and the things that it is about to be taken from. */
  noteThings(push: ClaimedPush, things: readonly string[]): Promise<void>
  /** Whether its device has another certificate in effect, or that is not known since its month is detached. */
  hasOther(push: ClaimedPush): Promise<boolean>
  /**
   * Keeps what became of it, unless another has taken it up since. Where an act has come meanwhile, it waits again; where it
   * drifted, `event` is kept with it.
   */
  settle(push: ClaimedPush, kept: KeptSettlement): Promise<void>
  /** Gives back what was not begun. */
  release(pushes: readonly ClaimedPush[], run: string): Promise<void>
  /** Keeps why it could not be done. Whether AWS was told is not known. */
  postpone(push: ClaimedPush, kept: KeptFailure): Promise<void>
}

export function createPushStore({ prisma }: Database): PushStore {
  return {
    claim: (registrationIds, claim) =>
      runQuery(() => prisma.$queryRaw<ClaimedPush[]>(claimStatement(registrationIds, claim))),
    async noteBefore({ id }, status) {
      await runQuery(
        () => prisma.$executeRaw`UPDATE aws_push SET status_before = ${status} WHERE id = ${id}::bigint`
      )
    },
    async noteThings({ id }, things) {
      await runQuery(
        () =>
          prisma.$executeRaw`UPDATE aws_push SET things = ${[...things]}::text[], observed = 'INACTIVE' WHERE id = ${id}::bigint`
      )
    },
    async hasOther({ intentId }) {
      const others = await runQuery(
        () => prisma.$queryRaw<{ others: number }[]>`
          SELECT (SELECT count(*) FROM in_effect(intent.device_sha256, NULL) AS id WHERE id <> intent.id)::integer AS others
          FROM intent WHERE intent.id = ${intentId}::uuid`
      )
      return others[0]?.others !== 0
    },
    settle: (push, { run, settlement, event }) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const settled = await transaction.$executeRaw(settleStatement(push, run, settlement))
          if (settled > 0 && event !== undefined) await insertAuditEvent(transaction, event)
        }, transactionLimits)
      ),
    async release(pushes, run) {
      const ids = pushes.map(({ id }) => id)
      await runQuery(
        () => prisma.$executeRaw`
          UPDATE aws_push SET claimed_by = NULL, claimed_until = NULL
          WHERE id = ANY(${ids}::text[]::bigint[]) AND claimed_by = ${run}::uuid`
      )
    },
    async postpone({ id }, { run, pauseMs, error }) {
      await runQuery(
        // The claim stays, and is over: who takes it up looks at AWS first.
        () => prisma.$executeRaw`
          UPDATE aws_push SET claimed_until = clock_timestamp(), tries = tries + 1, last_error = ${JSON.stringify(error)}::jsonb,
            due_at = clock_timestamp() + make_interval(secs => ${pauseMs / 1_000}::float8)
          WHERE id = ${id}::bigint AND claimed_by = ${run}::uuid`
      )
    }
  }
}

const isFree = Prisma.sql`due_at <= clock_timestamp() AND (claimed_until IS NULL OR claimed_until < clock_timestamp())`

function claimStatement(
  registrationIds: readonly string[],
  { run, limit, leaseMs }: { readonly run: string; readonly limit: number; readonly leaseMs: number }
): Prisma.Sql {
  return Prisma.sql`
    WITH chosen AS MATERIALIZED (
      SELECT due.id, due.claimed_by IS NOT NULL AS is_doubtful
      FROM unnest(${[...registrationIds]}::uuid[]) AS registration(id)
      CROSS JOIN LATERAL (
        (
          SELECT id, claimed_by, due_at, (order_id IS NOT NULL)::integer AS rank FROM aws_push
          WHERE registration_id = registration.id AND state = 'waiting' AND ${isFree}
          ORDER BY (order_id IS NOT NULL), due_at LIMIT ${limit}
        )
        UNION ALL (
          SELECT id, claimed_by, due_at, 2 FROM aws_push
          WHERE registration_id = registration.id AND state <> 'waiting' AND due_at IS NOT NULL AND ${isFree}
          ORDER BY due_at LIMIT ${limit}
        )
      ) AS due
      ORDER BY due.rank, due.due_at LIMIT ${limit}
    ), claimed AS (
      UPDATE aws_push SET claimed_by = ${run}::uuid,
        claimed_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::float8)
      FROM chosen
      -- Another process may have been faster.
      WHERE aws_push.id = chosen.id AND ${isFree}
      RETURNING aws_push.*, chosen.is_doubtful
    )
    SELECT claimed.id::text, claimed.intent_id::text AS "intentId", claimed.registration_id::text AS "registrationId",
      encode(claimed.certificate_id, 'hex') AS "certificateId", claimed.act_id::text AS "actId", claimed.state,
      status.state AS standing,
      coalesce(newest_document(claimed.profile_version_id) ->> 'revokedAtAws', 'revoke') AS policy,
      claimed.observed, claimed.status_before AS "statusBefore", claimed.things, claimed.tries,
      claimed.not_after AS "notAfter", issued.certificate_der AS "certificateDer", claimed.is_doubtful AS "isDoubtful"
    FROM claimed
    JOIN certificate_status AS status ON status.intent_id = claimed.intent_id
    LEFT JOIN issued ON claimed.not_after IS NULL AND issued.intent_id = claimed.intent_id`
}

function settleStatement({ id, actId }: ClaimedPush, run: string, settlement: Settlement): Prisma.Sql {
  const { state, pauseMs, isPushed, isDrift, lastError, things } = settlement
  const pushed = isPushed ? 1 : 0
  const drifts = isDrift ? 1 : 0
  const dueAt =
    pauseMs === null
      ? Prisma.sql`NULL`
      : Prisma.sql`clock_timestamp() + make_interval(secs => ${pauseMs / 1_000}::float8)`
  const isCurrent = Prisma.sql`act_id = ${actId}::uuid`
  return Prisma.sql`
    WITH settled AS (
      UPDATE aws_push SET
        state = CASE WHEN ${isCurrent} THEN ${state} ELSE 'waiting' END,
        due_at = CASE WHEN ${isCurrent} THEN ${dueAt} ELSE clock_timestamp() END,
        tries = CASE WHEN ${isCurrent} THEN ${settlement.tries}::integer ELSE 0 END,
        wanted = ${settlement.wanted}, observed = ${settlement.observed},
        status_before = CASE WHEN ${settlement.isRestored} THEN NULL ELSE status_before END,
        things = ${[...things]}::text[], not_after = ${settlement.notAfter}::timestamptz,
        last_error = ${lastError === null ? null : JSON.stringify(lastError)}::jsonb,
        checked_at = clock_timestamp(), drifts = drifts + ${drifts}::integer,
        pushed_at = CASE WHEN ${isPushed} THEN clock_timestamp() ELSE pushed_at END,
        claimed_by = NULL, claimed_until = NULL
      WHERE id = ${id}::bigint AND claimed_by = ${run}::uuid
      RETURNING registration_id
    )
    UPDATE aws_push_state SET pushed = pushed + ${pushed}::integer, drifts = drifts + ${drifts}::integer,
      worked_at = clock_timestamp()
    FROM settled WHERE aws_push_state.registration_id = settled.registration_id`
}
