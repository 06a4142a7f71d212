import type { Database, Prisma } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { PageQuery } from '../../../sources/page.ts'
import type { Station, StationCertificate } from '../station.ts'
import { toStation } from '../station-store.ts'

/** With the station that it let in, as that is now. */
export interface HeldCertificate extends Omit<StationCertificate, 'lastUsedAt'> {
  readonly station: Station
}

export interface CertificateStore {
  /** The certificate as it is kept already, or is from now on. */
  keep(certificate: HeldCertificate): Promise<HeldCertificate>
  find(id: string): Promise<HeldCertificate | undefined>
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

type Client = Pick<Prisma.TransactionClient, 'clientCertificate'>

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
