import type { Database } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import type { SignatureAlgorithm } from '../../pki/key/signature-algorithm.ts'

/** A CRL that is on record. */
export interface StoredCrl {
  readonly intentId: string
  readonly authorityId: string
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: number
  readonly tbsOctets: number
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  readonly octets: number
  readonly sha256: Uint8Array
}

/** How long ago the oldest change was, or end by itself, that the CRLs of an authority do not say yet. */
interface CrlLag {
  readonly authorityId: string
  readonly seconds: number
}

export interface CrlStore {
  /** That of the highest number. */
  findNewest(authorityId: string): Promise<StoredCrl | undefined>
  /** The newest of each authority. */
  listNewest(): Promise<readonly StoredCrl[]>
  listLags(at: Date): Promise<readonly CrlLag[]>
  /** Has the authority's next CRL made, unless something waits for that already. */
  haveNextMade(authorityId: string): Promise<void>
  /** Octets of its TBSCertList, from the position 0 on. Undefined: there are no more of them. */
  readChunk(intentId: string, position: number): Promise<Uint8Array | undefined>
}

export function createCrlStore({ prisma }: Pick<Database, 'prisma'>): CrlStore {
  const list = async (authorityId: string | null) => {
    const rows = await runQuery(
      () => prisma.$queryRaw<(Omit<StoredCrl, 'number'> & { readonly number: bigint })[]>`
        SELECT newest.* FROM authority, LATERAL (
          SELECT crl_intent.id::text AS "intentId", authority_id::text AS "authorityId", number, this_update AS "thisUpdate",
            next_update AS "nextUpdate", entries, tbs_octets AS "tbsOctets", signature_algorithm AS "signatureAlgorithm",
            signature, octets, sha256
          FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
          WHERE authority_id = authority.id ORDER BY number DESC LIMIT 1
        ) AS newest
        WHERE ${authorityId}::uuid IS NULL OR authority.id = ${authorityId}::uuid`
    )
    return rows.map(({ number, ...row }) => ({ ...row, number: Number(number) }))
  }
  return {
    findNewest: async authorityId => (await list(authorityId))[0],
    listNewest: () => list(null),
    listLags: at => listLags(prisma, at),
    async haveNextMade(authorityId) {
      await runQuery(
        () => prisma.$executeRaw`
          INSERT INTO crl_change (authority_id) SELECT ${authorityId}::uuid
          WHERE NOT EXISTS (SELECT FROM crl_change WHERE authority_id = ${authorityId}::uuid)`
      )
    },
    readChunk: (intentId, position) => readChunk(prisma, intentId, position)
  }
}

/** As `CrlStore.readChunk`. */
export async function readChunk(
  prisma: Database['prisma'],
  intentId: string,
  position: number
): Promise<Uint8Array | undefined> {
  const where = { intentId_position: { intentId, position } }
  return (await runQuery(() => prisma.crlChunk.findUnique({ where })))?.octets
}

function listLags(prisma: Database['prisma'], at: Date): Promise<readonly CrlLag[]> {
  const time = at.toISOString()
  return runQuery(
    () => prisma.$queryRaw<CrlLag[]>`
      SELECT authority.id::text AS "authorityId",
        greatest(0, extract(epoch FROM ${time}::timestamptz - least(changed.since, ended.since)))::float8 AS seconds
      FROM authority
      LEFT JOIN LATERAL (
        SELECT min(created_at) AS since FROM crl_change WHERE authority_id = authority.id
      ) AS changed ON true
      LEFT JOIN LATERAL (
        SELECT created_at FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = authority.id ORDER BY number DESC LIMIT 1
      ) AS newest ON true
      LEFT JOIN LATERAL (
        SELECT min(ends_at) AS since FROM certificate_status
        WHERE authority_id = authority.id AND state <> 'revoked' AND ends_at <= ${time}::timestamptz
          AND ends_at > newest.created_at
      ) AS ended ON true
      WHERE least(changed.since, ended.since) IS NOT NULL`
  )
}
