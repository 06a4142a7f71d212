import type { Database } from '../database/database.ts'
import { runQuery } from '../database/run-query.ts'
import type { IssuedRow, RefusalRow } from '../records/record-model.ts'
import { selectIssuances, selectRefusals } from '../records/record-query.ts'
import { type EventType, factKinds } from './event-type.ts'
import { type RevocationFact, revocationStatement } from './revocation-fact.ts'

/** A record, as it is on record. */
type IssuedFact = IssuedRow & { readonly kind: 'issued' }
type RefusedFact = RefusalRow & { readonly kind: 'refused' }

export interface AuditFact {
  readonly kind: 'audit'
  readonly createdAt: Date
  readonly actor: string
  readonly act: string
  readonly subject: string
  readonly before: Record<string, unknown> | null
  readonly after: Record<string, unknown> | null
  readonly reason: string | null
}

/** An event that waits. */
interface WaitingEvent {
  /** Where it stands in line; a decimal number too large for a double. */
  readonly position: string
  readonly type: EventType
  readonly recordId: string
  readonly batchId: string | null
  /** How often this very event could not be sent, or was refused. */
  readonly refusals: number
}

/** One with the recorded fact that it tells. */
export interface OwedEvent extends WaitingEvent {
  readonly fact: IssuedFact | RefusedFact | AuditFact | RevocationFact
}

/** One that cannot be told now. */
export interface MuteEvent extends WaitingEvent {
  readonly fact: undefined
  /** For the operator. */
  readonly obstacle: string
}

export function isTold(event: OwedEvent | MuteEvent): event is OwedEvent {
  return event.fact !== undefined
}

/** What the webhook is told of. */
interface Subscription {
  readonly enabled: boolean
  readonly eventTypes: readonly EventType[]
}

export interface Backlog {
  /** Not more than `maximumCount` are counted. */
  readonly waiting: number
  /** Of them, how many the receiver refused by themselves; not more than `maximumCount` are counted. */
  readonly refused: number
  /** Of the events in line; those that are set aside are told by `refused`. */
  readonly oldestOwedAt: Date | undefined
  /** By the clock that `oldestOwedAt` is of: the database's. */
  readonly countedAt: Date
}

/** How the delivery goes. Times are the database's. */
interface DeliveryState {
  /** Of the events in line; those that are set aside hold up nobody. */
  readonly oldestOwedAt: Date | undefined
  readonly lastSuccessAt: Date | undefined
  readonly lastError: { readonly at: Date; readonly detail: string } | undefined
  readonly readAt: Date
}

const maximumCount = 100_000
/** Between two tries of an event that is set aside. */
export const longestPauseMs = 60 * 60_000
/** What is due later than so was put off by a wrong clock: a minute more than the longest pause. */
const furthestDueSeconds = longestPauseMs / 1_000 + 60

export interface OutboxStore {
  /** From its commit on, records of these types owe an event. @param newSource becomes the source if there is none yet. */
  subscribe(subscription: Subscription, newSource: string, time: Date): Promise<void>
  /** UUID of this database as the source of its events; undefined before the first webhook. */
  findSource(): Promise<string | undefined>
  /**
   * The batch at the head of the line: the one that was taken before and not removed, as it was, or else the first
   * `limit` that were never refused, as a new batch. Durable before it is given out.
   */
  takeBatch(newBatchId: string, limit: number): Promise<readonly (OwedEvent | MuteEvent)[]>
  /** Refused ones that are due again, by the database's clock, or further ahead than any pause: then it was wrong. */
  listDue(limit: number): Promise<readonly (OwedEvent | MuteEvent)[]>
  /** They are no longer a batch; what is left of them goes into new ones. */
  dissolve(positions: readonly string[]): Promise<void>
  /** Sets it aside and makes it due again after a pause, by the database's clock. */
  postpone(position: string, pauseMs: number, lastError: string): Promise<void>
  /** The receiver took them. */
  remove(positions: readonly string[]): Promise<void>
  /** The receiver did not take a message. @param detail client-safe. */
  recordFailure(detail: string): Promise<void>
  /** An event cannot be told. What the receiver answered since it last took one says more, and stays. */
  recordObstacle(detail: string): Promise<void>
  /** A batch failed once more since a message was last taken. @returns how often, with this one. */
  countFailure(): Promise<number>
  readState(): Promise<DeliveryState>
  backlog(): Promise<Backlog>
  /** The database's time. */
  readTime(): Promise<Date>
}

interface StateRow {
  readonly oldest: Date | null
  readonly lastSuccessAt: Date | null
  readonly lastErrorAt: Date | null
  readonly lastError: string | null
  readonly readAt: Date
}

interface BacklogRow extends Omit<Backlog, 'oldestOwedAt'> {
  readonly oldest: Date | null
}

const owedColumns = `
  outgoing_event.position::text, type, record_id AS "recordId", outgoing_event.batch_id AS "batchId", refusals`

const takeStatement = `
WITH head AS MATERIALIZED (
  SELECT batch_id FROM outgoing_event WHERE refusals = 0 ORDER BY position LIMIT 1
),
chosen AS MATERIALIZED (
  SELECT position FROM outgoing_event
  WHERE refusals = 0 AND batch_id IS NOT DISTINCT FROM (SELECT batch_id FROM head)
  ORDER BY position LIMIT $2
)
UPDATE outgoing_event SET batch_id = coalesce(outgoing_event.batch_id, $1::uuid)
FROM chosen WHERE outgoing_event.position = chosen.position
RETURNING ${owedColumns}`

const dueStatement = `
SELECT ${owedColumns} FROM outgoing_event
WHERE refusals > 0
  AND (due_at <= clock_timestamp() OR due_at > clock_timestamp() + interval '${furthestDueSeconds} seconds')
ORDER BY due_at LIMIT $1`

const issuedStatement = `${selectIssuances} WHERE intent.id = ANY ($1::uuid[]) AND issued.intent_id IS NOT NULL`

const refusedStatement = `${selectRefusals} WHERE id = ANY ($1::uuid[])`

const auditStatement = `
SELECT id, created_at AS "createdAt", actor, act, subject, before, after, reason
FROM audit_event WHERE id = ANY ($1::uuid[])`

const subscribeStatement = `
INSERT INTO webhook (name, source, enabled, event_types, changed_at)
VALUES ('webhook', $1::uuid, $2, $3::text[], $4::timestamptz)
ON CONFLICT (name) DO UPDATE SET
  enabled = excluded.enabled, event_types = excluded.event_types, changed_at = excluded.changed_at
WHERE (webhook.enabled, webhook.event_types) IS DISTINCT FROM (excluded.enabled, excluded.event_types)`

const postponeStatement = `
UPDATE outgoing_event SET batch_id = NULL, refusals = refusals + 1,
  set_aside_at = coalesce(set_aside_at, clock_timestamp()), last_error = $3,
  due_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
WHERE position = $1::bigint`

const backlogStatement = `
SELECT
  (SELECT count(*)::int FROM (SELECT FROM outgoing_event LIMIT $1) AS counted) AS waiting,
  (SELECT count(*)::int FROM (SELECT FROM outgoing_event WHERE refusals > 0 LIMIT $1) AS counted) AS refused,
  (SELECT owed_at FROM outgoing_event WHERE refusals = 0 ORDER BY position LIMIT 1) AS oldest,
  clock_timestamp() AS "countedAt"`

const removeStatement = `
WITH taken AS (DELETE FROM outgoing_event WHERE position = ANY ($1::bigint[]))
INSERT INTO webhook_delivery (name, last_success_at) VALUES ('webhook', clock_timestamp())
ON CONFLICT (name) DO UPDATE SET last_success_at = excluded.last_success_at, failures = 0`

const failureStatement = `
INSERT INTO webhook_delivery (name, last_error_at, last_error) VALUES ('webhook', clock_timestamp(), $1)
ON CONFLICT (name) DO UPDATE SET last_error_at = excluded.last_error_at, last_error = excluded.last_error`

const obstacleStatement = `${failureStatement}
WHERE webhook_delivery.last_error_at IS NULL OR webhook_delivery.last_success_at >= webhook_delivery.last_error_at`

const countFailureStatement = `
UPDATE webhook_delivery SET failures = failures + 1 RETURNING failures`

const stateStatement = `
SELECT
  (SELECT owed_at FROM outgoing_event WHERE refusals = 0 ORDER BY position LIMIT 1) AS oldest,
  last_success_at AS "lastSuccessAt", last_error_at AS "lastErrorAt", last_error AS "lastError",
  clock_timestamp() AS "readAt"
FROM (SELECT) AS once LEFT JOIN webhook_delivery ON true`

const statements = {
  issued: issuedStatement,
  refused: refusedStatement,
  audit: auditStatement,
  revocation: revocationStatement
} as const

type Query = <Row>(statement: string, ...values: unknown[]) => Promise<Row[]>

export function createOutboxStore({ prisma }: Database): OutboxStore {
  const query: Query = <Row>(statement: string, ...values: unknown[]) =>
    runQuery(() => prisma.$queryRawUnsafe<Row[]>(statement, ...values))
  const execute = (statement: string, ...values: unknown[]) =>
    runQuery(() => prisma.$executeRawUnsafe(statement, ...values))

  return {
    async subscribe({ enabled, eventTypes }, newSource, time) {
      await execute(subscribeStatement, newSource, enabled, eventTypes, time.toISOString())
    },
    findSource: async () => (await runQuery(() => prisma.webhook.findFirst()))?.source,
    takeBatch: async (newBatchId, limit) =>
      addFacts(query, await query<WaitingEvent>(takeStatement, newBatchId, limit)),
    listDue: async limit => addFacts(query, await query<WaitingEvent>(dueStatement, limit)),
    async dissolve(positions) {
      await execute(
        'UPDATE outgoing_event SET batch_id = NULL WHERE position = ANY ($1::bigint[])',
        positions
      )
    },
    async postpone(position, pauseMs, lastError) {
      await execute(postponeStatement, position, pauseMs, lastError)
    },
    async remove(positions) {
      await execute(removeStatement, positions)
    },
    async recordFailure(detail) {
      await execute(failureStatement, detail)
    },
    async recordObstacle(detail) {
      await execute(obstacleStatement, detail)
    },
    countFailure: async () => (await query<{ failures: number }>(countFailureStatement))[0]?.failures ?? 1,
    async readState() {
      const [row] = await query<StateRow>(stateStatement)
      return toState(row!)
    },
    async readTime() {
      const [row] = await query<{ time: Date }>('SELECT clock_timestamp() AS time')
      return row!.time
    },
    async backlog() {
      const [row] = await query<BacklogRow>(backlogStatement, maximumCount)
      const { oldest, ...counted } = row!
      return { ...counted, oldestOwedAt: oldest ?? undefined }
    }
  }
}

function toState({ oldest, lastSuccessAt, lastErrorAt, lastError, readAt }: StateRow): DeliveryState {
  return {
    oldestOwedAt: oldest ?? undefined,
    lastSuccessAt: lastSuccessAt ?? undefined,
    lastError:
      lastErrorAt === null || lastError === null ? undefined : { at: lastErrorAt, detail: lastError },
    readAt
  }
}

/** In line, each with its fact where it is there. */
async function addFacts(
  query: Query,
  rows: readonly WaitingEvent[]
): Promise<readonly (OwedEvent | MuteEvent)[]> {
  const facts = new Map<string, OwedEvent['fact']>()
  const known = rows.filter(isOfKnownType)
  for (const [kind, group] of Map.groupBy(known, ({ type }) => factKinds[type])) {
    const ids = group.map(({ recordId }) => recordId)
    const found = await query<Omit<OwedEvent['fact'], 'kind'> & { readonly id: string }>(
      statements[kind],
      ids
    )
    for (const row of found) facts.set(row.id, { ...row, kind } as OwedEvent['fact'])
  }
  return [...rows]
    .sort((a, b) => (BigInt(a.position) < BigInt(b.position) ? -1 : 1))
    .map(row => {
      const fact = facts.get(row.recordId)
      return fact === undefined ? { ...row, fact, obstacle: obstacleOf(row) } : { ...row, fact }
    })
}

/** A newer version of the program on the same database owes types that this one does not know. */
function isOfKnownType({ type }: WaitingEvent): boolean {
  return Object.hasOwn(factKinds, type)
}

function obstacleOf(event: WaitingEvent): string {
  return isOfKnownType(event)
    ? 'The record that it tells is not in the database: its month was detached. Attach the month again, and the event is sent.'
    : 'This version of Mintline does not know events of this type. It is sent once all processes are of the newer version.'
}
