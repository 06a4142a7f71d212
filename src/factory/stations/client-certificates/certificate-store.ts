import type { AuditEvent } from '../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../audit/audit-store.ts'
import { type Database, type Prisma, transactionLimits } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { PageQuery } from '../../../sources/page.ts'
import type { Station, StationCertificate } from '../station.ts'
import { toStation } from '../station-store.ts'
import { issuedPrefix } from './identity.ts'

/** With the station that it let in, as that is now. */
export interface HeldCertificate extends Omit<StationCertificate, 'lastUsedAt'> {
  readonly station: Station
}

/** A certificate of a line for stations, with what keeps it from letting its station in besides its own end. */
export interface IssuedCertificate {
  readonly held: HeldCertificate
  /** The generation that signed it. */
  readonly isCompromised: boolean
  readonly isKeyBlocked: boolean
}

export interface CertificateStore {
  /** The certificate as it is kept already, or is from now on. */
  keep(certificate: HeldCertificate): Promise<HeldCertificate>
  find(id: string): Promise<HeldCertificate | undefined>
  /** One that was issued here, by the SHA-256 of its DER. */
  findIssued(sha256: Uint8Array): Promise<IssuedCertificate | undefined>
  /** Whether an act has ended it, by whatever it was known. */
  isEnded(sha256: Uint8Array): Promise<boolean>
  /** Ends it for a station, where that has not been done. False where the station has none like this. */
  end(
    stationId: string,
    sha256: Uint8Array,
    event: AuditEvent & { readonly reason: string }
  ): Promise<boolean>
  /** Newest first. */
  list(stationId: string, query: PageQuery): Promise<readonly StationCertificate[]>
  /** Notes that they were used, where that is not known of the last minute. */
  noteUse(uses: ReadonlyMap<string, Date>): Promise<void>
}

export function createCertificateStore(database: Database): CertificateStore {
  const client = database.prisma
  return {
    keep: ({ station, ...certificate }) =>
      runQuery(async () => {
        const { sha256, identity } = certificate
        const key = { sha256: new Uint8Array(sha256), stationId: station.id, identity }
        const find = () => findOne(client, { sha256_stationId_identity: key })
        const known = await find()
        if (known !== undefined) return known
        const serialNumber = new Uint8Array(certificate.serialNumber)
        // Of those that come at once, one is first.
        await client.clientCertificate.createMany({
          data: [{ ...certificate, ...key, serialNumber }],
          skipDuplicates: true
        })
        return (await find())!
      }),
    find: id => runQuery(() => findOne(client, { id })),
    findIssued: sha256 => runQuery(() => findIssued(client, sha256)),
    isEnded: sha256 =>
      runQuery(async () => {
        const where = { sha256: new Uint8Array(sha256), endedAt: { not: null } }
        return (await client.clientCertificate.findFirst({ where, select: { id: true } })) !== null
      }),
    end: (stationId, sha256, event) =>
      runQuery(() =>
        client.$transaction(async transaction => {
          const where = { stationId, sha256: new Uint8Array(sha256) }
          if ((await transaction.clientCertificate.count({ where })) === 0) return false
          const { createdAt: endedAt, actor: endedBy, reason: endReason } = event
          // Waits for the intents that are being committed by it; later ones find it ended.
          const { count } = await transaction.clientCertificate.updateMany({
            where: { ...where, endedAt: null },
            data: { endedAt, endedBy, endReason }
          })
          if (count > 0) await insertAuditEvent(transaction, event)
          return true
        }, transactionLimits)
      ),
    list: (stationId, query) => runQuery(() => list(client, stationId, query)),
    async noteUse(uses) {
      const times = [...uses.values()].map(time => time.toISOString())
      await runQuery(
        () => client.$executeRaw`
          INSERT INTO client_certificate_use (certificate_id, last_used_at)
          SELECT * FROM unnest(${[...uses.keys()]}::uuid[], ${times}::timestamptz[])
          ON CONFLICT (certificate_id) DO UPDATE SET last_used_at = excluded.last_used_at
          WHERE client_certificate_use.last_used_at < excluded.last_used_at`
      )
    }
  }
}

type Client = Pick<Prisma.TransactionClient, 'clientCertificate' | '$queryRaw'>

async function findIssued(client: Client, sha256: Uint8Array): Promise<IssuedCertificate | undefined> {
  const rows = await client.$queryRaw<(Omit<IssuedCertificate, 'held'> & { readonly id: string })[]>`
    SELECT
      client_certificate.id,
      authority.state = 'compromised' AS "isCompromised",
      EXISTS (SELECT FROM blocked_key WHERE blocked_key.spki_sha256 = intent.spki_sha256) AS "isKeyBlocked"
    FROM station_certificate
    JOIN station_certificate_intent AS intent ON intent.id = station_certificate.intent_id
    JOIN authority ON authority.id = intent.authority_id
    JOIN client_certificate ON client_certificate.sha256 = station_certificate.sha256
      AND client_certificate.station_id = intent.station_id
      AND client_certificate.identity = ${issuedPrefix} || intent.id
    WHERE station_certificate.sha256 = ${new Uint8Array(sha256)}`
  const [found] = rows
  const held = found && (await findOne(client, { id: found.id }))
  return found && held && { ...found, held }
}

async function findOne(
  client: Client,
  where: Prisma.ClientCertificateWhereUniqueInput
): Promise<HeldCertificate | undefined> {
  const row = await client.clientCertificate.findUnique({ where, include: { station: true } })
  return row === null ? undefined : { ...row, station: toStation(row.station) }
}

async function list(
  client: Client,
  stationId: string,
  { limit, cursor }: PageQuery
): Promise<readonly StationCertificate[]> {
  const rows = await client.clientCertificate.findMany({
    where: { stationId, ...(cursor !== undefined && { id: { lt: cursor } }) },
    orderBy: { id: 'desc' },
    take: limit,
    include: { use: true }
  })
  return rows.map(({ use, ...row }) => ({ ...row, lastUsedAt: use?.lastUsedAt ?? null }))
}
