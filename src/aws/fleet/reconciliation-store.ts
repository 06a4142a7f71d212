import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, isUniqueViolation, transactionLimits } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { PageQuery } from '../../sources/page.ts'
import type {
  HeldCounts,
  Reconciliation,
  ThingChoice,
  ToldReconciliation,
  ToldWalk,
  WalkError,
  WalkPhase
} from './reconciliation.ts'

interface NewReconciliation {
  readonly event: AuditEvent
  readonly newWalkId: () => string
}

export interface ReconciliationStore {
  /** With a walk for each registration and each CA that has any, in one transaction. False where one goes on already. */
  insert(reconciliation: Reconciliation, more: NewReconciliation): Promise<boolean>
  find(id: string): Promise<ToldReconciliation | undefined>
  findRunning(): Promise<string | undefined>
  /** Newest first. */
  list(query: PageQuery): Promise<readonly Reconciliation[]>
  /** Whether one was begun within that time, by the clock of the database. */
  hasBegunWithin(ms: number): Promise<boolean>
  /**
   * Ends those of which every walk has, or none has gone on for twelve hours, and takes away the oldest.
   *
   * @param eventOf what is kept of each.
   */
  finish(at: Date, eventOf: (id: string, failed: number) => AuditEvent): Promise<void>
}

/** Of earlier looks, so many are kept. */
const mostKept = 100

export function createReconciliationStore({ prisma }: Database): ReconciliationStore {
  return {
    insert: (reconciliation, more) =>
      runQuery(async () => {
        try {
          await prisma.$transaction(each => insertAll(each, reconciliation, more), transactionLimits)
          return true
        } catch (error) {
          if (isUniqueViolation(error)) return false
          throw error
        }
      }),
    async find(id) {
      const row = await runQuery(() =>
        prisma.fleetReconciliation.findUnique({
          where: { id },
          include: {
            walks: { orderBy: [{ authorityId: 'asc' }, { registrationId: { sort: 'asc', nulls: 'last' } }] }
          }
        })
      )
      if (row === null) return undefined
      const { walks, ...own } = row
      const names = await runQuery(() => findNames(prisma, id))
      return { ...toReconciliation(own), walks: walks.map(walk => toWalk(walk, names.get(walk.id)!)) }
    },
    findRunning: () =>
      runQuery(async () => {
        const row = await prisma.fleetReconciliation.findFirst({ where: { finishedAt: null } })
        return row?.id
      }),
    list: ({ cursor, limit }) =>
      runQuery(async () => {
        const where = cursor === undefined ? {} : { id: { lt: cursor } }
        const query = { where, orderBy: { id: 'desc' }, take: limit } as const
        return (await prisma.fleetReconciliation.findMany(query)).map(toReconciliation)
      }),
    hasBegunWithin: ms =>
      runQuery(async () => {
        const rows = await prisma.$queryRaw<unknown[]>`
          SELECT FROM fleet_reconciliation WHERE begun_at <= clock_timestamp()
            AND begun_at > clock_timestamp() - make_interval(secs => ${ms / 1_000}::float8) LIMIT 1`
        return rows.length > 0
      }),
    finish: (at, eventOf) =>
      runQuery(() => prisma.$transaction(each => finishAll(each, at, eventOf), transactionLimits))
  }
}

async function insertAll(
  transaction: Prisma.TransactionClient,
  reconciliation: Reconciliation,
  { event, newWalkId }: NewReconciliation
): Promise<void> {
  await transaction.fleetReconciliation.create({ data: { ...reconciliation } })
  const registrations = await transaction.awsRegistration.findMany({ orderBy: { id: 'asc' } })
  const reconciliationId = reconciliation.id
  const authorityIds = [...new Set(registrations.map(({ authorityId }) => authorityId))]
  await transaction.fleetWalk.createMany({
    data: [
      ...registrations.map(({ id: registrationId, authorityId }) => ({
        id: newWalkId(),
        reconciliationId,
        authorityId,
        registrationId,
        phase: 'listing'
      })),
      ...authorityIds.map(authorityId => ({
        id: newWalkId(),
        reconciliationId,
        authorityId,
        phase: 'keys'
      }))
    ]
  })
  await insertAuditEvent(transaction, event)
}

async function finishAll(
  transaction: Prisma.TransactionClient,
  at: Date,
  eventOf: (id: string, failed: number) => AuditEvent
): Promise<void> {
  await transaction.$executeRaw(endStuckStatement)
  const ended = await transaction.$queryRaw<{ id: string; failed: number }[]>`
    UPDATE fleet_reconciliation AS own SET finished_at = ${at}::timestamptz
    WHERE finished_at IS NULL
      AND NOT EXISTS (SELECT FROM fleet_walk WHERE reconciliation_id = own.id AND ended_at IS NULL)
    RETURNING id::text, (
      SELECT count(*) FROM fleet_walk WHERE reconciliation_id = own.id AND phase = 'failed'
    )::integer AS failed`
  for (const { id, failed } of ended) await insertAuditEvent(transaction, eventOf(id, failed))
  if (ended.length === 0) return
  await transaction.$executeRaw`
    DELETE FROM fleet_reconciliation WHERE finished_at IS NOT NULL AND id <= (
      SELECT id FROM fleet_reconciliation ORDER BY id DESC OFFSET ${mostKept}::integer LIMIT 1
    )`
}

/** Twice as long as AWS may be away. What failed by itself says why; a walk that no step was kept of does not. */
const endStuckStatement = Prisma.sql`
  UPDATE fleet_walk SET phase = 'failed', ended_at = clock_timestamp(), last_error = coalesce(last_error, ${JSON.stringify(
    {
      code: 'fleet_walk_stuck',
      detail:
        'It did not go on for twelve hours, and was ended. The log of the jobs fleet.run and fleet.judge says why.'
    }
  )}::jsonb)
  WHERE ended_at IS NULL AND NOT EXISTS (
    SELECT FROM fleet_walk AS other WHERE other.reconciliation_id = fleet_walk.reconciliation_id
      AND other.advanced_at > clock_timestamp() - interval '12 hours'
  )`

interface WalkNames {
  readonly authority: string
  readonly accountAlias: string | null
  readonly region: string | null
}

async function findNames(
  prisma: Database['prisma'],
  reconciliationId: string
): Promise<ReadonlyMap<string, WalkNames>> {
  const rows = await prisma.$queryRaw<(WalkNames & { readonly id: string })[]>`
    SELECT fleet_walk.id::text, authority.name AS authority, registration.account_alias AS "accountAlias",
      registration.region
    FROM fleet_walk
    JOIN authority ON authority.id = fleet_walk.authority_id
    LEFT JOIN aws_registration AS registration ON registration.id = fleet_walk.registration_id
    WHERE reconciliation_id = ${reconciliationId}::uuid`
  return new Map(rows.map(({ id, ...names }) => [id, names]))
}

type ReconciliationRow = Prisma.FleetReconciliationGetPayload<object>

function toReconciliation({ things, begunAt: _, ...row }: ReconciliationRow): Reconciliation {
  return { ...row, things: things as ThingChoice }
}

function toWalk(
  { phase, listed, asked, held, endedAt, lastError, keyError }: Prisma.FleetWalkGetPayload<object>,
  { authority, accountAlias, region }: WalkNames
): ToldWalk {
  return {
    authority,
    place: region === null ? undefined : { region, accountAlias: accountAlias ?? '' },
    phase: phase as WalkPhase,
    listed,
    asked,
    held: held as HeldCounts | null,
    endedAt,
    lastError: lastError as WalkError | null,
    keyError: keyError as WalkError | null
  }
}
