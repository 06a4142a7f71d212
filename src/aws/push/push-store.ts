import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import { type Claim, claimPushes } from './claim-store.ts'
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
   * Takes some that are due, for `leaseMs` by the database's clock, at most 90 s: those that wait first, and of those what was
   * revoked by itself before what is of an order for many.
   */
  claim(registrationIds: readonly string[], claim: Claim): Promise<readonly ClaimedPush[]>
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
  /** Gives back what was not begun. Where AWS may have been told by somebody before, that stays known. */
  release(pushes: readonly ClaimedPush[], run: string): Promise<void>
  /** Keeps why it could not be done. Whether AWS was told is not known. Where an act has come meanwhile, it is due at once. */
  postpone(push: ClaimedPush, kept: KeptFailure): Promise<void>
}

export function createPushStore({ prisma }: Database): PushStore {
  return {
    claim: (registrationIds, claim) => claimPushes(prisma, registrationIds, claim),
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
    hasOther: ({ intentId }) => runQuery(() => hasOther(prisma, intentId)),
    settle: (push, { run, settlement, event }) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const settled = await transaction.$executeRaw(settleStatement(push, run, settlement))
          if (settled > 0 && event !== undefined) await insertAuditEvent(transaction, event)
        }, transactionLimits)
      ),
    async release(pushes, run) {
      const ids = pushes.map(({ id }) => id)
      const doubtful = pushes.filter(({ isDoubtful }) => isDoubtful).map(({ id }) => id)
      const isDoubtful = Prisma.sql`id = ANY(${doubtful}::text[]::bigint[])`
      await runQuery(
        () => prisma.$executeRaw`
          UPDATE aws_push SET claimed_by = CASE WHEN ${isDoubtful} THEN claimed_by END,
            claimed_until = CASE WHEN ${isDoubtful} THEN clock_timestamp() END
          WHERE id = ANY(${ids}::text[]::bigint[]) AND claimed_by = ${run}::uuid`
      )
    },
    async postpone({ id, actId }, { run, pauseMs, error }) {
      const isCurrent = Prisma.sql`act_id = ${actId}::uuid`
      const pause = Prisma.sql`make_interval(secs => ${pauseMs / 1_000}::float8)`
      await runQuery(
        // The claim stays, and is over: who takes it up looks at AWS first.
        () => prisma.$executeRaw`
          UPDATE aws_push SET claimed_until = clock_timestamp(), last_error = ${JSON.stringify(error)}::jsonb,
            tries = CASE WHEN ${isCurrent} THEN tries + 1 ELSE 0 END,
            due_at = clock_timestamp() + CASE WHEN ${isCurrent} THEN ${pause} ELSE interval '0' END
          WHERE id = ${id}::bigint AND claimed_by = ${run}::uuid`
      )
    }
  }
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
  // What was noted on the way stays.
  const observed =
    settlement.observed === undefined ? Prisma.sql`observed` : Prisma.sql`${settlement.observed}`
  const kept = things === undefined ? Prisma.sql`things` : Prisma.sql`${[...things]}::text[]`
  return Prisma.sql`
    WITH settled AS (
      UPDATE aws_push SET
        state = CASE WHEN ${isCurrent} THEN ${state} ELSE 'waiting' END,
        due_at = CASE WHEN ${isCurrent} THEN ${dueAt} ELSE clock_timestamp() END,
        tries = CASE WHEN ${isCurrent} THEN ${settlement.tries}::integer ELSE 0 END,
        wanted = ${settlement.wanted}, observed = ${observed},
        status_before = CASE WHEN ${settlement.isRestored} THEN NULL ELSE status_before END,
        things = ${kept}, not_after = ${settlement.notAfter}::timestamptz,
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

/** Whether a certificate's device has another one in effect, or that is not known since its month is detached. */
export async function hasOther(prisma: Database['prisma'], intentId: string): Promise<boolean> {
  const rows = await prisma.$queryRaw<{ others: number }[]>`
    SELECT (SELECT count(*) FROM in_effect(intent.device_sha256, NULL) AS id WHERE id <> intent.id)::integer AS others
    FROM intent WHERE intent.id = ${intentId}::uuid`
  return rows[0]?.others !== 0
}
