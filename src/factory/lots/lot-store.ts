import type { AuditEvent } from '../../audit/audit-event.ts'
import { insertAuditEvent } from '../../audit/audit-store.ts'
import {
  type Database,
  isCheckViolation,
  isUniqueViolation,
  transactionLimits
} from '../../database/database.ts'
import { Prisma } from '../../database/generated/client.ts'
import { runQuery } from '../../database/run-query.ts'
import { countsAsCertificate } from './counted-certificate.ts'
import type { PreparedList } from './devices/list/device-list.ts'
import { insertWholeList } from './devices/whole-list.ts'
import type { Lot, LotCounts, LotFlag, LotQuery, LotState, StationShare } from './lot.ts'

const ofIntent = Prisma.raw(countsAsCertificate('intent.id'))

/** What is read with a lot: the list that it has, and its flags. */
const include = {
  deviceList: { select: { id: true, devices: true, sha256: true, namingSha256: true } },
  flags: { omit: { lotId: true }, orderBy: { createdAt: 'asc' } }
} as const

type LotRow = Prisma.LotGetPayload<{ include: typeof include }>

export interface LotStore {
  find(id: string): Promise<Lot | undefined>
  /** By id, which is the cursor. */
  list(query: LotQuery): Promise<readonly Lot[]>
  /** False where there is one of that id. A list is that of the lot's `devices`. */
  insert(lot: Lot, event: AuditEvent, list?: PreparedList): Promise<boolean>
  /**
   * Quantity and state. `outdated`: somebody else has changed it since it was `lot`. `taken`: more places are taken than
   * the quantity would have.
   */
  change(lot: Lot, changed: Lot, event: AuditEvent): Promise<'changed' | 'outdated' | 'taken'>
  /** Of all stations that have or had a place, or were refused. */
  shares(id: string): Promise<readonly StationShare[]>
  /** Certificates that a device of the lot has beside its first one there, where the profile ever allowed several. */
  countBesides(id: string): Promise<number>
  /** Ids of the intents that hold a place and wait for their record. */
  listOpen(id: string): Promise<readonly string[]>
}

export function createLotStore(database: Database): LotStore {
  const client = database.prisma
  return {
    async find(id) {
      const row = await runQuery(() => client.lot.findUnique({ where: { id }, include }))
      return row === null ? undefined : toLot(row)
    },
    async list({ limit, cursor, profile, state, isFlagged, station, lines }) {
      const own = lines && (await idsOfLines(client, lines))
      const rows = await runQuery(() =>
        client.lot.findMany({
          where: {
            id: { ...(cursor !== undefined && { gt: cursor }), ...(own && { in: own }) },
            ...(profile !== undefined && { profile }),
            ...(state !== undefined && { state }),
            ...(isFlagged !== undefined && { flags: isFlagged ? { some: {} } : { none: {} } }),
            ...(station !== undefined && {
              OR: [{ stations: { isEmpty: true } }, { stations: { has: station } }]
            })
          },
          orderBy: { id: 'asc' },
          take: limit,
          include
        })
      )
      return rows.map(toLot)
    },
    insert: (lot, event, list) =>
      runQuery(async () => {
        const { taken, stations, devices, flags, ...rest } = lot
        try {
          await client.$transaction(async transaction => {
            await transaction.lot.create({ data: { ...rest, stations: [...stations] } })
            if (list !== undefined) await insertWholeList(transaction, lot, list)
            await insertAuditEvent(transaction, event)
          }, transactionLimits)
          return true
        } catch (error) {
          if (isUniqueViolation(error)) return false
          throw error
        }
      }),
    change: (lot, changed, event) => runQuery(() => changeLot(client, { lot, changed, event })),
    shares: id => findShares(client, id),
    countBesides: id => countBesides(client, id),
    async listOpen(id) {
      const rows = await runQuery(
        () => client.$queryRaw<{ id: string }[]>`
          SELECT intent.id::text FROM open_intent JOIN intent ON intent.id = open_intent.intent_id
          WHERE intent.lot = ${id} ORDER BY intent.id`
      )
      return rows.map(row => row.id)
    }
  }
}

interface Change {
  readonly lot: Lot
  readonly changed: Lot
  readonly event: AuditEvent
}

async function changeLot(
  client: Database['prisma'],
  { lot: { id, changedAt }, changed, event }: Change
): Promise<'changed' | 'outdated' | 'taken'> {
  const { quantity, state, changedBy } = changed
  try {
    return await client.$transaction(async transaction => {
      // As many as are taken meanwhile count: the constraint holds them against the quantity.
      const { count } = await transaction.lot.updateMany({
        where: { id, changedAt },
        data: { quantity, state, changedAt: changed.changedAt, changedBy }
      })
      if (count === 0) return 'outdated'
      await insertAuditEvent(transaction, event)
      return 'changed'
    }, transactionLimits)
  } catch (error) {
    if (isCheckViolation(error)) return 'taken'
    throw error
  }
}

/** Of the lots whose stations, and there are some, stand on these lines. */
async function idsOfLines(client: Database['prisma'], lines: readonly string[]): Promise<string[]> {
  const rows = await runQuery(
    () => client.$queryRaw<{ id: string }[]>`
      SELECT id FROM lot WHERE cardinality(stations) > 0 AND NOT EXISTS (
        SELECT FROM unnest(stations) AS named LEFT JOIN station ON station.name = named
        WHERE station.line IS NULL OR station.line <> ALL (${[...lines]}::text[])
      )`
  )
  return rows.map(({ id }) => id)
}

async function findShares(client: Database['prisma'], id: string): Promise<readonly StationShare[]> {
  return runQuery(
    () => client.$queryRaw<(LotCounts & { station: string })[]>`
      WITH waiting AS (
        SELECT station, count(*)::int AS waiting
        FROM open_intent JOIN intent ON intent.id = open_intent.intent_id
        WHERE intent.lot = ${id} AND has_own_place(intent.id) GROUP BY station
      ),
      refused AS (
        SELECT station, sum(refused)::int AS refused FROM (
          SELECT station, count(*) + coalesce(sum(repeats), 0) AS refused
          FROM refusal
          LEFT JOIN LATERAL (
            SELECT sum(count) AS repeats FROM refusal_count WHERE refusal_count.refusal_id = refusal.id
          ) AS repeated ON true
          WHERE refusal.lot = ${id} GROUP BY station
          UNION ALL
          SELECT station, refused FROM detached_refusals WHERE lot = ${id}
        ) AS part GROUP BY station
      ),
      held AS (
        SELECT station, taken, scrapped FROM lot_station WHERE lot_id = ${id}
      )
      SELECT
        station,
        coalesce(taken, 0) - coalesce(waiting, 0) AS issued,
        coalesce(waiting, 0) AS open,
        coalesce(refused, 0) AS refused,
        coalesce(scrapped, 0) AS scrapped
      FROM held FULL JOIN waiting USING (station) FULL JOIN refused USING (station)
      ORDER BY station`
  )
}

/** Goes through the lot where there can be any, and else looks at the profile alone. */
async function countBesides(client: Database['prisma'], id: string): Promise<number> {
  const rows = await runQuery(
    () => client.$queryRaw<{ besides: number }[]>`
      SELECT (count(*) - count(DISTINCT intent.device_sha256))::int AS besides
      FROM intent JOIN issued ON issued.intent_id = intent.id
      WHERE intent.lot = ${id}
        AND EXISTS (
          SELECT FROM lot JOIN profile_version ON profile_version.name = lot.profile
          WHERE lot.id = ${id} AND profile_version.document #>> '{reissue,allow}' IS NOT NULL
        )
        AND ${ofIntent}`
  )
  return rows[0]!.besides
}

function toLot({ state, deviceListId: _, deviceList, flags, ...row }: LotRow): Lot {
  return {
    ...row,
    devices: deviceList && { ...deviceList, sha256: deviceList.sha256! },
    state: state as LotState,
    flags: flags.map(flag => ({ ...flag, reason: flag.reason as LotFlag['reason'] }))
  }
}
