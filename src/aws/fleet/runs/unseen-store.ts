import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { parseCertificate } from '../../../pki/certificate/certificate.ts'
import { onConflict, timeText } from '../walk/finding-store.ts'
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
      runQuery(() => prisma.$transaction(each => step(each, walk, limit), transactionLimits))
  }
}

async function step(transaction: Prisma.TransactionClient, walk: Walk, limit: number): Promise<void> {
  const rows = await transaction.$queryRaw<{ last: string; now: Date }[]>`
    SELECT id::text AS last, clock_timestamp() AS now FROM (
      SELECT id FROM intent
      WHERE authority_id = ${walk.authorityId}::uuid AND id > ${positionOf(walk)} AND id < ${beginOf(walk)}
      ORDER BY id LIMIT ${limit}
    ) AS looked ORDER BY id DESC LIMIT 1`
  const [found] = rows
  const to =
    found === undefined
      ? ({ phase: 'closing', position: null } as const)
      : ({ phase: 'unseen', position: Buffer.from(found.last.replaceAll('-', ''), 'hex') } as const)
  const isFirst = (await transaction.$executeRaw(advanceStatement(walk, to))) > 0
  if (!isFirst || found === undefined) return
  const candidates = await transaction.$queryRaw<Candidate[]>(candidatesStatement(walk, found.last))
  const inEffect = candidates.filter(candidate => !hasExpired(candidate, found.now))
  await transaction.$executeRaw(unseenStatement(walk, inEffect))
  await forget(transaction, walk, { candidates, inEffect })
}

const first = '00000000000000000000000000000000'

function positionOf({ position }: Walk): Prisma.Sql {
  return Prisma.sql`${position === null ? first : Buffer.from(position).toString('hex')}::uuid`
}

/** What was asked for since the look began may have come to AWS after it was listed. */
function beginOf({ reconciliationId }: Walk): Prisma.Sql {
  return Prisma.sql`first_id_of((
    SELECT begun_at FROM fleet_reconciliation WHERE id = ${reconciliationId}::uuid
  ) AT TIME ZONE 'UTC')`
}

/** What was asked for since then has its time to come. */
function dueBefore({ neverSeenDays }: Walk): Prisma.Sql {
  return Prisma.sql`first_id_of((clock_timestamp() - make_interval(days => ${neverSeenDays}::integer)) AT TIME ZONE 'UTC')`
}

interface Candidate {
  readonly intentId: string
  readonly certificateDer: Uint8Array
}

/** The database does not know when a certificate ends. One that cannot be read is told rather than passed over. */
function hasExpired({ certificateDer }: Candidate, now: Date): boolean {
  try {
    return parseCertificate(certificateDer).notAfter < now
  } catch {
    return false
  }
}

/**
 * What no place had at this look, and is to be told if it has not expired: what was there at an earlier look, or is due to have come.
 * What has ended, or another certificate of the device stands for, need not come.
 */
function candidatesStatement(walk: Walk, last: string): Prisma.Sql {
  return Prisma.sql`
    SELECT issued.intent_id::text AS "intentId", issued.certificate_der AS "certificateDer"
    FROM intent JOIN issued ON issued.intent_id = intent.id
    LEFT JOIN certificate_status AS standing ON standing.intent_id = intent.id
    CROSS JOIN LATERAL (
      SELECT count(*) AS places, coalesce(bool_or(seen_by = ${walk.reconciliationId}::uuid), false) AS "isThere"
      FROM fleet_certificate WHERE fleet_certificate.intent_id = intent.id
    ) AS seen
    WHERE intent.authority_id = ${walk.authorityId}::uuid
      AND intent.id > ${positionOf(walk)} AND intent.id <= ${last}::uuid
      AND coalesce(standing.state, 'good') IN ('good', 'removed') AND standing.ends_at IS NULL
      AND NOT seen."isThere" AND (seen.places > 0 OR intent.id < ${dueBefore(walk)})`
}

function unseenStatement(walk: Walk, inEffect: readonly Candidate[]): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO fleet_finding AS earlier
      (kind, authority_id, registration_id, place_id, key, intent_id, details, is_alarm, found_at, confirmed_at, confirmed_by)
    SELECT CASE WHEN seen.details IS NULL THEN 'issued-never-seen' ELSE 'seen-and-gone' END, ${walk.authorityId}::uuid, NULL,
      ${walk.authorityId}::uuid, issued.certificate_id, issued.intent_id,
      jsonb_build_object('issuedAt', ${timeText(Prisma.sql`issued.issued_at`)}) || coalesce(seen.details, '{}'), false, clock_timestamp(), clock_timestamp(),
      ${walk.reconciliationId}::uuid
    FROM issued LEFT JOIN LATERAL (
      SELECT jsonb_strip_nulls(jsonb_build_object(
        'status', status, 'registeredAt', ${timeText(Prisma.sql`registered_at`)},
        'connectedAt', ${timeText(Prisma.sql`connected_at`)}, 'lastSeenAt', ${timeText(Prisma.sql`seen_at`)},
        'lastRegion', region, 'lastAccountAlias', nullif(account_alias, '')
      )) AS details
      FROM fleet_certificate JOIN aws_registration AS registration ON registration.id = registration_id
      WHERE fleet_certificate.intent_id = issued.intent_id
      ORDER BY seen_at DESC LIMIT 1
    ) AS seen ON true
    WHERE issued.intent_id = ANY(${inEffect.map(({ intentId }) => intentId)}::text[]::uuid[])
    ORDER BY issued.certificate_id
    ${onConflict}`
}

/** Of what has expired it is not to be known any more where it was. */
async function forget(
  transaction: Prisma.TransactionClient,
  { reconciliationId }: Walk,
  { candidates, inEffect }: Readonly<Record<'candidates' | 'inEffect', readonly Candidate[]>>
): Promise<void> {
  const kept = new Set(inEffect)
  const expired = candidates.flatMap(each => (kept.has(each) ? [] : [each.intentId]))
  if (expired.length === 0) return
  await transaction.$executeRaw`
    DELETE FROM fleet_certificate
    WHERE intent_id = ANY(${expired}::text[]::uuid[]) AND seen_by <> ${reconciliationId}::uuid`
}
