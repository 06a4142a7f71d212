import { Prisma } from '../../database/generated/client.ts'
import type { PushStand } from '../record.ts'
import type { Ask } from '../search/finding/search-session-store.ts'

export type PushesById = ReadonlyMap<string, readonly PushStand[]>

/** What AWS IoT is told of these, by account and region. Those of which it is told nothing are left out. */
export async function listPushes(ask: Ask, intentIds: readonly string[]): Promise<PushesById> {
  if (intentIds.length === 0) return new Map()
  const rows = await ask<PushStand & { readonly id: string }>(Prisma.sql`
    SELECT intent_id::text AS id, region, nullif(account_alias, '') AS "accountAlias", push.state, observed,
      pushed_at AS "pushedAt", checked_at AS "checkedAt", last_error AS "lastError"
    FROM aws_push AS push JOIN aws_registration AS registration ON registration.id = registration_id
    WHERE intent_id = ANY(${[...intentIds]}::uuid[]) ORDER BY region, account_alias`)
  const stands = Map.groupBy(rows, ({ id }) => id)
  return new Map([...stands].map(([id, found]) => [id, found.map(({ id: _, ...stand }) => stand)]))
}
