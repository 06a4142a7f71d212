import { type Database, transactionLimits } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { FoundFinding } from '../finding.ts'
import { type FindingSources, putFindings } from '../walk/finding-store.ts'
import type { Walk } from '../walk/walk.ts'
import { holdWalk } from '../walk/walk-store.ts'

/** A thing, and the record of the certificate that it is of; null where that is not known. */
export interface Orphan {
  readonly thing: string
  readonly intentId: string | null
}

/** What became of some things. */
interface JudgedThings extends FindingSources {
  readonly things: readonly string[]
  /** Of those that nothing is attached to. */
  readonly found: readonly FoundFinding[]
}

export interface OrphanStore {
  /** Some of the things of certificates that AWS holds no more, and of those that were found before. */
  next(walk: Walk, limit: number): Promise<readonly Orphan[]>
  /** In one transaction, after which they are not listed again. Where another look has come since, nothing changes. */
  keep(walk: Walk, judged: JudgedThings): Promise<void>
}

export function createOrphanStore({ prisma }: Database): OrphanStore {
  return {
    next: ({ registrationId, reconciliationId }, limit) =>
      runQuery(
        // Of certificates of several devices it is not known whose it is to be.
        () => prisma.$queryRaw<Orphan[]>`
          SELECT thing, CASE WHEN count(*) = count(intent.id) AND count(DISTINCT intent.device_sha256) = 1
            THEN max(intent.id::text) END AS "intentId"
          FROM (
            SELECT details ->> 'thing' AS thing, intent_id FROM fleet_finding
            WHERE place_id = ${registrationId}::uuid AND kind = 'orphaned-thing'
              AND confirmed_by <> ${reconciliationId}::uuid
            UNION ALL
            SELECT unnest(things), intent_id FROM fleet_certificate
            WHERE registration_id = ${registrationId}::uuid AND seen_by <> ${reconciliationId}::uuid
          ) AS candidate
          LEFT JOIN intent ON intent.id = candidate.intent_id
          GROUP BY thing LIMIT ${limit}`
      ),
    keep: (walk, { things, found, ...sources }) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const { registrationId, reconciliationId } = walk
          // Who was asleep meanwhile would take what a later look has seen for what AWS holds no more.
          if (!(await holdWalk(transaction, walk))) return
          await putFindings(transaction, walk, { found, ...sources })
          // Found before, and mended since.
          await transaction.$executeRaw`
            DELETE FROM fleet_finding
            WHERE place_id = ${registrationId}::uuid AND kind = 'orphaned-thing'
              AND confirmed_by <> ${reconciliationId}::uuid AND details ->> 'thing' = ANY(${[...things]}::text[])`
          await transaction.$executeRaw`
            UPDATE fleet_certificate SET things = ARRAY(
              SELECT thing FROM unnest(things) AS thing WHERE thing <> ALL(${[...things]}::text[])
            )
            WHERE registration_id = ${registrationId}::uuid AND seen_by <> ${reconciliationId}::uuid
              AND things && ${[...things]}::text[]`
        }, transactionLimits)
      )
  }
}
