import type { AuditEvent } from '../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { AwsPlace } from '../../iot/place.ts'
import { hasOther } from '../../push/push-store.ts'
import type { WalkError } from '../reconciliation.ts'
import { isSuperseded } from './candidates-store.ts'
import type { ItemState } from './clean-up.ts'

/** One that this process is about to delete. */
export interface ClaimedItem {
  /** A decimal number. */
  readonly id: string
  readonly registrationId: string
  readonly authorityId: string
  /** Null of a certificate. */
  readonly thing: string | null
  /** The certificate's id, or SHA-256 of the thing's name: lower-case hex. */
  readonly keyHex: string
  readonly intentId: string
  readonly observed: string | null
  readonly things: readonly string[]
}

/** What the record says of one now. */
export interface ItemStanding {
  /** It has ended, since another has come in its place. */
  readonly isSuperseded: boolean
  /** How many other certificates in effect its device has; more than there are where that is not known. */
  readonly others: number
  /** Whether it is in effect itself. */
  readonly isInEffect: boolean
  /** Undefined where its month is detached. */
  readonly certificateDer: Uint8Array | undefined
}

/** What became of one. */
export interface ItemOutcome {
  readonly state: Exclude<ItemState, 'waiting'>
  /** Why it was left, or failed. */
  readonly detail?: WalkError | undefined
}

export type FinalCounts = Readonly<Record<Exclude<ItemState, 'waiting'>, number>>

interface Claiming {
  /** Who takes them. */
  readonly run: string
  readonly limit: number
  readonly leaseMs: number
}

export interface ItemStore {
  /** Where there is something to do. */
  listPlaces(): Promise<readonly AwsPlace[]>
  /** The account of a place, where that is known. */
  findAccount(place: AwsPlace): Promise<string | undefined>
  /**
   * Takes some for `leaseMs`, at most 60 s, by the database's clock, those first that were tried least. Who dies leaves them to others
   * after that.
   */
  claim(place: AwsPlace, claiming: Claiming): Promise<readonly ClaimedItem[]>
  /** Undefined where its month is detached. */
  findStanding(item: ClaimedItem): Promise<ItemStanding | undefined>
  /** Whether its device has another certificate in effect, or that is not known since its month is detached. */
  hasOther(item: Pick<ClaimedItem, 'intentId'>): Promise<boolean>
  /** The things that a certificate is about to be taken from. */
  noteThings(item: Pick<ClaimedItem, 'id'>, things: readonly string[]): Promise<void>
  /** Keeps what became of it, unless another has taken it up since. */
  settle(item: ClaimedItem, run: string, outcome: ItemOutcome): Promise<void>
  /** Gives one back that AWS did not answer for, to come behind the others. */
  putBack(item: ClaimedItem, run: string, error: WalkError): Promise<void>
  /** Gives back what is not settled. */
  release(run: string): Promise<void>
  /** AWS takes calls in a place again. */
  recover(place: AwsPlace): Promise<void>
  /** Keeps why nothing goes on in a place; what has not gone on for `givenUpSeconds` fails. */
  postpone(place: AwsPlace, error: WalkError, givenUpSeconds: number): Promise<void>
  /** Ends those of which everything has, and takes away the oldest. @param eventOf what is kept of each. */
  finish(at: Date, eventOf: (id: string, counts: FinalCounts) => AuditEvent): Promise<void>
}

/** Of earlier orders, so many are kept. */
const mostKept = 100

export function createItemStore({ prisma }: Database): ItemStore {
  return {
    listPlaces: () =>
      runQuery(
        () => prisma.$queryRaw<AwsPlace[]>`
          SELECT registration.account_alias AS "accountAlias", registration.region FROM aws_registration AS registration
          WHERE EXISTS (
            SELECT FROM fleet_clean_up_item WHERE registration_id = registration.id AND state = 'waiting'
          )
          GROUP BY 1, 2`
      ),
    async findAccount({ accountAlias, region }) {
      const where = { awsAccountId: { not: null }, registration: { accountAlias, region } }
      const row = await runQuery(() => prisma.awsRegistrationState.findFirst({ where }))
      return row?.awsAccountId ?? undefined
    },
    claim: (place, claiming) =>
      runQuery(() => prisma.$queryRaw<ClaimedItem[]>(claimStatement(place, claiming))),
    async findStanding({ intentId }) {
      const rows = await runQuery(() => prisma.$queryRaw<ItemStanding[]>(standingStatement(intentId)))
      return rows[0]
    },
    hasOther: ({ intentId }) => runQuery(() => hasOther(prisma, intentId)),
    async noteThings({ id }, things) {
      await runQuery(
        () => prisma.$executeRaw`
          UPDATE fleet_clean_up_item SET things = ${[...things]}::text[], observed = 'INACTIVE' WHERE id = ${id}::bigint`
      )
    },
    settle: (item, run, outcome) =>
      runQuery(() => prisma.$transaction(each => settle(each, item, { run, outcome }), transactionLimits)),
    async putBack({ id }, run, error) {
      await runQuery(
        () => prisma.$executeRaw`
          UPDATE fleet_clean_up_item SET tries = tries + 1, detail = ${JSON.stringify(error)}::jsonb,
            failing_since = coalesce(failing_since, clock_timestamp()), claimed_by = NULL, claimed_until = NULL
          WHERE id = ${id}::bigint AND state = 'waiting' AND claimed_by = ${run}::uuid`
      )
    },
    async release(run) {
      await runQuery(
        () => prisma.$executeRaw`
          UPDATE fleet_clean_up_item SET claimed_by = NULL, claimed_until = NULL
          WHERE id IN (${waiting(Prisma.sql`item.claimed_by = ${run}::uuid`)})`
      )
    },
    async recover(place) {
      await runQuery(
        () => prisma.$executeRaw`
          UPDATE fleet_clean_up_item SET failing_since = NULL, detail = NULL
          WHERE id IN (${waiting(Prisma.sql`${isOf(place)} AND item.failing_since IS NOT NULL`)})`
      )
    },
    async postpone(place, error, givenUpSeconds) {
      await runQuery(() => prisma.$executeRaw(postponeStatement(place, error, givenUpSeconds)))
    },
    finish: (at, eventOf) =>
      runQuery(() => prisma.$transaction(each => finishAll(each, at, eventOf), transactionLimits))
  }
}

/** No lease is as long as what a clock that was ahead has written, so that holds nothing back. */
function claimStatement(place: AwsPlace, { run, limit, leaseMs }: Claiming): Prisma.Sql {
  return Prisma.sql`
    WITH chosen AS MATERIALIZED (
      SELECT item.id, registration.authority_id
      FROM aws_registration AS registration
      JOIN fleet_clean_up_item AS item ON item.registration_id = registration.id AND item.state = 'waiting'
      WHERE ${isOf(place)} AND (
          item.claimed_until IS NULL
          OR item.claimed_until NOT BETWEEN clock_timestamp() AND clock_timestamp() + interval '61 seconds'
        )
      ORDER BY item.tries, item.id LIMIT ${limit} FOR UPDATE OF item SKIP LOCKED
    )
    UPDATE fleet_clean_up_item AS item SET claimed_by = ${run}::uuid,
      claimed_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1_000}::float8)
    FROM chosen WHERE item.id = chosen.id
    RETURNING item.id::text, item.registration_id::text AS "registrationId",
      chosen.authority_id::text AS "authorityId", item.thing, encode(item.key, 'hex') AS "keyHex",
      item.intent_id::text AS "intentId", item.observed, item.things`
}

function standingStatement(intentId: string): Prisma.Sql {
  return Prisma.sql`
    SELECT coalesce(${isSuperseded}, false) AS "isSuperseded", effect.others, effect.own > 0 AS "isInEffect",
      issued.certificate_der AS "certificateDer"
    FROM intent
    LEFT JOIN issued ON issued.intent_id = intent.id
    LEFT JOIN certificate_status AS standing ON standing.intent_id = intent.id
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE id <> intent.id)::integer AS others, count(*) FILTER (WHERE id = intent.id) AS own
      FROM in_effect(intent.device_sha256, NULL) AS id
    ) AS effect
    WHERE intent.id = ${intentId}::uuid`
}

interface Settling {
  readonly run: string
  readonly outcome: ItemOutcome
}

async function settle(
  transaction: Prisma.TransactionClient,
  { id, registrationId, thing, keyHex }: ClaimedItem,
  { run, outcome: { state, detail } }: Settling
): Promise<void> {
  const settled = await transaction.$executeRaw`
    UPDATE fleet_clean_up_item SET state = ${state}, ended_at = clock_timestamp(),
      detail = ${detail === undefined ? null : JSON.stringify(detail)}::jsonb, claimed_by = NULL, claimed_until = NULL
    WHERE id = ${id}::bigint AND state = 'waiting' AND claimed_by = ${run}::uuid`
  if (settled === 0) return
  if (state !== 'done' || thing === null) return
  await transaction.$executeRaw`
    DELETE FROM fleet_finding WHERE place_id = ${registrationId}::uuid AND kind = 'orphaned-thing'
      AND key = decode(${keyHex}, 'hex')`
}

/** Of some that wait, the ids, locked: in one order, so that two who lock some do not wait for each other. */
const waiting = (condition: Prisma.Sql) => Prisma.sql`
  SELECT item.id FROM fleet_clean_up_item AS item
  JOIN aws_registration AS registration ON registration.id = item.registration_id
  WHERE item.state = 'waiting' AND ${condition}
  ORDER BY item.id FOR UPDATE OF item`

const isOf = ({ accountAlias, region }: AwsPlace) => Prisma.sql`
  registration.account_alias = ${accountAlias} AND registration.region = ${region}`

function postponeStatement(place: AwsPlace, error: WalkError, givenUpSeconds: number): Prisma.Sql {
  const isOver = Prisma.sql`failing_since < clock_timestamp() - make_interval(secs => ${givenUpSeconds}::float8)`
  return Prisma.sql`
    UPDATE fleet_clean_up_item SET detail = ${JSON.stringify(error)}::jsonb,
      failing_since = coalesce(failing_since, clock_timestamp()),
      state = CASE WHEN ${isOver} THEN 'failed' ELSE 'waiting' END,
      ended_at = CASE WHEN ${isOver} THEN clock_timestamp() END
    WHERE id IN (${waiting(isOf(place))})`
}

async function finishAll(
  transaction: Prisma.TransactionClient,
  at: Date,
  eventOf: (id: string, counts: FinalCounts) => AuditEvent
): Promise<void> {
  const ended = await transaction.$queryRaw<{ id: string; counts: FinalCounts }[]>`
    UPDATE fleet_clean_up AS own SET finished_at = ${at}::timestamptz
    WHERE finished_at IS NULL
      AND NOT EXISTS (SELECT FROM fleet_clean_up_item WHERE clean_up_id = own.id AND state = 'waiting')
    RETURNING id::text, (
      SELECT jsonb_build_object(
        'done', count(*) FILTER (WHERE state = 'done'), 'left', count(*) FILTER (WHERE state = 'left'),
        'failed', count(*) FILTER (WHERE state = 'failed')
      ) FROM fleet_clean_up_item WHERE clean_up_id = own.id
    ) AS counts`
  for (const { id, counts } of ended) await insertAuditEvent(transaction, eventOf(id, counts))
  if (ended.length === 0) return
  await transaction.$executeRaw`
    DELETE FROM fleet_clean_up WHERE finished_at IS NOT NULL AND id <= (
      SELECT id FROM fleet_clean_up ORDER BY id DESC OFFSET ${mostKept}::integer LIMIT 1
    )`
}
