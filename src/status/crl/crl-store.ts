import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { SignatureAlgorithm } from '../../pki/key/signature-algorithm.ts'
import { deltaColumns, type DeltaFacts, newestLists } from './list-state-store.ts'
import { type CrlScope, type CrlSeries, lastNextUpdate } from './scope.ts'

/** A CRL that is on record. */
export interface StoredCrl extends CrlSeries {
  readonly intentId: string
  readonly number: number
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly entries: number
  /** Of a complete one: where it says that its deltas are. */
  readonly freshestCrl: string | null
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

/** How the CRLs of one way to share out the certificates of an authority stand, all together. */
interface ShardFacts extends DeltaFacts {
  readonly authorityId: string
  readonly shards: number
  /** So many have none yet. */
  readonly missing: number
  /** The first end; null where there is none at all. */
  readonly nextUpdate: Date | null
  readonly entries: number
  /** Since the oldest change that one of them does not say. */
  readonly lagSeconds: number
}

export interface CrlStore {
  /** That of the highest number. */
  findNewest(series: CrlSeries): Promise<StoredCrl | undefined>
  /** Whether one of these octets is on record. Those that were signed last are looked at first. */
  hasSigned(scope: CrlScope, sha256: Uint8Array): Promise<boolean>
  /** The newest complete one of each authority. */
  listNewest(): Promise<readonly StoredCrl[]>
  /** The newest of each shard. */
  listNewestShards(): Promise<readonly StoredCrl[]>
  listShardFacts(): Promise<readonly ShardFacts[]>
  /** Of the deltas of complete CRLs of all certificates. */
  listDeltaFacts(): Promise<readonly (DeltaFacts & { readonly authorityId: string })[]>
  listLags(at: Date): Promise<readonly CrlLag[]>
  /** Compromised authorities all of whose certificates were revoked before `before`, and whose key is still to sign the last one. */
  listOwedLast(before: Date): Promise<readonly string[]>
  /** Has the next CRL made, unless something waits for that already. */
  haveNextMade(scope: CrlScope): Promise<void>
  /** Octets of its TBSCertList, from the position 0 on. Undefined: there are no more of them. */
  readChunk(intentId: string, position: number): Promise<Uint8Array | undefined>
}

export function createCrlStore({ prisma }: Pick<Database, 'prisma'>): CrlStore {
  return {
    async findNewest({ authorityId, shards, shard, isDelta = false }) {
      const scope = Prisma.sql`SELECT ${authorityId}::uuid AS authority_id, ${shards}::int AS shards, ${shard}::int AS shard`
      return (await listNewestOf(prisma, scope, isDelta))[0]
    },
    async hasSigned({ authorityId, shards, shard }, sha256) {
      const rows = await runQuery(
        () => prisma.$queryRaw<unknown[]>`
          SELECT FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
          WHERE authority_id = ${authorityId}::uuid AND shards = ${shards}::int AND shard = ${shard}::int
            AND sha256 = ${Buffer.from(sha256)}
          ORDER BY number DESC LIMIT 1`
      )
      return rows.length > 0
    },
    listNewest: () =>
      listNewestOf(prisma, Prisma.sql`SELECT id AS authority_id, 0 AS shards, 0 AS shard FROM authority`),
    listNewestShards: () => listNewestOf(prisma, allShards),
    listLags: at => listLags(prisma, at),
    listOwedLast: before => listOwedLast(prisma, before),
    listShardFacts: () => listShardFacts(prisma),
    listDeltaFacts: () => listDeltaFacts(prisma),
    async haveNextMade({ authorityId, shards, shard }) {
      await runQuery(
        () => prisma.$executeRaw`
          INSERT INTO crl_change (authority_id, shards, shard) SELECT ${authorityId}::uuid, ${shards}::int, ${shard}::int
          WHERE NOT EXISTS (
            SELECT FROM crl_change
            WHERE authority_id = ${authorityId}::uuid AND shards = ${shards}::int AND shard = ${shard}::int
          )`
      )
    },
    readChunk: (intentId, position) => readChunk(prisma, intentId, position)
  }
}

type Client = Database['prisma']

const allShards = Prisma.sql`
  SELECT authority_id, shards, generate_series(0, shards - 1) AS shard
  FROM (SELECT DISTINCT authority_id, shards FROM crl_partition) AS partition`

async function listNewestOf(
  prisma: Client,
  scopes: Prisma.Sql,
  isDelta = false
): Promise<readonly StoredCrl[]> {
  const kind = isDelta ? Prisma.sql`base_number IS NOT NULL` : Prisma.sql`base_number IS NULL`
  const rows = await runQuery(
    () => prisma.$queryRaw<(Omit<StoredCrl, 'number'> & { readonly number: bigint })[]>`
      SELECT newest.* FROM (${scopes}) AS scope, LATERAL (
        SELECT crl_intent.id::text AS "intentId", authority_id::text AS "authorityId", shards, shard, number,
          base_number IS NOT NULL AS "isDelta", freshest_crl AS "freshestCrl",
          this_update AS "thisUpdate", next_update AS "nextUpdate", entries, tbs_octets AS "tbsOctets",
          signature_algorithm AS "signatureAlgorithm", signature, octets, sha256
        FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = scope.authority_id AND shards = scope.shards AND shard = scope.shard AND ${kind}
        ORDER BY number DESC LIMIT 1
      ) AS newest`
  )
  return rows.map(({ number, ...row }) => ({ ...row, number: Number(number) }))
}

function listShardFacts(prisma: Client): Promise<readonly ShardFacts[]> {
  return runQuery(
    () => prisma.$queryRaw<ShardFacts[]>`
      SELECT scope.authority_id::text AS "authorityId", scope.shards,
        (count(*) FILTER (WHERE newest.next_update IS NULL))::int AS missing, min(newest.next_update) AS "nextUpdate",
        coalesce(sum(newest.entries), 0)::int AS entries, ${deltaColumns},
        coalesce(extract(epoch FROM clock_timestamp() - min(changed.since)), 0)::float8 AS "lagSeconds"
      FROM (${allShards}) AS scope
      ${newestLists}
      LEFT JOIN LATERAL (
        SELECT min(created_at) AS since FROM crl_change
        WHERE authority_id = scope.authority_id AND shards = scope.shards AND shard = scope.shard
      ) AS changed ON true
      GROUP BY scope.authority_id, scope.shards`
  )
}

function listDeltaFacts(prisma: Client): ReturnType<CrlStore['listDeltaFacts']> {
  return runQuery(
    () => prisma.$queryRaw<Awaited<ReturnType<CrlStore['listDeltaFacts']>>[number][]>`
      SELECT scope.authority_id::text AS "authorityId", ${deltaColumns}
      FROM (SELECT id AS authority_id, 0 AS shards, 0 AS shard FROM authority) AS scope ${newestLists}
      GROUP BY scope.authority_id`
  )
}

async function listOwedLast(prisma: Client, before: Date): Promise<readonly string[]> {
  const rows = await runQuery(
    () => prisma.$queryRaw<{ authorityId: string }[]>`
      SELECT compromise.authority_id::text AS "authorityId" FROM authority_compromise AS compromise
      JOIN revocation_order AS ordered ON ordered.id = compromise.order_id
      WHERE compromise.last_crl AND ordered.finished_at < ${before.toISOString()}::timestamptz AND NOT EXISTS (
        SELECT FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = compromise.authority_id AND shards = 0
          AND next_update = ${lastNextUpdate.toISOString()}::timestamptz
      )`
  )
  return rows.map(({ authorityId }) => authorityId)
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
        SELECT min(created_at) AS since FROM crl_change WHERE authority_id = authority.id AND shards = 0
      ) AS changed ON true
      LEFT JOIN LATERAL (
        SELECT created_at FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
        WHERE authority_id = authority.id AND shards = 0 AND shard = 0 ORDER BY number DESC LIMIT 1
      ) AS newest ON true
      LEFT JOIN LATERAL (
        SELECT min(ends_at) AS since FROM certificate_status
        WHERE authority_id = authority.id AND state <> 'revoked' AND ends_at <= ${time}::timestamptz
          AND ends_at > newest.created_at
      ) AS ended ON true
      WHERE least(changed.since, ended.since) IS NOT NULL`
  )
}
