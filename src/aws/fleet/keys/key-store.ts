import {
  type Database,
  isStatementTimeout,
  transactionLimits,
  translateDatabaseError
} from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { systemStopwatch } from '../../../sources/clock.ts'
import type { FoundFinding } from '../finding.ts'
import type { WalkError } from '../reconciliation.ts'
import { type FindingSources, putFindings } from '../walk/finding-store.ts'
import type { Walk } from '../walk/walk.ts'
import { advanceStatement } from '../walk/walk-store.ts'

interface OwnUses {
  /** When the key was used last by what is on record. */
  readonly lastAt: Date
  /** An intent without an outcome may have been signed at any time. */
  readonly hasOpen: boolean
  /** The end of the newest month that is detached: what was signed before it may be nowhere in sight. */
  readonly detachedUntil: Date | null
}

interface KeptKeyUse extends FindingSources {
  readonly found: readonly FoundFinding[]
  /** Why it is not known when the key was used. */
  readonly error: WalkError | null
}

export interface KeyStore {
  findOwnUses(walk: Walk): Promise<OwnUses>
  /**
   * Whether an intent of the last 35 days was completed at that time or since: so long after it was asked for. Undefined where the
   * database does not find that out in a minute.
   *
   * @param signal ends it with its reason.
   */
  hasLateCompletion(walk: Walk, at: Date, signal: AbortSignal): Promise<boolean | undefined>
  /** Goes on to the next phase, in one transaction with what was found. */
  keep(walk: Walk, kept: KeptKeyUse): Promise<void>
}

/** @param search reads with: that must not hold up the issuance path. */
export function createKeyStore({ prisma }: Database, search: Database): KeyStore {
  return {
    findOwnUses: walk => runQuery(async () => (await prisma.$queryRaw<OwnUses[]>(usesStatement(walk)))[0]!),
    hasLateCompletion: (walk, at, signal) => findLateCompletion(search, walk, { at, signal }),
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

const longestLateMs = 60_000
const lookedAtOnce = 2_000
/** No id is larger. */
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** From the newest on, some at a time: a CA may have issued millions in these days. */
async function findLateCompletion(
  { prisma }: Database,
  { authorityId }: Walk,
  { at, signal }: { readonly at: Date; readonly signal: AbortSignal }
): Promise<boolean | undefined> {
  const endMs = systemStopwatch() + longestLateMs
  let before: string | null = lastId
  try {
    while (before !== null) {
      signal.throwIfAborted()
      if (systemStopwatch() >= endMs) return undefined
      const statement = lateStatement(authorityId, { at, before })
      const [looked] = await prisma.$queryRaw<{ isLate: boolean; before: string | null }[]>(statement)
      if (looked!.isLate) return true
      before = looked!.before
    }
    return false
  } catch (error) {
    signal.throwIfAborted()
    if (isStatementTimeout(error)) return undefined
    throw translateDatabaseError(error)
  }
}

const lateStatement = (
  authorityId: string,
  { at, before }: { readonly at: Date; readonly before: string }
) => Prisma.sql`
  WITH looked AS MATERIALIZED (
    SELECT id FROM intent WHERE authority_id = ${authorityId}::uuid AND id < ${before}::uuid
      AND id > first_id_of((clock_timestamp() - interval '35 days') AT TIME ZONE 'UTC')
    ORDER BY id DESC LIMIT ${lookedAtOnce}
  )
  SELECT (SELECT id::text FROM looked ORDER BY looked.id LIMIT 1) AS before, EXISTS (
    SELECT FROM looked JOIN issued ON issued.intent_id = looked.id WHERE issued.issued_at >= ${at}::timestamptz
  ) AS "isLate"`

/**
 * Of certificates of devices, the newest intents decide: one that was completed late is looked for where this does not explain a use.
 * What stands for each use is when it was asked for, and when its signature was kept: that may be hours later, as where KMS was away.
 * A key belongs to one CA alone.
 */
const usesStatement = ({ authorityId }: Walk) => Prisma.sql`
  WITH own AS MATERIALIZED (SELECT * FROM authority WHERE id = ${authorityId}::uuid)
  SELECT greatest(
    (SELECT created_at FROM own),
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
    (
      SELECT max(greatest(made.created_at, signed_at)) FROM crl_intent AS made
      LEFT JOIN crl ON intent_id = made.id WHERE authority_id IN (SELECT id FROM own)
    ),
    (
      SELECT max(greatest(made.created_at, issued_at)) FROM ocsp_responder_intent AS made
      LEFT JOIN ocsp_responder ON intent_id = made.id WHERE authority_id IN (SELECT id FROM own)
    ),
    (
      SELECT max(greatest(made.created_at, cross_certificate.created_at)) FROM authority_certificate_intent AS made
      LEFT JOIN cross_certificate ON intent_id = made.id
      WHERE made.issuer_id IN (SELECT id FROM own) OR made.signer IN (SELECT signer FROM own)
    ),
    (
      SELECT max(greatest(made.created_at, signed.created_at)) FROM aws_verification AS made
      JOIN aws_registration ON aws_registration.id = registration_id
      LEFT JOIN aws_verification_certificate AS signed ON verification_id = made.id
      WHERE authority_id IN (SELECT id FROM own)
    )
  ) AS "lastAt",
  EXISTS (
    SELECT FROM open_intent JOIN intent ON intent.id = open_intent.intent_id
    WHERE intent.authority_id IN (SELECT id FROM own)
  ) AS "hasOpen",
  (
    SELECT (to_date(max(month), 'YYYY-MM') + interval '1 month') AT TIME ZONE 'UTC' FROM detached_month
  ) AS "detachedUntil"`
