import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { ListedPage } from '../../push/control/listing-control.ts'
import type { Walk } from '../walk/walk.ts'
import { advanceStatement } from '../walk/walk-store.ts'

export interface ListingStore {
  /** Keeps a page with the marker of the next one, in one transaction: a crash reads it again, which changes nothing. */
  keepPage(walk: Walk, page: ListedPage): Promise<void>
  /** From the first page on again: AWS takes the marker no more. */
  restart(walk: Walk): Promise<void>
}

export function createListingStore({ prisma }: Database): ListingStore {
  return {
    keepPage: (walk, page) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const phase = page.marker === undefined ? 'judging' : 'listing'
          const arn = page.certificates[0]
          const prefix = arn?.certificateArn.slice(0, -arn.certificateId.length) ?? null
          const more = Prisma.sql`, marker = ${page.marker ?? null}, listed = listed + ${page.certificates.length}::integer,
            arn_prefix = coalesce(arn_prefix, ${prefix})`
          // Who was faster with the page has kept it.
          if ((await transaction.$executeRaw(advanceStatement(walk, { phase, position: null }, more))) === 0)
            return
          await transaction.$executeRaw(keepStatement(walk, page))
        }, transactionLimits)
      ),
    async restart(walk) {
      const more = Prisma.sql`, marker = NULL, listed = 0, restarts = restarts + 1`
      await runQuery(() =>
        prisma.$executeRaw(advanceStatement(walk, { phase: 'listing', position: null }, more))
      )
    }
  }
}

/** What has another status than at the last look is asked for its things anew. */
function keepStatement({ registrationId, reconciliationId }: Walk, { certificates }: ListedPage): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO fleet_certificate AS earlier
      (registration_id, certificate_id, intent_id, status, registered_at, connected_at, seen_at, seen_by)
    SELECT DISTINCT ON (id) ${registrationId}::uuid, decode(id, 'hex'), certified_id.intent_id, status, registered_at,
      CASE WHEN status = 'ACTIVE' THEN clock_timestamp() END, clock_timestamp(), ${reconciliationId}::uuid
    FROM unnest(
      ${certificates.map(({ certificateId }) => certificateId)}::text[],
      ${certificates.map(({ status }) => status)}::text[],
      ${certificates.map(({ registeredAt }) => registeredAt?.toISOString() ?? null)}::timestamptz[]
    ) AS listed(id, status, registered_at)
    LEFT JOIN certified_id ON certified_id.certificate_id = decode(id, 'hex')
    ORDER BY id
    ON CONFLICT (registration_id, certificate_id) DO UPDATE SET
      intent_id = excluded.intent_id, status = excluded.status, registered_at = excluded.registered_at,
      connected_at = coalesce(earlier.connected_at, excluded.connected_at), seen_at = excluded.seen_at,
      seen_by = excluded.seen_by,
      things_at = CASE WHEN earlier.status = excluded.status THEN earlier.things_at END`
}
