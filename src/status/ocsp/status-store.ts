import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { OcspStatus } from '../../pki/ocsp/response.ts'
import type { RevocationReason } from '../../pki/revocation/reason.ts'
import { monthOf } from '../../records/months/month.ts'
import { endedBesides, endOfStatus } from '../ended-store.ts'

/** A certificate that is asked for. */
export interface AskedCertificate {
  readonly authorityId: string
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
  /** What ends by then has ended. */
  readonly at: Date
}

/** What is on record of a certificate. `undecided`: something is, and not what it would take to speak of it. */
export type RecordedStatus = (OcspStatus | { readonly state: 'undecided' }) & {
  /** When this is over for certain. */
  readonly until?: Date
}

export interface StatusStore {
  /** In the order of what is asked. @throws MintlineError `database_unavailable`. */
  find(asked: readonly AskedCertificate[]): Promise<readonly RecordedStatus[]>
}

type Client = Database['prisma']

interface Row {
  /** Of one that is revoked or on hold. */
  readonly since: Date | null
  readonly reason: RevocationReason | null
  readonly invalidityDate: Date | null
  /** When it ends by itself, or has. */
  readonly endsAt: Date | null
  readonly intentId: string | null
  /** Of what is not of a detached month: whose it is, and whether it has its certificate. */
  readonly issuerId: string | null
  readonly isIssued: boolean | null
  /** Of a certificate that is no device's, and has ended. */
  readonly besidesSince: Date | null
  readonly besidesReason: RevocationReason | null
  readonly isVoid: boolean
  /** Of the generation that is asked for. */
  readonly isCompromised: boolean
}

export function createStatusStore({ prisma }: Database): StatusStore {
  return {
    find: asked =>
      runQuery(async () => {
        const rows = await findRows(prisma, asked)
        const lost = rows.flatMap(({ intentId, issuerId }, index) =>
          intentId === null || issuerId !== null
            ? []
            : [{ intentId, serialNumber: asked[index]!.serialNumber }]
        )
        const detached = lost.length === 0 ? new Map<string, null>() : await findDetached(prisma, lost)
        return rows.map((row, index) => statusOf(row, asked[index]!, detached))
      })
  }
}

/** Each part is looked up by a key, one row at a time: of an intent, in the one partition that its id is of. */
function findRows(prisma: Client, asked: readonly AskedCertificate[]): Promise<Row[]> {
  const authorityIds = asked.map(({ authorityId }) => authorityId)
  const serialNumbers = asked.map(({ serialNumber }) => new Uint8Array(serialNumber))
  const times = asked.map(({ at }) => at.toISOString())
  return prisma.$queryRaw<Row[]>`
    SELECT told.since, told.reason, told.invalidity_date AS "invalidityDate", told.ends_at AS "endsAt",
      known.intent_id::text AS "intentId", found.issuer_id::text AS "issuerId", found.is_issued AS "isIssued",
      besides.since AS "besidesSince", besides.reason AS "besidesReason",
      EXISTS (SELECT FROM void WHERE void.intent_id = known.intent_id) AS "isVoid",
      EXISTS (SELECT FROM authority AS own WHERE own.id = asked.authority_id AND own.state = 'compromised') AS "isCompromised"
    FROM unnest(${authorityIds}::uuid[], ${serialNumbers}::bytea[], ${times}::timestamptz[])
      WITH ORDINALITY AS asked(authority_id, serial_number, at, ordinal)
    LEFT JOIN LATERAL (
      SELECT ended.since, ended.reason, ended.invalidity_date, status.ends_at
      FROM certificate_status AS status LEFT JOIN ${endOfStatus(Prisma.sql`asked.at`)} ON true
      WHERE status.authority_id = asked.authority_id AND status.serial_number = asked.serial_number
      LIMIT 1
    ) AS told ON true
    LEFT JOIN LATERAL (
      SELECT intent_id FROM certified_serial WHERE certified_serial.serial_number = asked.serial_number LIMIT 1
    ) AS known ON true
    LEFT JOIN LATERAL (${issuerOfIntent}) AS found ON true
    LEFT JOIN LATERAL (
      SELECT since, reason FROM ${endedBesides} AS each
      WHERE each.intent_id = known.intent_id AND each.authority_id = asked.authority_id
      LIMIT 1
    ) AS besides ON true
    ORDER BY asked.ordinal`
}

/** Who signs what was begun as `known`, and whether it is on record. */
const issuerOfIntent = Prisma.sql`
  SELECT intent.authority_id AS issuer_id,
    EXISTS (SELECT FROM issued WHERE issued.intent_id = known.intent_id) AS is_issued
  FROM intent WHERE intent.id = known.intent_id
  UNION ALL
  SELECT station_certificate_intent.authority_id, station_certificate.intent_id IS NOT NULL
  FROM station_certificate_intent
  LEFT JOIN station_certificate ON station_certificate.intent_id = station_certificate_intent.id
  WHERE station_certificate_intent.id = known.intent_id
  UNION ALL
  SELECT ocsp_responder_intent.authority_id, ocsp_responder.intent_id IS NOT NULL
  FROM ocsp_responder_intent
  LEFT JOIN ocsp_responder ON ocsp_responder.intent_id = ocsp_responder_intent.id
  WHERE ocsp_responder_intent.id = known.intent_id
  UNION ALL
  SELECT coalesce(intended.issuer_id, own.id), cross_certificate.id IS NOT NULL OR own.id IS NOT NULL
  FROM authority_certificate_intent AS intended
  LEFT JOIN cross_certificate ON cross_certificate.intent_id = intended.id
  LEFT JOIN authority AS own ON own.certificate_intent_id = intended.id
  WHERE intended.id = known.intent_id
  UNION ALL
  SELECT aws_registration.authority_id, aws_verification_certificate.verification_id IS NOT NULL
  FROM aws_verification
  JOIN aws_registration ON aws_registration.id = aws_verification.registration_id
  LEFT JOIN aws_verification_certificate
    ON aws_verification_certificate.verification_id = aws_verification.id
  WHERE aws_verification.id = known.intent_id
  LIMIT 1`

/** Of certificates whose month is detached: who issued them; null where that was not kept. */
async function findDetached(
  prisma: Client,
  lost: readonly LostRow[]
): Promise<ReadonlyMap<string, string | null>> {
  const months = [...new Set(lost.map(({ intentId }) => monthOf(intentId)))]
  const serialNumbers = lost.map(({ serialNumber }) => new Uint8Array(serialNumber))
  const detached = await prisma.detachedMonth.findMany({
    where: { month: { in: months } },
    select: { month: true, issuer: { select: { authorityId: true } } }
  })
  const others = await prisma.detachedSerial.findMany({ where: { serialNumber: { in: serialNumbers } } })
  const issuerOfMonth = new Map(detached.map(({ month, issuer }) => [month, issuer?.authorityId ?? null]))
  const issuerOfSerial = new Map(
    others.map(each => [Buffer.from(each.serialNumber).toString('hex'), each.authorityId])
  )
  return new Map(
    lost.flatMap(({ intentId, serialNumber }) => {
      const ofMonth = issuerOfMonth.get(monthOf(intentId))
      if (ofMonth === undefined) return []
      const own = issuerOfSerial.get(Buffer.from(serialNumber).toString('hex'))
      return [[intentId, own ?? ofMonth] as const]
    })
  )
}

interface LostRow {
  readonly intentId: string
  readonly serialNumber: Uint8Array
}

const unknown = { state: 'unknown' } as const

/** What has ended is so whatever else is known of it: `certificate_status` is kept when a month is detached. */
function statusOf(
  row: Row,
  { authorityId }: AskedCertificate,
  detached: ReadonlyMap<string, string | null>
): RecordedStatus {
  // Whatever this process has heard of so far.
  if (row.isCompromised) return { state: 'undecided' }
  const { intentId, issuerId, isIssued, isVoid, endsAt, since, reason, invalidityDate } = row
  // For who asks, what is on hold is revoked until it is not (RFC 6960 §2.2).
  if (since !== null && reason !== null) {
    const until = reason === 'certificateHold' && endsAt !== null ? { until: endsAt } : {}
    return { state: 'revoked', at: since, reason, invalidityDate: invalidityDate ?? undefined, ...until }
  }
  if (row.besidesSince !== null && row.besidesReason !== null)
    return { state: 'revoked', at: row.besidesSince, reason: row.besidesReason }
  if (intentId === null || isVoid) return unknown
  const until = endsAt === null ? {} : { until: endsAt }
  if (issuerId === null) {
    const issuer = detached.get(intentId)
    if (issuer === authorityId) return { state: 'good', ...until }
    return issuer === null ? { state: 'undecided' } : unknown
  }
  // One that was begun and has no certificate on record has left nobody's hands.
  return issuerId === authorityId && isIssued === true ? { state: 'good', ...until } : unknown
}
