import type { Database } from '../database/database.ts'
import { Prisma } from '../database/generated/client.ts'
import { runQuery } from '../database/run-query.ts'
import { type Durable, vouchDurable } from '../signing/durable.ts'
import type { Clock } from '../sources/clock.ts'
import { createDetachedStore, type DetachedStore } from './months/detached-store.ts'
import type { PushStand, Repeats } from './record.ts'
import type { IssuanceRow, StoredRefusal } from './record-model.ts'
import { selectIssuances, selectRefusals } from './record-query.ts'
import { listPushes } from './rows/pushes-store.ts'
import { createRows, type RecordRows } from './rows/rows-store.ts'
import type { Ask } from './search/finding/search-session-store.ts'

export interface RecordStore extends DetachedStore {
  findIntent(id: string): Promise<Durable<IssuanceRow> | undefined>
  /** The latest intent with this key that is not void, of that request where one is given. */
  findIntentByKey(
    spkiSha256: Uint8Array,
    requestSha256?: Uint8Array
  ): Promise<Durable<IssuanceRow> | undefined>
  findRefusal(id: string): Promise<StoredRefusal | undefined>
  /** How often a refusal was repeated within its window, as far as that is written. */
  findRepeats(refusalId: string): Promise<Repeats | undefined>
  /** What AWS IoT is told of an intent's certificate; undefined where that is nothing. */
  findPushes(intentId: string): Promise<readonly PushStand[] | undefined>
  /** For what people look up, which must not hold up the issuance path. @param ask where, and for how long at most. */
  rowsBy(ask: Ask): RecordRows
  /** How many intents wait for their record. */
  countOpenIntents(): Promise<number>
}

const issuances = Prisma.raw(selectIssuances)
const refusals = Prisma.raw(selectRefusals)

/** @param database for what the issuance path looks up. @param search for what people do. */
export function createRecordStore(database: Database, search: Database, clock: Clock): RecordStore {
  const client = database.prisma
  const firstIntent = async (condition: Prisma.Sql): Promise<Durable<IssuanceRow> | undefined> => {
    const [row] = await runQuery(
      () => client.$queryRaw<IssuanceRow[]>`${issuances} WHERE ${condition} LIMIT 1`
    )
    return row && vouchDurable(row)
  }
  return {
    ...createDetachedStore(database, search),
    findIntent: id => firstIntent(Prisma.sql`intent.id = ${id}::uuid`),
    findIntentByKey: (spkiSha256, requestSha256) =>
      firstIntent(
        Prisma.sql`intent.id = (
          SELECT id FROM certified_key AS key
          JOIN certified_device USING (device_sha256)
          JOIN intent AS use ON use.id = certified_device.intent_id AND use.spki_sha256 = key.spki_sha256
          WHERE key.spki_sha256 = ${spkiSha256}
            AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = use.id)
            ${requestSha256 === undefined ? Prisma.empty : Prisma.sql`AND use.request_sha256 = ${requestSha256}`}
          ORDER BY key.occurrence DESC, certified_device.occurrence DESC LIMIT 1
        )`
      ),
    async findRefusal(id) {
      const [row] = await runQuery(
        () => client.$queryRaw<StoredRefusal[]>`${refusals} WHERE id = ${id}::uuid`
      )
      return row
    },
    findRepeats: refusalId => findRepeats(client, refusalId),
    findPushes: id => runQuery(async () => (await listPushes(ask => client.$queryRaw(ask), [id])).get(id)),
    rowsBy: ask => createRows(ask, clock),
    countOpenIntents: () => runQuery(() => client.openIntent.count())
  }
}

async function findRepeats(client: Database['prisma'], refusalId: string): Promise<Repeats | undefined> {
  const { _sum, _max } = await runQuery(() =>
    client.refusalCount.aggregate({ where: { refusalId }, _sum: { count: true }, _max: { lastAt: true } })
  )
  const [count, lastAt] = [_sum.count, _max.lastAt]
  return count === null || lastAt === null ? undefined : { count, lastAt }
}
