import type { Database } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { Compromise, CompromiseStore, Unfinished } from './compromise.ts'

/** How many certificates one statement looks at, which takes some tenths of a second. */
const lookedAtOnce = 5_000

/** Over a pool that must not hold up the issuance path. */
export function createCompromiseStore({ prisma }: Database): CompromiseStore {
  return {
    async find(authority) {
      const [row] = await runQuery(
        () => prisma.$queryRaw<(Compromise & { readonly lastCrlNumber: bigint | null })[]>`
          SELECT authority.id::text AS "authorityId", authority.name AS authority, compromise.created_at AS "createdAt", actor, note,
            order_id::text AS "orderId",
            coalesce((SELECT finished_at IS NOT NULL FROM revocation_order WHERE id = order_id), true) AS "isAllRevoked",
            (SELECT name FROM authority AS successor WHERE successor.line = authority.line AND successor.state = 'active') AS successor,
            CASE WHEN NOT last_crl THEN 'none' WHEN last.number IS NULL THEN 'waiting' ELSE 'signed' END AS "lastCrl",
            last.number AS "lastCrlNumber", authority.certificate_der AS "certificateDer", ${left}
          FROM authority_compromise AS compromise
          JOIN authority ON authority.id = compromise.authority_id
          LEFT JOIN LATERAL (
            SELECT number FROM crl_intent JOIN crl ON crl.intent_id = crl_intent.id
            WHERE authority_id = authority.id AND shards = 0 AND next_update = '9999-12-31T23:59:59Z'::timestamptz
            ORDER BY number DESC LIMIT 1
          ) AS last ON true
          WHERE authority.name = ${authority}`
      )
      return row && { ...row, lastCrlNumber: row.lastCrlNumber === null ? null : Number(row.lastCrlNumber) }
    },
    listUnfinished: () =>
      runQuery(
        () => prisma.$queryRaw<Unfinished[]>`
          SELECT * FROM (
            SELECT authority.name AS authority, authority.certificate_der AS "certificateDer", ${left}
            FROM authority_compromise AS compromise
            JOIN authority ON authority.id = compromise.authority_id
            JOIN revocation_order AS placed ON placed.id = compromise.order_id AND placed.finished_at IS NOT NULL
          ) AS own
          WHERE "failed" > 0 OR "detachedMonths" <> '{}'
          ORDER BY authority`
      ),
    lookForUnprovisioned: (authorityId, after, limit) => look(prisma, { authorityId, after, limit })
  }
}

/**
 * Of a `compromise` of an `authority`, what its order could not do: what it failed with, until a later one about the whole generation
 * did not, and the months in which the generation issued and that are detached. Of what was detached by a Mintline that did not keep who
 * issued it, that is not known.
 */
const left = Prisma.sql`
  coalesce((
    SELECT failed FROM revocation_order AS own
    WHERE own.id = compromise.order_id AND NOT EXISTS (
      SELECT FROM revocation_order AS later
      WHERE later.id > own.id AND later.finished_at IS NOT NULL AND later.failed = 0
        AND later.selection ->> 'authority' = authority.name AND NOT later.selection ?| '{from,to}'
    )
  ), 0) AS "failed",
  ARRAY(
    SELECT gone.month FROM detached_month AS gone
    LEFT JOIN detached_issuer AS issuer ON issuer.month = gone.month
    WHERE compromise.order_id IS NOT NULL AND CASE
      WHEN issuer.month IS NULL THEN to_date(gone.month, 'YYYY-MM') <= compromise.created_at AT TIME ZONE 'UTC' AND EXISTS (
        SELECT FROM detached_table WHERE detached_table.month = gone.month AND name LIKE 'intent%' AND rows > 0
      )
      ELSE issuer.authority_id = authority.id OR EXISTS (
        SELECT FROM detached_serial AS serial WHERE serial.authority_id = authority.id AND serial.month = gone.month
      )
    END
    ORDER BY gone.month DESC
  ) AS "detachedMonths"`

interface Look {
  readonly authorityId: string
  readonly after: string | undefined
  readonly limit: number
}

async function look(prisma: Database['prisma'], { authorityId, after, limit }: Look) {
  const rows = await runQuery(
    () => prisma.$queryRaw<{ id: string | null; looked: number; lastId: string | null }[]>`
          WITH looked AS MATERIALIZED (
            SELECT id, device_sha256 FROM intent
            WHERE authority_id = ${authorityId}::uuid AND (${after ?? null}::uuid IS NULL OR id > ${after ?? null}::uuid)
            ORDER BY id LIMIT ${lookedAtOnce}
          )
          SELECT last.*, own.id::text AS id
          FROM (
            SELECT (SELECT count(*)::int FROM looked) AS looked, (SELECT id::text FROM looked ORDER BY id DESC LIMIT 1) AS "lastId"
          ) AS last
          LEFT JOIN LATERAL (
            SELECT id FROM looked
            WHERE EXISTS (SELECT FROM issued WHERE issued.intent_id = looked.id OFFSET 0)
              AND NOT EXISTS (SELECT FROM revocation WHERE revocation.intent_id = looked.id OFFSET 0)
              AND NOT EXISTS (
                SELECT FROM revocation_act AS act
                WHERE act.intent_id = looked.id AND act.act = 'revoke'
                  AND (act.reason <> 'cACompromise' OR act.state_before = 'held')
                  AND NOT EXISTS (SELECT FROM release WHERE release.intent_id = looked.id)
                OFFSET 0
              )
              AND NOT EXISTS (
                SELECT FROM certified_device AS own
                JOIN certified_device AS later ON later.device_sha256 = own.device_sha256 AND later.occurrence > own.occurrence
                JOIN intent AS next ON next.id = later.intent_id
                JOIN authority ON authority.id = next.authority_id AND authority.state <> 'compromised'
                WHERE own.device_sha256 = looked.device_sha256 AND own.intent_id = looked.id
                  AND EXISTS (SELECT FROM issued WHERE issued.intent_id = next.id) OFFSET 0
              )
            ORDER BY id LIMIT ${limit}
          ) AS own ON true
          ORDER BY own.id`
  )
  const { looked, lastId } = rows[0]!
  const ids = rows.flatMap(({ id }) => (id === null ? [] : [id]))
  if (ids.length === limit) return { ids, position: ids.at(-1)! }
  return { ids, position: looked < lookedAtOnce ? undefined : lastId! }
}
