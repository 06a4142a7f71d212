import type { Database } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import { type ListState, newestColumns, newestLists, type StateRow, toState } from '../list-state-store.ts'
import type { CrlScope } from '../scope.ts'

export interface ShardState extends CrlScope, ListState {}

export interface ShardStore {
  /** Of all, or of those alone for which something waits. */
  listStates(which: 'all' | 'changed'): Promise<readonly ShardState[]>
  /** Under which public addresses certificates name their shard of so many, oldest first. */
  listPublicUrls(authorityId: string, shards: number): Promise<readonly string[]>
  /** Changes with what `notePartitions` goes by. */
  readRules(): Promise<string>
  /**
   * Notes how certificates of the generations that issue are shared out: as each version of a profile of their line says that has
   * been the newest since there is the generation.
   */
  notePartitions(publicUrl: string, at: Date): Promise<void>
}

export function createShardStore({ prisma }: Pick<Database, 'prisma'>): ShardStore {
  return {
    listStates: which => listStates(prisma, which === 'changed'),
    async listPublicUrls(authorityId, shards) {
      const rows = await runQuery(() =>
        prisma.crlPartition.findMany({
          where: { authorityId, shards },
          orderBy: [{ createdAt: 'asc' }, { publicUrl: 'asc' }],
          select: { publicUrl: true }
        })
      )
      return rows.map(({ publicUrl }) => publicUrl)
    },
    async readRules() {
      const [row] = await runQuery(
        () => prisma.$queryRaw<{ rules: string }[]>`
          SELECT concat((SELECT max(id::text) FROM profile_version), (
            SELECT string_agg(concat(id, state), ' ' ORDER BY id) FROM authority
          )) AS rules`
      )
      return row!.rules
    },
    async notePartitions(publicUrl, at) {
      await runQuery(
        () => prisma.$executeRaw`
          INSERT INTO crl_partition (authority_id, shards, public_url, created_at)
          SELECT DISTINCT authority.id, (document -> 'crlDistributionPoint' ->> 'shards')::int, ${publicUrl},
            ${at.toISOString()}::timestamptz
          FROM authority JOIN profile_version AS profile ON document ->> 'authority' = line
          WHERE authority.state IN ('active', 'retiring') AND document -> 'crlDistributionPoint' ->> 'shards' IS NOT NULL
            AND NOT EXISTS (
              SELECT FROM profile_version AS next
              WHERE next.name = profile.name AND next.version = profile.version + 1 AND next.id < authority.id
            )
          ON CONFLICT DO NOTHING`
      )
    }
  }
}

async function listStates(prisma: Database['prisma'], isChanged: boolean): Promise<readonly ShardState[]> {
  const rows = await runQuery(
    () => prisma.$queryRaw<StateRow<ShardState>[]>`
      SELECT scope.authority_id::text AS "authorityId", scope.shards, scope.shard, ${newestColumns},
        changed.id IS NOT NULL AS "hasChanges"
      FROM (
        SELECT authority_id, shards, generate_series(0, shards - 1) AS shard
        FROM (SELECT DISTINCT authority_id, shards FROM crl_partition) AS partition
        WHERE NOT ${isChanged}::boolean
        UNION SELECT authority_id, shards, shard FROM crl_change WHERE ${isChanged}::boolean AND shards > 0
      ) AS scope
      ${newestLists}
      LEFT JOIN LATERAL (
        SELECT id FROM crl_change
        WHERE authority_id = scope.authority_id AND shards = scope.shards AND shard = scope.shard LIMIT 1
      ) AS changed ON true
      ORDER BY scope.authority_id, scope.shards, scope.shard`
  )
  return rows.map(row => toState(row))
}
