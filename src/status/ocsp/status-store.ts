import type { Database } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import type { OcspStatus } from '../../pki/ocsp/response.ts'
import { reasonCodes, type RevocationReason } from '../../pki/revocation/reason.ts'
import { monthOf } from '../../records/months/month.ts'

/** A certificate that is asked for. */
export interface AskedCertificate {
  readonly authorityId: string
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array
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
  readonly state: string | null
  readonly reason: string | null
  readonly since: Date | null
  readonly endsAt: Date | null
  readonly hasEnded: boolean | null
  readonly intentId: string | null
  /** Of what is not of a detached month: whose it is, and whether it has its certificate. */
  readonly issuerId: string | null
  readonly isIssued: boolean | null
  readonly endedAt: Date | null
  readonly isUndecided: boolean | null
  readonly isVoid: boolean
  /** Of the generation that is asked for. */
  readonly isCompromised: boolean
}

export function createStatusStore({ prisma }: Database): StatusStore {
  return {
    find: asked =>
      runQuery(async () => {
        const rows = await findRows(
          prisma,
          asked.map(({ authorityId }) => authorityId),
          asked.map(({ serialNumber }) => new Uint8Array(serialNumber))
        )
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
function findRows(
  prisma: Client,
  authorityIds: readonly string[],
  serialNumbers: readonly Uint8Array<ArrayBuffer>[]
): Promise<Row[]> {
  return prisma.$queryRaw<Row[]>`
    SELECT told.state, told.reason, told.since, told.ends_at AS "endsAt", told.ends_at <= now() AS "hasEnded",
      known.intent_id::text AS "intentId",
      found.issuer_id::text AS "issuerId", found.is_issued AS "isIssued", found.ended_at AS "endedAt",
      found.is_undecided AS "isUndecided",
      EXISTS (SELECT FROM void WHERE void.intent_id = known.intent_id) AS "isVoid",
      EXISTS (SELECT FROM authority AS own WHERE own.id = asked.authority_id AND own.state = 'compromised') AS "isCompromised"
    FROM unnest(${authorityIds}::uuid[], ${serialNumbers}::bytea[])
      WITH ORDINALITY AS asked(authority_id, serial_number, ordinal)
    LEFT JOIN LATERAL (
      SELECT state, reason, since, ends_at FROM certificate_status
      WHERE certificate_status.authority_id = asked.authority_id
        AND certificate_status.serial_number = asked.serial_number
      LIMIT 1
    ) AS told ON true
    LEFT JOIN LATERAL (
      SELECT intent_id FROM certified_serial WHERE certified_serial.serial_number = asked.serial_number LIMIT 1
    ) AS known ON true
    LEFT JOIN LATERAL (
      SELECT intent.authority_id AS issuer_id,
        EXISTS (SELECT FROM issued WHERE issued.intent_id = known.intent_id) AS is_issued,
        NULL::timestamptz AS ended_at, false AS is_undecided
      FROM intent WHERE intent.id = known.intent_id
      UNION ALL
      SELECT station_certificate_intent.authority_id, station_certificate.intent_id IS NOT NULL,
        client_certificate.ended_at, false
      FROM station_certificate_intent
      LEFT JOIN station_certificate ON station_certificate.intent_id = station_certificate_intent.id
      LEFT JOIN client_certificate ON client_certificate.sha256 = station_certificate.sha256
      WHERE station_certificate_intent.id = known.intent_id
      UNION ALL
      SELECT ocsp_responder_intent.authority_id, ocsp_responder.intent_id IS NOT NULL, NULL, false
      FROM ocsp_responder_intent
      LEFT JOIN ocsp_responder ON ocsp_responder.intent_id = ocsp_responder_intent.id
      WHERE ocsp_responder_intent.id = known.intent_id
      UNION ALL
      SELECT coalesce(intended.issuer_id, own.id), cross_certificate.id IS NOT NULL OR own.id IS NOT NULL, NULL,
        coalesce(subject.state = 'compromised', false)
      FROM authority_certificate_intent AS intended
      LEFT JOIN cross_certificate ON cross_certificate.intent_id = intended.id
      LEFT JOIN authority AS subject ON subject.id = cross_certificate.subject_id
      LEFT JOIN authority AS own ON own.certificate_intent_id = intended.id
      WHERE intended.id = known.intent_id
      UNION ALL
      SELECT aws_registration.authority_id, aws_verification_certificate.verification_id IS NOT NULL, NULL, false
      FROM aws_verification
      JOIN aws_registration ON aws_registration.id = aws_verification.registration_id
      LEFT JOIN aws_verification_certificate
        ON aws_verification_certificate.verification_id = aws_verification.id
      WHERE aws_verification.id = known.intent_id
      LIMIT 1
    ) AS found ON true
    ORDER BY asked.ordinal`
}

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
  const ended = endOf(row)
  if (ended !== undefined) return ended
  const { intentId, issuerId, isIssued, isUndecided, isVoid, endsAt } = row
  const until = endsAt === null ? {} : { until: endsAt }
  if (intentId === null || isVoid) return unknown
  if (issuerId === null) {
    const issuer = detached.get(intentId)
    if (issuer === authorityId) return { state: 'good', ...until }
    return issuer === null ? { state: 'undecided' } : unknown
  }
  if (issuerId !== authorityId) return unknown
  if (isUndecided === true) return { state: 'undecided' }
  // One that was begun and has no certificate on record has left nobody's hands.
  return isIssued === true ? { state: 'good', ...until } : unknown
}

/** Of a certificate that is held, too: for who asks that is revoked, until it is not (RFC 6960 §2.2). */
function endOf({ state, reason, since, endsAt, hasEnded, endedAt }: Row): RecordedStatus | undefined {
  if (state === 'revoked' && since !== null && isReason(reason))
    return { state: 'revoked', at: since, reason }
  if (hasEnded === true && endsAt !== null) return { state: 'revoked', at: endsAt, reason: 'superseded' }
  if (state === 'held' && since !== null)
    return {
      state: 'revoked',
      at: since,
      reason: 'certificateHold',
      ...(endsAt !== null && { until: endsAt })
    }
  if (endedAt !== null) return { state: 'revoked', at: endedAt, reason: 'cessationOfOperation' }
  return undefined
}

function isReason(reason: string | null): reason is RevocationReason {
  return reason !== null && Object.hasOwn(reasonCodes, reason)
}
