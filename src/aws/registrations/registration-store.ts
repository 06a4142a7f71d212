import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, isUniqueViolation, transactionLimits } from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import type { PageQuery } from '../../sources/page.ts'
import type { ObservedRegistration } from '../iot/ca-registration.ts'
import type { Drift } from '../iot/examination.ts'
import type { DesiredRegistration } from './desired-registration.ts'
import { maximumSteps, type RegistrationStep } from './runs/step.ts'

/** A registration and the newest of what was asked for. */
export interface StoredRegistration {
  readonly id: string
  readonly authorityId: string
  readonly accountAlias: string
  readonly region: string
  readonly createdAt: Date
  /** From 1. */
  readonly version: number
  readonly desired: DesiredRegistration
  /** Of the newest version. */
  readonly changedAt: Date
  readonly changedBy: string
  /** Undefined before the first look at AWS. */
  readonly state: StoredState | undefined
}

/** What is known of AWS, as of `checkedAt`, about one version of what was asked for. */
export interface StoredState {
  readonly state: 'registered' | 'drifted' | 'blocked' | 'failed'
  readonly version: number
  readonly profileVersion: number | null
  /** The profile's version that could not be brought about, of a blocked or failed one. */
  readonly triedProfileVersion: number | null
  /** Of the account that held the CA at the last look. */
  readonly awsAccountId: string | null
  readonly observed: ObservedRegistration | null
  readonly drift: readonly Drift[]
  readonly lastError: LastError | null
  readonly checkedAt: Date
  /** When a failed one is tried again without being asked to. */
  readonly retryAt: Date | null
}

export interface LastError {
  readonly code: string
  readonly detail: string
}

/** A new version of what is asked for, with its audit event; `create` where there is no registration yet. */
export interface RegistrationChange {
  readonly create?: Pick<StoredRegistration, 'authorityId' | 'accountAlias' | 'region'> | undefined
  readonly registrationId: string
  readonly versionId: string
  readonly version: number
  readonly desired: DesiredRegistration
  readonly event: AuditEvent
}

/** A registration that is not as it is asked for. */
interface Unsettled {
  /** Name of the generation. */
  readonly authority: string
  readonly region: string
  readonly accountAlias: string
  readonly state: Exclude<StoredState['state'], 'registered'>
}

export interface RegistrationStore {
  /** Those that are not as asked for, as of what is known of what was asked for last: how many, and the oldest of them. */
  unsettled(most: number): Promise<{ readonly count: number; readonly first: readonly Unsettled[] }>
  /** Oldest first, all of them unless a page is asked for. */
  list(filter?: RegistrationFilter, page?: PageQuery): Promise<readonly StoredRegistration[]>
  /** The latest `maximumSteps`, oldest first. */
  steps(registrationId: string): Promise<readonly RegistrationStep[]>
  /** Whether a step of this name was ever done. */
  hasDone(registrationId: string, step: string): Promise<boolean>
  /** All of the changes or none. False when another administrator's came first. */
  change(changes: readonly RegistrationChange[]): Promise<boolean>
  addEvent(event: AuditEvent): Promise<void>
  addStep(registrationId: string, step: RegistrationStep): Promise<void>
  /**
   * In place of what was known, with an audit event where the change is worth one.
   */
  putState(registrationId: string, state: StoredState, options?: PutOptions): Promise<void>
}

/** Processes on one database may be apart by so much. */
export const clocksApartMs = 10_000

interface PutOptions {
  readonly event?: AuditEvent | undefined
  /** When given, nothing is written where something was known later than `time`, unless by a clock that was ahead of `now`. */
  readonly since?: { readonly time: Date; readonly now: Date } | undefined
}

interface RegistrationFilter {
  readonly id?: string
  readonly authorityId?: string
  readonly region?: string
  readonly accountAlias?: string
}

type RegistrationRow = Prisma.AwsRegistrationGetPayload<{ include: { versions: true; state: true } }>

export function createRegistrationStore(database: Database): RegistrationStore {
  const client = database.prisma
  return {
    async list(filter = {}, page) {
      const rows = await runQuery(() =>
        client.awsRegistration.findMany({
          where: { ...filter, ...(page?.cursor !== undefined && { id: { gt: page.cursor } }) },
          ...(page !== undefined && { take: page.limit }),
          orderBy: { id: 'asc' },
          include: { versions: { orderBy: { version: 'desc' }, take: 1 }, state: true }
        })
      )
      return rows.map(toRegistration)
    },
    unsettled: most => findUnsettled(client, most),
    async steps(registrationId) {
      const rows = await runQuery(() =>
        client.awsRegistrationStep.findMany({
          where: { registrationId },
          orderBy: { id: 'desc' },
          take: maximumSteps
        })
      )
      return rows.reverse().map(({ registrationId: _, outcome, ...row }) => ({
        ...row,
        outcome: outcome as RegistrationStep['outcome']
      }))
    },
    async hasDone(registrationId, step) {
      const where = { registrationId, step, outcome: 'done' }
      return (await runQuery(() => client.awsRegistrationStep.findFirst({ where }))) !== null
    },
    change: changes =>
      runQuery(async () => {
        try {
          await client.$transaction(async transaction => {
            for (const change of changes) await insertChange(transaction, change)
          }, transactionLimits)
          return true
        } catch (error) {
          if (isUniqueViolation(error)) return false
          throw error
        }
      }),
    addEvent: event => runQuery(() => client.$transaction(each => insertAuditEvent(each, event))),
    async addStep(registrationId, step) {
      await runQuery(() => client.awsRegistrationStep.create({ data: { ...step, registrationId } }))
    },
    async putState(registrationId, state, { event, since } = {}) {
      const row = { registrationId, ...toStateRow(state) }
      await runQuery(() =>
        client.$transaction(async transaction => {
          const isPut = await putRow(transaction, row, since)
          if (isPut && event !== undefined) await insertAuditEvent(transaction, event)
        })
      )
    }
  }
}

/** False where something was known later than `since`. */
async function putRow(
  transaction: Prisma.TransactionClient,
  { registrationId, ...data }: { readonly registrationId: string } & ReturnType<typeof toStateRow>,
  since: PutOptions['since']
): Promise<boolean> {
  const isKnown = { registrationId, ...(since !== undefined && { NOT: { checkedAt: laterThan(since) } }) }
  const updated = await transaction.awsRegistrationState.updateMany({ where: isKnown, data })
  if (updated.count > 0) return true
  const created = await transaction.awsRegistrationState.createMany({
    data: [{ registrationId, ...data }],
    skipDuplicates: true
  })
  return created.count > 0
}

/** What was known in the future was so by a clock that was wrong. */
function laterThan({ time, now }: NonNullable<PutOptions['since']>) {
  return { gt: time, lte: new Date(now.getTime() + clocksApartMs) }
}

async function insertChange(
  transaction: Prisma.TransactionClient,
  { create, registrationId, versionId, version, desired, event }: RegistrationChange
): Promise<void> {
  const { createdAt, actor: createdBy } = event
  const document: object = desired
  if (create !== undefined) {
    await transaction.awsRegistration.create({
      data: { id: registrationId, ...create, createdAt, createdBy }
    })
  }
  await transaction.awsRegistrationVersion.create({
    data: { id: versionId, registrationId, version, desired: document, createdAt, createdBy }
  })
  await insertAuditEvent(transaction, event)
}

async function findUnsettled(client: Database['prisma'], most: number) {
  const rows = await runQuery(
    () => client.$queryRaw<(Unsettled & { count: number })[]>`
      SELECT authority.name AS authority, region, account_alias AS "accountAlias", held.state,
        count(*) OVER ()::int AS count
      FROM aws_registration JOIN aws_registration_state AS held ON held.registration_id = aws_registration.id
      JOIN authority ON authority.id = authority_id
      WHERE held.state <> 'registered' AND held.version = (
        SELECT max(version) FROM aws_registration_version AS asked WHERE asked.registration_id = aws_registration.id
      )
      ORDER BY aws_registration.id LIMIT ${most}`
  )
  return { count: rows[0]?.count ?? 0, first: rows.map(({ count: _, ...row }) => row) }
}

function toStateRow({ observed, drift, lastError, ...rest }: StoredState) {
  return {
    ...rest,
    // Undefined would leave what was there.
    observed: observed === null ? Prisma.DbNull : { ...observed },
    drift: drift.map(each => ({ ...each })),
    lastError: lastError === null ? Prisma.DbNull : { ...lastError }
  }
}

function toRegistration({ versions, state, createdBy: _, ...row }: RegistrationRow): StoredRegistration {
  const newest = versions[0]!
  return {
    ...row,
    version: newest.version,
    desired: newest.desired as unknown as DesiredRegistration,
    changedAt: newest.createdAt,
    changedBy: newest.createdBy,
    state: state === null ? undefined : toState(state)
  }
}

function toState({ registrationId: _, ...row }: NonNullable<RegistrationRow['state']>): StoredState {
  return {
    ...row,
    state: row.state as StoredState['state'],
    observed: row.observed as ObservedRegistration | null,
    drift: row.drift as unknown as readonly Drift[],
    lastError: row.lastError as LastError | null
  }
}
