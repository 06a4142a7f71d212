import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import { type Database, isUniqueViolation, type Prisma, transactionLimits } from '../../database/database.ts'
import { runQuery } from '../../database/run-query.ts'
import { firstIdentifierOf } from '../../sources/identifier.ts'
import type { PauseReason, Station, StationQuery, StationSettings } from './station.ts'

interface StationActivity {
  readonly lastSeenAt: Date | null
  readonly issued: number
  readonly refused: number
}

interface IdentityHolder {
  readonly identity: string
  readonly station: Station
}

export interface StationStore {
  find(name: string): Promise<Station | undefined>
  /** By name, which is the cursor. */
  list(query: StationQuery): Promise<readonly Station[]>
  /** False where there is one of that name, or one of its client identities is another station's. */
  insert(station: Station, event: AuditEvent): Promise<boolean>
  /** False where somebody else has changed it since it was `station`, or as above. */
  change(station: Station, changed: Station, event: AuditEvent): Promise<boolean>
  /** False where it is not paused since then any more. */
  resume(station: Station, resumedAt: Date, event: AuditEvent): Promise<boolean>
  /** Whose they are, of those that are somebody's. */
  findHolders(identities: readonly string[]): Promise<readonly IdentityHolder[]>
  /** Of a station since then. */
  activity(name: string, since: Date): Promise<StationActivity>
}

export function createStationStore(database: Database): StationStore {
  const client = database.prisma
  return {
    async find(name) {
      const row = await runQuery(() => client.station.findUnique({ where: { name } }))
      return row === null ? undefined : toStation(row)
    },
    list: ({ limit, cursor, lines }) =>
      runQuery(async () => {
        const where = {
          ...(cursor !== undefined && { name: { gt: cursor } }),
          ...(lines !== undefined && { line: { in: [...lines] } })
        }
        const rows = await client.station.findMany({ where, orderBy: { name: 'asc' }, take: limit })
        return rows.map(toStation)
      }),
    insert: (station, event) =>
      falseIfTaken(() =>
        client.$transaction(async transaction => {
          await insertStation(transaction, station)
          await insertAuditEvent(transaction, event)
          return true
        }, transactionLimits)
      ),
    change: ({ id, changedAt }, changed, event) =>
      falseIfTaken(() =>
        client.$transaction(async transaction => {
          const { count } = await transaction.station.updateMany({
            where: { id, changedAt },
            data: { ...settingsOf(changed), changedAt: changed.changedAt, changedBy: changed.changedBy }
          })
          if (count === 0) return false
          await insertAuditEvent(transaction, event)
          return true
        }, transactionLimits)
      ),
    resume: ({ id, pausedAt }, resumedAt, event) =>
      runQuery(() =>
        client.$transaction(async transaction => {
          const { count } = await transaction.station.updateMany({
            where: { id, pausedAt },
            data: { pausedAt: null, pauseReason: null, resumedAt }
          })
          if (count === 0) return false
          await insertAuditEvent(transaction, event)
          return true
        }, transactionLimits)
      ),
    findHolders: identities =>
      runQuery(async () => {
        const where = { identity: { in: [...identities] } }
        const rows = await client.clientIdentity.findMany({ where, include: { station: true } })
        return rows.map(({ identity, station }) => ({ identity, station: toStation(station) }))
      }),
    activity: (name, since) => findActivity(client, name, since)
  }
}

type StationRow = Prisma.StationGetPayload<object>

export function toStation(row: StationRow): Station {
  return { ...row, pauseReason: row.pauseReason as PauseReason | null }
}

/** A name, or a client identity. */
function falseIfTaken(act: () => Promise<boolean>): Promise<boolean> {
  return runQuery(async () => {
    try {
      return await act()
    } catch (error) {
      if (isUniqueViolation(error)) return false
      throw error
    }
  })
}

async function findActivity(client: Database['prisma'], name: string, since: Date): Promise<StationActivity> {
  const first = firstIdentifierOf(since)
  const [row] = await runQuery(
    () => client.$queryRaw<StationActivity[]>`
          SELECT
            (
              SELECT max(last_used_at) FROM (
                SELECT last_used_at, station_id FROM token_use JOIN token ON token.id = token_id
                UNION ALL
                SELECT last_used_at, station_id FROM client_certificate_use
                JOIN client_certificate ON client_certificate.id = certificate_id
              ) AS use JOIN station ON station.id = station_id WHERE station.name = ${name}
            ) AS "lastSeenAt",
            (
              SELECT count(*)::int FROM intent JOIN issued ON issued.intent_id = intent.id
              WHERE station = ${name} AND intent.id >= ${first}::uuid
                AND issued.intent_id >= ${first}::uuid
            ) AS issued,
            (
              SELECT count(*)::int FROM refusal
              WHERE station = ${name} AND id >= ${first}::uuid
            ) + (
              SELECT coalesce(sum(count), 0)::int FROM refusal_count
              WHERE station = ${name} AND id >= ${first}::uuid
            ) AS refused`
  )
  return row!
}

/** As part of a transaction that makes something else as well. */
export async function insertStation(
  transaction: Pick<Prisma.TransactionClient, 'station'>,
  station: Station
): Promise<void> {
  const { id, name, createdAt, createdBy, changedAt, changedBy } = station
  await transaction.station.create({
    data: { id, name, ...settingsOf(station), createdAt, createdBy, changedAt, changedBy }
  })
}

export function settingsOf({
  line,
  site,
  profiles,
  lots,
  enabled,
  requestsPerMinute,
  hourlyTarget,
  clientIdentities
}: StationSettings): StationSettings & { profiles: string[]; lots: string[]; clientIdentities: string[] } {
  const lists = { profiles: [...profiles], lots: [...lots], clientIdentities: [...clientIdentities] }
  return { line, site, ...lists, enabled, requestsPerMinute, hourlyTarget }
}
