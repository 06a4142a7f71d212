import type { AuditEvent } from '../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../audit/audit-store.ts'
import { type Database, isUniqueViolation, transactionLimits } from '../../../database/database.ts'
import { Prisma } from '../../../database/generated/client.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { PageQuery } from '../../../sources/page.ts'
import { candidates } from './candidates-store.ts'
import type {
  CleanUp,
  CleanUpCount,
  CleanUpSelection,
  ToldCleanUp,
  ToldItem,
  TroubledItem
} from './clean-up.ts'

type NewCleanUp = Omit<CleanUp, 'finishedAt' | 'counts'>

export interface CleanUpStore {
  /** How many there are, and how many of them may be left; at most `most`. */
  count(selection: CleanUpSelection, most: number): Promise<Pick<CleanUpCount, 'count' | 'mayBeLeft'>>
  select(selection: CleanUpSelection, limit: number): Promise<readonly ToldItem[]>
  /**
   * With what it is about, in one transaction, where that is as many as expected.
   *
   * @returns undefined: it is on record. Else how many are to be deleted now, and nothing is.
   */
  insert(cleanUp: NewCleanUp, event: AuditEvent, most: number): Promise<number | undefined>
  find(id: string): Promise<ToldCleanUp | undefined>
  /** Newest first. */
  list(query: PageQuery): Promise<readonly CleanUp[]>
}

const shownTroubled = 100
/** Of an order, while others order the same at that moment. */
const mostTries = 5

export function createCleanUpStore({ prisma }: Database): CleanUpStore {
  const count = async (selection: CleanUpSelection, most: number) => {
    const rows = await runQuery(
      () => prisma.$queryRaw<Pick<CleanUpCount, 'count' | 'mayBeLeft'>[]>`
        SELECT count(*)::integer AS count, (count(*) FILTER (WHERE may_be_left))::integer AS "mayBeLeft"
        FROM (${candidates(selection)} LIMIT ${most}) AS candidate`
    )
    return rows[0] ?? { count: 0, mayBeLeft: 0 }
  }
  return {
    count,
    select: (selection, limit) =>
      runQuery(
        () => prisma.$queryRaw<ToldItem[]>`
          SELECT ${toldColumns} FROM (${candidates(selection)} LIMIT ${limit}) AS item ${places}`
      ),
    insert: (cleanUp, event, most) =>
      runQuery(async () => {
        for (let tries = 1; ; tries++) {
          try {
            await prisma.$transaction(async each => {
              const inserted = await insertAll(each, cleanUp, most)
              if (inserted !== cleanUp.expected) throw new OtherCount(inserted)
              await insertAuditEvent(each, event)
            }, transactionLimits)
            return undefined
          } catch (error) {
            if (error instanceof OtherCount) return error.count
            // Somebody has ordered one of them meanwhile, which is none of these any more.
            if (!isUniqueViolation(error) || tries === mostTries) throw error
          }
        }
      }),
    async find(id) {
      const [cleanUp] = await runQuery(
        () => prisma.$queryRaw<CleanUpRow[]>`${selectCleanUps} WHERE own.id = ${id}::uuid`
      )
      if (cleanUp === undefined) return undefined
      const troubled = await runQuery(
        () => prisma.$queryRaw<TroubledItem[]>`
          SELECT ${toldColumns}, item.state, item.detail FROM fleet_clean_up_item AS item ${places}
          WHERE item.clean_up_id = ${id}::uuid AND item.state <> 'done' AND item.detail IS NOT NULL
          ORDER BY item.id LIMIT ${shownTroubled}`
      )
      return { ...toCleanUp(cleanUp), troubled }
    },
    list: ({ cursor, limit }) =>
      runQuery(async () => {
        const before = cursor === undefined ? Prisma.empty : Prisma.sql`WHERE own.id < ${cursor}::uuid`
        const rows = await prisma.$queryRaw<CleanUpRow[]>`
          ${selectCleanUps} ${before} ORDER BY own.id DESC LIMIT ${limit}`
        return rows.map(toCleanUp)
      })
  }
}

class OtherCount extends Error {
  readonly count: number
  constructor(count: number) {
    super('another number is selected')
    this.count = count
  }
}

async function insertAll(
  transaction: Prisma.TransactionClient,
  { id, createdAt, actor, note, selection, expected }: NewCleanUp,
  most: number
): Promise<number> {
  const { of: subject, authority = null, accountAlias = null, region = null } = selection
  const where = { authority, accountAlias, region }
  await transaction.fleetCleanUp.create({ data: { id, createdAt, actor, note, subject, ...where, expected } })
  return transaction.$executeRaw`
    INSERT INTO fleet_clean_up_item (clean_up_id, registration_id, key, thing, intent_id)
    SELECT ${id}::uuid, registration_id, key, thing, intent_id
    FROM (${candidates(selection)} LIMIT ${most}) AS candidate`
}

const toldColumns = Prisma.sql`
  authority.name AS authority, registration.account_alias AS "accountAlias", registration.region, item.thing,
  CASE WHEN item.thing IS NULL THEN encode(item.key, 'hex') END AS "certificateId", item.intent_id::text AS "issuanceId"`

const places = Prisma.sql`
  JOIN aws_registration AS registration ON registration.id = item.registration_id
  JOIN authority ON authority.id = registration.authority_id`

interface CleanUpRow extends Omit<CleanUp, 'selection'> {
  readonly of: CleanUpSelection['of']
  readonly authority: string | null
  readonly accountAlias: string | null
  readonly region: string | null
}

const countOf = (state: string) => Prisma.sql`
  (SELECT count(*) FROM fleet_clean_up_item WHERE clean_up_id = own.id AND state = ${state})::integer`

const selectCleanUps = Prisma.sql`
  SELECT own.id::text, own.created_at AS "createdAt", own.actor, own.note, own.subject AS of, own.authority,
    own.account_alias AS "accountAlias", own.region, own.expected, own.finished_at AS "finishedAt",
    jsonb_build_object(
      'waiting', ${countOf('waiting')}, 'done', ${countOf('done')}, 'left', ${countOf('left')}, 'failed', ${countOf('failed')}
    ) AS counts
  FROM fleet_clean_up AS own`

function toCleanUp({ of, authority, accountAlias, region, ...rest }: CleanUpRow): CleanUp {
  return {
    ...rest,
    selection: {
      of,
      ...(authority !== null && { authority }),
      ...(accountAlias !== null && { accountAlias }),
      ...(region !== null && { region })
    }
  }
}
