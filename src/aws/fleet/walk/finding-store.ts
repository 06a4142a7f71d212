import { type AuditEvent, buildAuditEvent, systemAct } from '../../../audit/audit-event.ts'
import { insertAuditEvents } from '../../../audit/audit-store.ts'
import { Prisma } from '../../../database/generated/client.ts'
import type { RandomBytes } from '../../../sources/random-bytes.ts'
import { type FindingKind, type FoundFinding, isAlarm } from '../finding.ts'
import type { Walk } from './walk.ts'

export interface FindingSources {
  readonly now: Date
  readonly randomBytes: RandomBytes
}

/** Of one walk, so many alarms are told one by one; the others are only listed. */
const mostTold = 1_000

/**
 * Keeps what was found, and tells of each alarm that is new. What was found at an earlier look is confirmed.
 *
 * @returns how many alarms were told.
 */
export async function putFindings(
  transaction: Prisma.TransactionClient,
  walk: Walk,
  { found, now, randomBytes }: FindingSources & { readonly found: readonly FoundFinding[] }
): Promise<number> {
  if (found.length === 0) return 0
  const rows = await transaction.$queryRaw<{ id: string; kind: FindingKind; key: string; isNew: boolean }[]>`
    INSERT INTO fleet_finding AS earlier
      (kind, authority_id, registration_id, place_id, key, intent_id, details, is_alarm, found_at, confirmed_at, confirmed_by)
    SELECT kind, ${walk.authorityId}::uuid, ${walk.registrationId}::uuid,
      ${walk.registrationId ?? walk.authorityId}::uuid, decode(key, 'hex'), intent_id, details, is_alarm,
      clock_timestamp(), clock_timestamp(), ${walk.reconciliationId}::uuid
    FROM unnest(
      ${found.map(({ kind }) => kind)}::text[], ${found.map(({ keyHex }) => keyHex)}::text[],
      ${found.map(({ intentId }) => intentId)}::text[]::uuid[],
      ${found.map(({ details }) => JSON.stringify(details))}::text[]::jsonb[],
      ${found.map(({ kind }) => isAlarm(kind))}::boolean[]
    ) AS found(kind, key, intent_id, details, is_alarm)
    ${onConflict}
    RETURNING id::text, kind, encode(key, 'hex') AS key, (xmax = 0) AS "isNew"`
  const details = new Map(found.map(each => [`${each.kind} ${each.keyHex}`, each.details]))
  const alarms = rows.filter(({ kind, isNew }) => isNew && isAlarm(kind))
  const told = alarms.slice(0, Math.max(0, mostTold - walk.alarms))
  const events = told.map(({ id, kind, key }) =>
    alarmEvent(walk, { id, kind, details: details.get(`${kind} ${key}`)! }, { now, randomBytes })
  )
  await insertAuditEvents(transaction, events)
  return told.length
}

/** Of an insert of findings as `earlier`. */
export const onConflict = Prisma.sql`
  ON CONFLICT (place_id, kind, key) DO UPDATE SET
    details = earlier.details || excluded.details, intent_id = excluded.intent_id,
    confirmed_at = excluded.confirmed_at, confirmed_by = excluded.confirmed_by`

/** As `toISOString` writes it, in UTC: the details of findings have their times in one form. */
export function timeText(time: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}

interface ToldFinding {
  readonly id: string
  readonly kind: FindingKind
  readonly details: Readonly<Record<string, unknown>>
}

function alarmEvent(
  { authority, region, accountAlias }: Walk,
  { id, kind, details }: ToldFinding,
  { now, randomBytes }: FindingSources
): AuditEvent {
  const place = region === null ? {} : { region, accountAlias }
  const what = {
    ...systemAct,
    act: 'fleet.alarm',
    subject: `authority/${authority}`,
    after: { finding: id, kind, ...place, ...details }
  } as const
  return buildAuditEvent(what, { time: now, randomBytes })
}
