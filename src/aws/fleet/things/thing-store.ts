import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import { nextListed, positionOf } from '../judging/judging-store.ts'
import { onConflict } from '../walk/finding-store.ts'
import type { Walk, WalkAdvance } from '../walk/walk.ts'
import { advanceStatement } from '../walk/walk-store.ts'

interface ThingPart {
  /** Ids of certificates, in lower-case hex, that AWS is to be asked of. */
  readonly toAsk: readonly string[]
  /** Of the last that was looked at; undefined: there are no more. */
  readonly position: Uint8Array | undefined
}

/** The things of a certificate, as AWS said. */
interface AskedThings {
  readonly certificateId: string
  readonly things: readonly string[]
}

export interface ThingStore {
  /** The next of what AWS listed, and which of them it is to be asked of. */
  next(walk: Walk, limit: number): Promise<ThingPart>
  /** Keeps the answers, and what of the part does not agree with the prediction, in one transaction. */
  keep(walk: Walk, to: WalkAdvance, asked: readonly AskedThings[]): Promise<void>
}

/** What AWS said of one is believed for so long. */
const believed = Prisma.sql`interval '30 days'`

/** Null where the template makes none, it is not known, or a rule of the account makes it. */
const predicted = (walk: Walk) => Prisma.sql`
  CASE WHEN ${walk.isProvisioning}::boolean THEN issued.thing ->> 'thingName' END`

export function createThingStore({ prisma }: Database): ThingStore {
  return {
    next: (walk, limit) =>
      runQuery(async () => {
        const rows = await prisma.$queryRaw<{ certificateId: string; isToAsk: boolean }[]>`
          SELECT encode(own.certificate_id, 'hex') AS "certificateId", own.intent_id IS NOT NULL
            AND own.status <> 'PENDING_ACTIVATION' AND ${walk.things} <> 'none' AND (
              ${walk.things} = 'all' OR own.things_at IS NULL
              OR own.things_at NOT BETWEEN clock_timestamp() - ${believed} AND clock_timestamp()
              OR (own.status = 'ACTIVE' AND ${predicted(walk)} IS NOT NULL AND own.things <> ARRAY[${predicted(walk)}])
            ) IS TRUE AS "isToAsk"
          FROM ${nextListed(walk, limit)}
          LEFT JOIN issued ON issued.intent_id = own.intent_id
          ORDER BY own.certificate_id`
        const last = rows.at(-1)
        return {
          toAsk: rows.filter(({ isToAsk }) => isToAsk).map(({ certificateId }) => certificateId),
          position: last && Buffer.from(last.certificateId, 'hex')
        }
      }),
    keep: (walk, to, asked) =>
      runQuery(() => prisma.$transaction(each => keep(each, walk, { to, asked }), transactionLimits))
  }
}

interface Kept {
  readonly to: WalkAdvance
  readonly asked: readonly AskedThings[]
}

async function keep(transaction: Prisma.TransactionClient, walk: Walk, { to, asked }: Kept): Promise<void> {
  const more = Prisma.sql`, asked = asked + ${asked.length}::integer`
  const isFirst = (await transaction.$executeRaw(advanceStatement(walk, to, more))) > 0
  if (!isFirst || to.position === null) return
  // A name of a thing holds no comma and no brace.
  await transaction.$executeRaw`
    UPDATE fleet_certificate AS own SET things = coalesce(string_to_array(nullif(answer.things, ''), ','), '{}'), things_at = clock_timestamp(),
      connected_at = coalesce(own.connected_at, CASE WHEN answer.things <> '' THEN clock_timestamp() END)
    FROM unnest(
      ${asked.map(({ certificateId }) => certificateId)}::text[],
      ${asked.map(({ things }) => things.toSorted().join(','))}::text[]
    ) AS answer(id, things)
    WHERE own.registration_id = ${walk.registrationId}::uuid AND own.certificate_id = decode(answer.id, 'hex')`
  await transaction.$executeRaw(thingStatement(walk, to.position))
}

/** Of those that are let in, and of which AWS was ever asked. */
function thingStatement(walk: Walk, position: Uint8Array): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO fleet_finding AS earlier
      (kind, authority_id, registration_id, place_id, key, intent_id, details, is_alarm, found_at, confirmed_at, confirmed_by)
    SELECT CASE WHEN own.things = '{}' THEN 'without-thing' ELSE 'other-thing' END, ${walk.authorityId}::uuid,
      own.registration_id, own.registration_id, own.certificate_id, own.intent_id,
      jsonb_build_object('status', own.status, 'predictedThing', ${predicted(walk)}, 'things', to_jsonb(own.things)),
      false, clock_timestamp(), clock_timestamp(), own.seen_by
    FROM fleet_certificate AS own JOIN issued ON issued.intent_id = own.intent_id
    WHERE own.registration_id = ${walk.registrationId}::uuid AND own.seen_by = ${walk.reconciliationId}::uuid
      AND own.certificate_id > ${positionOf(walk)} AND own.certificate_id <= ${Buffer.from(position)}::bytea
      AND own.status = 'ACTIVE' AND own.things_at IS NOT NULL AND ${predicted(walk)} IS NOT NULL
      AND own.things <> ARRAY[${predicted(walk)}]
    ORDER BY own.certificate_id
    ${onConflict}`
}
