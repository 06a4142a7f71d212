import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { onConflict } from '../walk/finding-store.ts'
import type { Walk } from '../walk/walk.ts'
import { advanceStatement } from '../walk/walk-store.ts'

export interface UnseenStore {
  /**
   * Looks at the next of what a CA has issued, and keeps what is in none of the places where it is registered, in one
   * transaction. After the last of them the walk goes on to the next phase.
   */
  step(walk: Walk, limit: number): Promise<void>
}

/** In the order in which they were asked for. What is in a detached month is not looked at. */
export function createUnseenStore({ prisma }: Database): UnseenStore {
  return {
    step: (walk, limit) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const rows = await transaction.$queryRaw<{ last: string }[]>`
            SELECT id::text AS last FROM (
              SELECT id FROM intent
              WHERE authority_id = ${walk.authorityId}::uuid AND id > ${positionOf(walk)} AND id < ${endOf(walk)}
              ORDER BY id LIMIT ${limit}
            ) AS looked ORDER BY id DESC LIMIT 1`
          const last = rows[0]?.last
          const to =
            last === undefined
              ? ({ phase: 'closing', position: null } as const)
              : ({ phase: 'unseen', position: Buffer.from(last.replaceAll('-', ''), 'hex') } as const)
          const isFirst = (await transaction.$executeRaw(advanceStatement(walk, to))) > 0
          if (isFirst && last !== undefined) await transaction.$executeRaw(unseenStatement(walk, last))
        }, transactionLimits)
      )
  }
}

const first = '00000000000000000000000000000000'

function positionOf({ position }: Walk): Prisma.Sql {
  return Prisma.sql`${position === null ? first : Buffer.from(position).toString('hex')}::uuid`
}

/** What was asked for since then has its time to come. */
function endOf({ neverSeenDays }: Walk): Prisma.Sql {
  return Prisma.sql`first_id_of((clock_timestamp() - make_interval(days => ${neverSeenDays}::integer)) AT TIME ZONE 'UTC')`
}

/** What has ended, or another certificate of the device stands for, need not come. */
function unseenStatement(walk: Walk, last: string): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO fleet_finding AS earlier
      (kind, authority_id, registration_id, place_id, key, intent_id, details, is_alarm, found_at, confirmed_at, confirmed_by)
    SELECT 'issued-never-seen', intent.authority_id, NULL, intent.authority_id, issued.certificate_id,
      issued.intent_id, jsonb_build_object('issuedAt', issued.issued_at), false, clock_timestamp(), clock_timestamp(),
      ${walk.reconciliationId}::uuid
    FROM intent JOIN issued ON issued.intent_id = intent.id
    LEFT JOIN certificate_status AS standing ON standing.intent_id = intent.id
    WHERE intent.authority_id = ${walk.authorityId}::uuid
      AND intent.id > ${positionOf(walk)} AND intent.id <= ${last}::uuid
      AND coalesce(standing.state, 'good') IN ('good', 'removed') AND standing.ends_at IS NULL
      AND NOT EXISTS (SELECT FROM fleet_certificate WHERE fleet_certificate.intent_id = intent.id)
    ORDER BY issued.certificate_id
    ${onConflict}`
}
