import type { AuditEvent } from '../audit/audit-event.ts'
import { insertAuditEvent } from '../audit/audit-store.ts'
import {
  type Database,
  isRefusedByGuard,
  isSerializationOrDeadlock,
  isUniqueViolation,
  type Prisma,
  transactionLimits
} from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { BlockedReason } from '../factory/blocked-keys/blocked-key.ts'
import { issuedPrefix } from '../factory/stations/client-certificates/identity.ts'
import { type Durable, vouchDurable } from '../signing/durable.ts'
import { firstIdentifierOf } from '../sources/identifier.ts'
import { commitIntent } from './intent-commit-store.ts'
import type { StationCertificate, StationCertificateIntent } from './station-certificate.ts'

/** What became of an intent that was handed in for commit; but for the first, nothing was written. */
export type IntentOutcome =
  | { readonly kind: 'durable'; readonly intent: Durable<StationCertificateIntent> }
  /** The key has a certificate that is not to be renewed yet. */
  | { readonly kind: 'issued'; readonly certificate: StationCertificate; readonly tbsDer: Uint8Array }
  /** An earlier request with the key was cut off, or is in flight: the same rules, and no certificate on record. */
  | { readonly kind: 'open'; readonly intent: Durable<StationCertificateIntent> }
  | { readonly kind: 'key-refused'; readonly why: 'device' | 'other-station' | 'ended' }
  | { readonly kind: 'blocked'; readonly reason: BlockedReason }
  /** The station has had as many as it may; when the first of them is an hour ago. */
  | { readonly kind: 'exhausted'; readonly until: Date }
  /** Generation or profile are not what they were. */
  | { readonly kind: 'outdated' }
  /** The station, or what let it in, does not any more. */
  | { readonly kind: 'not-let-in' }

/** A certificate that was signed, as it goes on record. */
interface SignedStationCertificate {
  readonly intent: StationCertificateIntent
  readonly certificate: Omit<StationCertificate, 'id' | 'serialNumber' | 'authorityId'>
  /** As `describeName` writes them. */
  readonly subject: string
  readonly issuer: string
  /** Id of its row among the client certificates. */
  readonly clientCertificateId: string
  readonly event: AuditEvent
}

export interface StationCertificateStore {
  /**
   * Judges and writes an intent, one of a station at a time, with nobody changing the station, the credential, the
   * generation or the key meanwhile.
   *
   * @param isOpenUsable whether an earlier intent that is open can be completed by the rules of now.
   */
  commit(
    intent: StationCertificateIntent,
    isOpenUsable: (open: StationCertificateIntent) => boolean
  ): Promise<IntentOutcome>
  /**
   * Puts a certificate on record, among those by which the station is known too. Undefined where its generation signs no
   * more.
   *
   * @returns the certificate of the intent: this one, or that of who was first.
   */
  record(signed: SignedStationCertificate): Promise<StationCertificate | undefined>
  /** Of those that let the station in now: the one that has this id among its client certificates, else the one that ends last. */
  findStanding(station: string, clientCertificateId: string): Promise<StationCertificate | undefined>
}

const maximumTries = 8

export function createStationCertificateStore(database: Database): StationCertificateStore {
  const client = database.prisma
  return {
    commit: (intent, isOpenUsable) =>
      runQuery(async () => {
        for (let tries = 1; ; tries++) {
          try {
            return await client.$transaction(
              transaction => commitIntent(transaction, intent, isOpenUsable),
              transactionLimits
            )
          } catch (error) {
            const isLostRace =
              isUniqueViolation(error) || isRefusedByGuard(error) || isSerializationOrDeadlock(error)
            if (!isLostRace || tries === maximumTries) throw error
          }
        }
      }).then(vouched),
    record: signed =>
      runQuery(() => client.$transaction(transaction => record(transaction, signed), transactionLimits)),
    findStanding: (station, clientCertificateId) =>
      runQuery(() => findStanding(client, station, clientCertificateId))
  }
}

/** What is vouched for is committed, or was read in a transaction that is over. */
function vouched(outcome: Awaited<ReturnType<typeof commitIntent>>): IntentOutcome {
  if (outcome.kind !== 'durable' && outcome.kind !== 'open') return outcome
  return { kind: outcome.kind, intent: vouchDurable(outcome.intent) }
}

async function record(
  transaction: Prisma.TransactionClient,
  { intent, certificate, subject, issuer, clientCertificateId, event }: SignedStationCertificate
): Promise<StationCertificate | undefined> {
  const { id: intentId, stationId, authorityId } = intent
  const standing = await transaction.$queryRaw<unknown[]>`
    SELECT id FROM authority WHERE id = ${authorityId}::uuid AND state IN ('active', 'retiring') FOR SHARE`
  if (standing.length === 0) return undefined
  const { notBefore, notAfter, issuedAt } = certificate
  const sha256 = new Uint8Array(certificate.sha256)
  const { count } = await transaction.stationCertificate.createMany({
    data: [
      {
        intentId,
        sha256,
        certificateDer: new Uint8Array(certificate.certificateDer),
        notBefore,
        notAfter,
        issuedAt
      }
    ],
    skipDuplicates: true
  })
  if (count > 0) {
    await transaction.clientCertificate.create({
      data: {
        id: clientCertificateId,
        stationId,
        identity: issuedPrefix + intentId,
        sha256,
        subject,
        issuer,
        serialNumber: new Uint8Array(intent.serialNumber),
        notAfter,
        firstSeenAt: issuedAt
      }
    })
    await insertAuditEvent(transaction, event)
  }
  const row = await transaction.stationCertificate.findUniqueOrThrow({ where: { intentId } })
  return { ...row, id: intentId, serialNumber: intent.serialNumber, authorityId }
}

async function findStanding(
  client: Pick<Prisma.TransactionClient, '$queryRaw'>,
  station: string,
  clientCertificateId: string
): Promise<StationCertificate | undefined> {
  // Those of the last years are not looked at: none lasts as long.
  const first = firstIdentifierOf(new Date(Date.now() - longestLifeMs))
  const rows = await client.$queryRaw<StationCertificate[]>`
    SELECT
      intent.id, own.sha256, own.certificate_der AS "certificateDer", intent.serial_number AS "serialNumber",
      own.not_before AS "notBefore", own.not_after AS "notAfter", own.issued_at AS "issuedAt",
      intent.authority_id AS "authorityId"
    FROM station
    JOIN station_certificate_intent AS intent ON intent.station_id = station.id AND intent.id >= ${first}::uuid
    JOIN station_certificate AS own ON own.intent_id = intent.id
    JOIN authority ON authority.id = intent.authority_id
    JOIN client_certificate AS held ON held.sha256 = own.sha256 AND held.station_id = station.id
      AND held.identity = ${issuedPrefix} || intent.id
    WHERE station.name = ${station} AND held.ended_at IS NULL AND authority.state <> 'compromised'
      AND own.not_after > clock_timestamp()
      AND NOT EXISTS (SELECT FROM blocked_key WHERE blocked_key.spki_sha256 = intent.spki_sha256)
    ORDER BY held.id = ${clientCertificateId}::uuid DESC, own.not_after DESC LIMIT 1`
  return rows[0]
}

const longestLifeMs = 826 * 86_400_000
