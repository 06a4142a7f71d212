import type { Database } from '../../../database/database.ts'
import { runQuery } from '../../../database/run-query.ts'

/** Which CRL is at a place. */
export interface Publication {
  readonly target: string
  readonly path: string
  /** Of the CRL that was put there last, or found to be there; null where none was. */
  readonly intentId: string | null
  readonly failingSince: Date | null
  readonly failure: string | null
}

/** A file at a place. */
interface PublicationKey {
  readonly target: string
  readonly path: string
}

export interface PublicationStore {
  list(): Promise<readonly Publication[]>
  /** It is there. */
  publish(key: PublicationKey, intentId: string, at: Date): Promise<void>
  /** @param failure at most 1,000 characters. */
  fail(key: PublicationKey, failure: string, at: Date): Promise<void>
  /** Forgets places that are not set any more. */
  keepOnly(targets: readonly string[]): Promise<void>
}

export function createPublicationStore({ prisma }: Pick<Database, 'prisma'>): PublicationStore {
  return {
    list: () =>
      runQuery(() =>
        prisma.crlPublication.findMany({
          select: { target: true, path: true, intentId: true, failingSince: true, failure: true }
        })
      ),
    async publish({ target, path }, intentId, publishedAt) {
      const stand = { intentId, publishedAt, failingSince: null, failure: null }
      await runQuery(() =>
        prisma.crlPublication.upsert({
          where: { target_path: { target, path } },
          create: { target, path, ...stand },
          update: stand
        })
      )
    },
    async fail({ target, path }, failure, at) {
      await runQuery(
        () => prisma.$executeRaw`
          INSERT INTO crl_publication AS known (target, path, failing_since, failure)
          VALUES (${target}, ${path}, ${at.toISOString()}::timestamptz, ${failure})
          ON CONFLICT (target, path) DO UPDATE
          SET failing_since = coalesce(known.failing_since, EXCLUDED.failing_since), failure = EXCLUDED.failure`
      )
    },
    async keepOnly(targets) {
      await runQuery(() => prisma.crlPublication.deleteMany({ where: { target: { notIn: [...targets] } } }))
    }
  }
}
