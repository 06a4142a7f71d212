import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { FoundFinding } from '../finding.ts'
import type { WalkError } from '../reconciliation.ts'
import { type FindingSources, putFindings } from '../walk/finding-store.ts'
import type { Walk } from '../walk/walk.ts'
import { advanceStatement } from '../walk/walk-store.ts'

interface OwnUses {
  /** When the key was used last by what is on record, of all CAs that have it. */
  readonly lastAt: Date
  /** An intent without an outcome may have been signed at any time. */
  readonly hasOpen: boolean
}

interface KeptKeyUse extends FindingSources {
  readonly found: readonly FoundFinding[]
  /** Why it is not known when the key was used. */
  readonly error: WalkError | null
}

export interface KeyStore {
  findOwnUses(walk: Walk): Promise<OwnUses>
  /** Whether an intent of the last 35 days was completed at that time or since: so long after it was asked for. */
  hasLateCompletion(walk: Walk, at: Date): Promise<boolean>
  /** Goes on to the next phase, in one transaction with what was found. */
  keep(walk: Walk, kept: KeptKeyUse): Promise<void>
}

export function createKeyStore({ prisma }: Database): KeyStore {
  return {
    findOwnUses: walk => runQuery(async () => (await prisma.$queryRaw<OwnUses[]>(usesStatement(walk)))[0]!),
    hasLateCompletion: ({ authorityId }, at) =>
      runQuery(async () => {
        const rows = await prisma.$queryRaw<unknown[]>`
          SELECT FROM issued JOIN intent ON intent.id = issued.intent_id
          WHERE issued.intent_id > first_id_of((clock_timestamp() - interval '35 days') AT TIME ZONE 'UTC')
            AND issued.issued_at >= ${at}::timestamptz AND intent.authority_id IN (${sameKey(authorityId)})
          LIMIT 1`
        return rows.length > 0
      }),
    keep: (walk, { found, error, ...sources }) =>
      runQuery(() =>
        prisma.$transaction(async transaction => {
          const kept = error === null ? null : JSON.stringify(error)
          const more = Prisma.sql`, key_error = ${kept}::jsonb`
          const isFirst =
            (await transaction.$executeRaw(
              advanceStatement(walk, { phase: 'unseen', position: null }, more)
            )) > 0
          if (isFirst) await putFindings(transaction, walk, { found, ...sources })
        }, transactionLimits)
      )
  }
}

/** The CAs that have the key of that one. */
const sameKey = (authorityId: string) => Prisma.sql`
  SELECT same.id FROM authority AS own JOIN authority AS same ON same.signer = own.signer
  WHERE own.id = ${authorityId}::uuid`

/** Of certificates of devices, the newest intents decide: one that was completed late is looked for where this does not explain a use. */
const usesStatement = ({ authorityId }: Walk) => Prisma.sql`
  WITH own AS MATERIALIZED (SELECT * FROM authority WHERE id IN (${sameKey(authorityId)}))
  SELECT greatest(
    (SELECT max(created_at) FROM own),
    (
      SELECT max(greatest(newest.created_at, issued.issued_at))
      FROM own CROSS JOIN LATERAL (
        SELECT id, created_at FROM intent WHERE authority_id = own.id ORDER BY id DESC LIMIT 1000
      ) AS newest
      LEFT JOIN issued ON issued.intent_id = newest.id
    ),
    (
      SELECT max(greatest(made.created_at, issued_at)) FROM station_certificate_intent AS made
      LEFT JOIN station_certificate ON intent_id = made.id WHERE authority_id IN (SELECT id FROM own)
    ),
    (SELECT max(created_at) FROM crl_intent WHERE authority_id IN (SELECT id FROM own)),
    (SELECT max(created_at) FROM ocsp_responder_intent WHERE authority_id IN (SELECT id FROM own)),
    (
      SELECT max(created_at) FROM authority_certificate_intent
      WHERE issuer_id IN (SELECT id FROM own) OR signer IN (SELECT signer FROM own)
    ),
    (
      SELECT max(made.created_at) FROM aws_verification AS made
      JOIN aws_registration ON aws_registration.id = registration_id WHERE authority_id IN (SELECT id FROM own)
    )
  ) AS "lastAt",
  EXISTS (
    SELECT FROM open_intent JOIN intent ON intent.id = open_intent.intent_id
    WHERE intent.authority_id IN (SELECT id FROM own)
  ) AS "hasOpen"`
