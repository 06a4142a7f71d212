import type { Prisma } from '../../database/database.ts'
import { MintlineError } from '../../errors/mintline-error.ts'

/** An intent that ends as void. */
export interface VoidedIntent {
  readonly id: string
  /** Lower-case hex. */
  readonly serialNumber: string
  readonly authority: string
  readonly profile: string
  readonly station: string
}

/** How the intents of a generation end that nothing can complete any more. */
export interface VoidOrder {
  readonly authorityId: string
  readonly voidedAt: Date
  readonly voidedBy: string
  readonly reason: string
}

/**
 * Declares every open intent of a generation void, so that its device and key are free (the guard `close_void`).
 *
 * In a transaction that holds off the commits of the issuance cycle: none of them is recorded meanwhile. One that an
 * administrator declares void at this moment stays his.
 */
export function voidOpenIntents(
  client: Pick<Prisma.TransactionClient, '$queryRaw'>,
  { authorityId, voidedAt, voidedBy, reason }: VoidOrder
): PromiseLike<readonly VoidedIntent[]> {
  // By the few that are open, one look each, whatever the planner believes of how many there are.
  return client.$queryRaw<VoidedIntent[]>`
    WITH voided AS (
      INSERT INTO void (intent_id, created_at, actor, reason)
      SELECT intent_id, ${voidedAt}::timestamptz, ${voidedBy}, ${reason} FROM open_intent
      WHERE (SELECT authority_id FROM intent WHERE intent.id = open_intent.intent_id) = ${authorityId}::uuid
      ON CONFLICT (intent_id) DO NOTHING
      RETURNING intent_id
    )
    SELECT
      intent.id::text,
      encode(intent.serial_number, 'hex') AS "serialNumber",
      authority.name AS authority,
      coalesce(profile_version.name, '') AS profile,
      intent.station
    FROM voided
    JOIN intent ON intent.id = voided.intent_id
    JOIN authority ON authority.id = intent.authority_id
    LEFT JOIN profile_version ON profile_version.id = intent.profile_version_id`
}

/**
 * @throws MintlineError `intents_open` where the generation has begun what it has not finished; `members.openIntents` says
 * how many.
 */
export async function assertNoneOpen(
  client: Pick<Prisma.TransactionClient, '$queryRaw'>,
  { id, name }: { readonly id: string; readonly name: string }
): Promise<void> {
  const rows = await client.$queryRaw<{ readonly openIntents: number }[]>`
    SELECT count(*)::int AS "openIntents" FROM open_intent
    WHERE (SELECT authority_id FROM intent WHERE intent.id = open_intent.intent_id) = ${id}::uuid`
  const { openIntents } = rows[0]!
  if (openIntents === 0) return
  const those = openIntents === 1 ? '1 issuance of it is' : `${openIntents} issuances of it are`
  throw new MintlineError(
    'intents_open',
    `${name} cannot be retired yet: ${those} begun and without a certificate on record. Let the stations send their CSRs again, which completes them (GET /v1/issuances?outcome=unknown&authority=${name} lists them); or retire it with "abandon": true and a reason: they become void, and their devices and keys are free.`,
    { members: { openIntents } }
  )
}
