import type { Prisma } from '../../../database/generated/client.ts'
import type { FoundFinding } from '../finding.ts'
import type { Walk } from '../walk/walk.ts'

interface Judged {
  readonly found: readonly FoundFinding[]
  /** What AWS listed, as `own`. */
  readonly listed: Prisma.Sql
}

/**
 * Has AWS told now of what it lets in although it is revoked or on hold, and of what it had never seen and has now, whenever their
 * next looks were to be. What is under way elsewhere, or is as nobody wants it any more, is left.
 */
export async function hastenPushes(
  transaction: Prisma.TransactionClient,
  { registrationId }: Walk,
  { found, listed }: Judged
): Promise<void> {
  const letIn = found.flatMap(({ kind, intentId }) =>
    kind === 'revoked-but-active' && intentId !== null ? [intentId] : []
  )
  await transaction.$executeRaw`
    WITH seen AS MATERIALIZED (
      SELECT push.id FROM unnest(${letIn}::text[]::uuid[]) AS let_in(id)
      JOIN aws_push AS push ON push.intent_id = let_in.id AND push.registration_id = ${registrationId}::uuid
      WHERE push.state <> 'over'
      UNION
      SELECT push.id FROM ${listed}
      JOIN aws_push AS push ON push.intent_id = own.intent_id AND push.registration_id = own.registration_id
      WHERE push.state IN ('unseen', 'absent')
    ), hastened AS MATERIALIZED (
      -- An act or a run that has a row has AWS told by itself.
      SELECT id FROM aws_push WHERE id IN (SELECT id FROM seen) AND coalesce(due_at, 'infinity') > clock_timestamp()
      ORDER BY id FOR UPDATE SKIP LOCKED
    )
    UPDATE aws_push SET due_at = clock_timestamp(),
      state = CASE WHEN state = 'absent' THEN 'unseen' ELSE state END
    FROM hastened WHERE aws_push.id = hastened.id`
}
