import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { FoundFinding } from '../finding.ts'
import { type FindingSources, onConflict, putFindings, timeText } from '../walk/finding-store.ts'
import type { Walk, WalkAdvance } from '../walk/walk.ts'
import { advanceStatement, holdWalk } from '../walk/walk-store.ts'
import { neverIssued } from './evidence.ts'
import { hastenPushes } from './hastening-store.ts'

/** A certificate that AWS is asked about before it is told as a finding. */
export interface Suspect {
  /** Lower-case hex. */
  readonly certificateId: string
  /** Null: it was never issued here. */
  readonly intentId: string | null
  readonly status: string
  readonly registeredAt: Date | null
  /** What the record says: held or revoked. */
  readonly standing: string | null
  /** How far AWS was told of that; null: it is not to be told. */
  readonly push: string | null
  /** It was found before, with what it says of itself. */
  readonly isKnown: boolean
}

interface JudgedPart {
  readonly suspects: readonly Suspect[]
  /** Of the last that was looked at; undefined: there are no more. */
  readonly position: Uint8Array | undefined
}

export interface JudgingStore {
  /** The next of what AWS listed. */
  next(walk: Walk, limit: number): Promise<JudgedPart>
  /** Keeps what was found of a part, with what the database finds by itself, in one transaction. */
  keep(
    walk: Walk,
    to: WalkAdvance,
    more: FindingSources & { readonly found: readonly FoundFinding[] }
  ): Promise<void>
  /**
   * Keeps some of what was listed and never issued here as alarms, without what they say of themselves: the list alone tells that.
   * Where another has gone on with the walk, nothing changes.
   */
  keepStrangers(walk: Walk, sources: FindingSources): Promise<void>
  /** Of these serial numbers, in lower-case hex, the id of each record. */
  findSerials(serialNumbers: readonly string[]): Promise<ReadonlyMap<string, string>>
}

/** What AWS has neither taken out nor revoked is let in, or about to be. */
const isIn = Prisma.sql`own.status NOT IN ('INACTIVE', 'REVOKED')`

/**
 * AWS had it, by its own clock, before the generation came here: its key was another's then, as of a CA that was imported. When a
 * certificate says that it was made, who has the key can choose.
 */
const isEarlier = ({ authorityId }: Walk) => Prisma.sql`
  coalesce(own.registered_at < (SELECT created_at FROM authority WHERE id = ${authorityId}::uuid), false)`

export function createJudgingStore({ prisma }: Database): JudgingStore {
  return {
    next: (walk, limit) =>
      runQuery(async () => {
        const rows = await prisma.$queryRaw<(Suspect & { isSuspect: boolean })[]>`
          SELECT encode(own.certificate_id, 'hex') AS "certificateId", own.intent_id::text AS "intentId", own.status,
            own.registered_at AS "registeredAt", standing.state AS standing, push.state AS push,
            coalesce(known.details ? 'subject', false) AS "isKnown",
            (own.intent_id IS NULL AND NOT ${isEarlier(walk)}) OR (standing.state IN ('held', 'revoked') AND ${isIn}) AS "isSuspect"
          FROM ${nextListed(walk, limit)}
          LEFT JOIN certificate_status AS standing ON standing.intent_id = own.intent_id
          LEFT JOIN aws_push AS push ON push.intent_id = own.intent_id AND push.registration_id = own.registration_id
          LEFT JOIN fleet_finding AS known ON known.place_id = own.registration_id AND known.key = own.certificate_id
            AND known.kind = 'seen-never-issued'
          ORDER BY own.certificate_id`
        const last = rows.at(-1)
        return {
          suspects: rows.filter(({ isSuspect }) => isSuspect),
          position: last && Buffer.from(last.certificateId, 'hex')
        }
      }),
    keep: (walk, to, more) =>
      runQuery(() => prisma.$transaction(each => keep(each, walk, { to, more }), transactionLimits)),
    keepStrangers: (walk, sources) =>
      runQuery(() => prisma.$transaction(each => keepStrangers(each, walk, sources), transactionLimits)),
    async findSerials(serialNumbers) {
      const rows = await runQuery(
        () => prisma.$queryRaw<{ serialNumber: string; intentId: string }[]>`
          SELECT encode(serial_number, 'hex') AS "serialNumber", intent_id::text AS "intentId" FROM certified_serial
          WHERE serial_number = ANY(${serialNumbers.map(each => Buffer.from(each, 'hex'))})`
      )
      return new Map(rows.map(({ serialNumber, intentId }) => [serialNumber, intentId]))
    }
  }
}

/** The next of what AWS listed in this look, as `own`. */
export function nextListed(walk: Walk, limit: number): Prisma.Sql {
  return Prisma.sql`(
    SELECT * FROM fleet_certificate
    WHERE registration_id = ${walk.registrationId}::uuid AND seen_by = ${walk.reconciliationId}::uuid
      AND certificate_id > ${positionOf(walk)}
    ORDER BY certificate_id LIMIT ${limit}
  ) AS own`
}

export function positionOf({ position }: Walk): Prisma.Sql {
  return Prisma.sql`${Buffer.from(position ?? [])}::bytea`
}

interface Kept {
  readonly to: WalkAdvance
  readonly more: FindingSources & { readonly found: readonly FoundFinding[] }
}

async function keep(transaction: Prisma.TransactionClient, walk: Walk, { to, more }: Kept): Promise<void> {
  const isFirst = (await transaction.$executeRaw(advanceStatement(walk, to))) > 0
  if (!isFirst) return
  await putCounted(transaction, walk, more)
  if (to.position === null) return
  const listed = judgedPart(walk, to.position)
  await transaction.$executeRaw(plainStatement(walk, listed))
  await hastenPushes(transaction, walk, { found: more.found, listed })
}

/** What AWS listed, from where the walk stood to there, as `own`. */
function judgedPart(walk: Walk, position: Uint8Array): Prisma.Sql {
  return Prisma.sql`(
    SELECT * FROM fleet_certificate
    WHERE registration_id = ${walk.registrationId}::uuid AND seen_by = ${walk.reconciliationId}::uuid
      AND certificate_id > ${positionOf(walk)} AND certificate_id <= ${Buffer.from(position)}::bytea
  ) AS own`
}

async function putCounted(
  transaction: Prisma.TransactionClient,
  walk: Walk,
  more: FindingSources & { readonly found: readonly FoundFinding[] }
): Promise<void> {
  const told = await putFindings(transaction, walk, more)
  await transaction.$executeRaw`
    UPDATE fleet_walk SET alarms = alarms + ${told}::integer WHERE id = ${walk.id}::uuid`
}

/** At once. The others come as soon as AWS answers, or at the next look. */
const mostStrangers = 1_000

async function keepStrangers(
  transaction: Prisma.TransactionClient,
  walk: Walk,
  sources: FindingSources
): Promise<void> {
  if (!(await holdWalk(transaction, walk))) return
  const rows = await transaction.$queryRaw<Pick<Suspect, 'certificateId' | 'status' | 'registeredAt'>[]>`
    SELECT encode(certificate_id, 'hex') AS "certificateId", status, registered_at AS "registeredAt"
    FROM fleet_certificate AS own
    WHERE registration_id = ${walk.registrationId}::uuid AND seen_by = ${walk.reconciliationId}::uuid AND intent_id IS NULL
      AND NOT ${isEarlier(walk)} AND NOT EXISTS (
        SELECT FROM fleet_finding WHERE place_id = own.registration_id AND kind = 'seen-never-issued'
          AND key = certificate_id
      )
    ORDER BY certificate_id LIMIT ${mostStrangers}`
  const found = rows.map(stranger => neverIssued(stranger, {}))
  await putCounted(transaction, walk, { ...sources, found })
}

const registeredAt = timeText(Prisma.sql`own.registered_at`)

/** AWS has so long to provision a device before that is a finding. */
const provisioningTime = Prisma.sql`interval '1 hour'`

/**
 * When a lot takes no more devices: at its `closes_at`, which is written nowhere when it passes, or when somebody closed it before.
 * A lot that was closed stays as it was then. Null: that is not known yet.
 */
const lotClosedAt = Prisma.sql`least(lot.closes_at, CASE WHEN lot.state = 'closed' THEN lot.changed_at END)`

/** What the database finds of a part by itself. */
function plainStatement(walk: Walk, listed: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO fleet_finding AS earlier
      (kind, authority_id, registration_id, place_id, key, intent_id, details, is_alarm, found_at, confirmed_at, confirmed_by)
    SELECT found.kind, ${walk.authorityId}::uuid, own.registration_id, own.registration_id, own.certificate_id, own.intent_id,
      found.details, false, clock_timestamp(), clock_timestamp(), own.seen_by
    FROM ${listed}
    LEFT JOIN certificate_status AS standing ON standing.intent_id = own.intent_id
    LEFT JOIN intent ON intent.id = own.intent_id
    LEFT JOIN lot ON lot.id = intent.lot
    CROSS JOIN LATERAL (
      SELECT 'not-provisioned' AS kind, jsonb_build_object('status', own.status, 'registeredAt', ${registeredAt}) AS details
      WHERE own.intent_id IS NOT NULL AND own.status = 'PENDING_ACTIVATION' AND coalesce(standing.state, 'good') IN ('good', 'removed')
        AND own.registered_at < clock_timestamp() - ${provisioningTime}
      UNION ALL
      SELECT 'issued-before-import', jsonb_build_object('status', own.status, 'registeredAt', ${registeredAt})
      WHERE own.intent_id IS NULL AND ${isEarlier(walk)}
      UNION ALL
      SELECT 'seen-before-lot-close', jsonb_build_object(
        'lot', lot.id, 'lotState', CASE WHEN ${lotClosedAt} <= clock_timestamp() THEN 'closed' ELSE lot.state END,
        'lotClosedAt', ${timeText(lotClosedAt)}, 'registeredAt', ${registeredAt}, 'status', own.status
      ) WHERE lot.id IS NOT NULL AND (
        coalesce(${lotClosedAt}, 'infinity') > clock_timestamp() OR own.registered_at < ${lotClosedAt}
      )
    ) AS found
    ORDER BY own.certificate_id
    ${onConflict}`
}
