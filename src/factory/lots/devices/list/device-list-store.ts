import type { AuditEvent } from '../../../../audit/audit-event.ts'
import { insertAuditEvent } from '../../../../audit/audit-store.ts'
import { type Database, transactionLimits } from '../../../../database/database.ts'
import { Prisma } from '../../../../database/generated/client.ts'
import { runQuery } from '../../../../database/run-query.ts'
import type { Subject } from '../../../../pki/name/subject-field.ts'
import { countsAsCertificate } from '../../counted-certificate.ts'
import type { Lot } from '../../lot.ts'
import type { ExpectedDevice } from './device-list.ts'

const ofPart = Prisma.raw(countsAsCertificate('part.id'))
const ofOwn = Prisma.raw(countsAsCertificate('own.intent_id'))

/** A device that has a place in the lot, and is not in the list. */
export interface MissingDevice {
  readonly issuanceId: string
  readonly thingName: string | null
}

/** Of the lot's intents, in the order of their ids. */
interface MissingPart {
  readonly missing: readonly MissingDevice[]
  /** Undefined: there are no more. */
  readonly last: string | undefined
}

interface Installation {
  /** As it was read. */
  readonly lot: Lot
  /** Undefined: none from now on. */
  readonly listId: string | undefined
  /** Intents before this id were looked at: those since then are, under the lock of the lot. */
  readonly since: string
  readonly changedAt: Date
  readonly event: AuditEvent
}

type Installed =
  | { readonly kind: 'installed' }
  /** Somebody else has changed the lot, or the list is past. */
  | { readonly kind: 'outdated' }
  | { readonly kind: 'missing'; readonly missing: readonly MissingDevice[] }

export interface DeviceListStore {
  /** @param after the id of an intent. */
  listMissing(lot: string, listId: string, after: string): Promise<MissingPart>
  /** The old list is past with it, in one transaction. */
  install(installation: Installation): Promise<Installed>
  /** Those of the next positions of the list; undefined where the lot has another one by now. */
  readPart(part: ListPart): Promise<readonly ExpectedDevice[] | undefined>
  /** How the profile named devices when the lot's list was made, and what the list says of one; undefined without a list. */
  describe(lot: string, deviceSha256: Uint8Array): Promise<ListedDevice | undefined>
}

interface ListPart {
  readonly lot: string
  readonly listId: string
  readonly after: number
  readonly limit: number
}

export interface ListedDevice {
  readonly namingSha256: Uint8Array
  readonly row: { readonly subject: Subject | null; readonly spkiSha256: Uint8Array | null } | undefined
}

/** A look at so many intents takes a part of a second. */
const intentsAtOnce = 10_000
const maximumNamed = 100

export function createDeviceListStore(database: Database): DeviceListStore {
  const client = database.prisma
  return {
    listMissing: (lot, listId, after) => runQuery(() => listMissing(client, { lot, listId, after })),
    install: installation =>
      runQuery(() =>
        client.$transaction(transaction => install(transaction, installation), transactionLimits)
      ),
    readPart: part => readPart(client, part),
    async describe(lot, deviceSha256) {
      const list = await runQuery(() =>
        client.lotDeviceList.findFirst({ where: { currentOf: { some: { id: lot } } } })
      )
      if (list === null) return undefined
      const key = { listId: list.id, deviceSha256: Buffer.from(deviceSha256) }
      const row = await runQuery(() => client.lotDevice.findUnique({ where: { listId_deviceSha256: key } }))
      const { namingSha256 } = list
      if (row === null) return { namingSha256, row: undefined }
      return { namingSha256, row: { subject: row.subject as Subject | null, spkiSha256: row.spkiSha256 } }
    }
  }
}

async function listMissing(
  client: Pick<Prisma.TransactionClient, '$queryRaw'>,
  { lot, listId, after }: { readonly lot: string; readonly listId: string; readonly after: string }
): Promise<MissingPart> {
  const [row] = await client.$queryRaw<{ missing: MissingDevice[]; count: number; last: string | null }[]>`
    WITH part AS MATERIALIZED (
      SELECT id, device_sha256, spki_sha256 FROM intent
      WHERE lot = ${lot} AND id > ${after}::uuid ORDER BY id LIMIT ${intentsAtOnce}
    ),
    missing AS (
      SELECT part.id AS "issuanceId", issued.thing ->> 'thingName' AS "thingName"
      FROM part LEFT JOIN issued ON issued.intent_id = part.id
      WHERE NOT EXISTS (
        SELECT FROM lot_device AS listed
        WHERE listed.list_id = ${listId}::uuid AND listed.device_sha256 = part.device_sha256
          -- A device that is released may come back with another key, which the list can only say before.
          AND (
            listed.spki_sha256 IS NULL OR listed.spki_sha256 = part.spki_sha256
            OR EXISTS (SELECT FROM release WHERE release.intent_id = part.id)
          )
      )
      AND NOT EXISTS (SELECT FROM void WHERE void.intent_id = part.id)
      AND ${ofPart}
      LIMIT ${maximumNamed}
    )
    SELECT
      coalesce((SELECT jsonb_agg(missing) FROM missing), '[]') AS missing,
      (SELECT count(*)::int FROM part) AS count,
      (SELECT id::text FROM part ORDER BY id DESC LIMIT 1) AS last`
  const { missing, count, last } = row!
  return { missing, last: count < intentsAtOnce ? undefined : last! }
}

/** Under the lock of the lot nothing gets a place in it. A crash leaves the old list. */
async function install(
  transaction: Prisma.TransactionClient,
  { lot, listId, since, changedAt, event }: Installation
): Promise<Installed> {
  const locked = await transaction.$queryRaw<object[]>`
    SELECT id FROM lot WHERE id = ${lot.id} AND changed_at = ${lot.changedAt} FOR NO KEY UPDATE`
  if (locked.length === 0) return { kind: 'outdated' }
  if (listId !== undefined) {
    for (let after: string | undefined = since; after !== undefined;) {
      const part: MissingPart = await listMissing(transaction, { lot: lot.id, listId, after })
      if (part.missing.length > 0) return { kind: 'missing', missing: part.missing }
      after = part.last
    }
    const arriving = { id: listId, state: 'arriving' }
    const { count } = await transaction.lotDeviceList.updateMany({
      where: arriving,
      data: { state: 'current', changedAt }
    })
    if (count === 0) return { kind: 'outdated' }
  }
  await transaction.lot.update({
    where: { id: lot.id },
    data: { deviceListId: listId ?? null, changedAt, changedBy: event.actor }
  })
  if (lot.devices !== null)
    await transaction.lotDeviceList.update({
      where: { id: lot.devices.id },
      data: { state: 'past', changedAt }
    })
  await insertAuditEvent(transaction, event)
  return { kind: 'installed' }
}

interface PartRow {
  readonly position: number
  readonly thingName: string | null
  readonly subject: Subject | null
  readonly spkiSha256: string | null
  readonly issuanceId: string | null
}

async function readPart(
  client: Database['prisma'],
  { lot, listId, after, limit }: ListPart
): Promise<readonly ExpectedDevice[] | undefined> {
  const rows = await runQuery(
    () => client.$queryRaw<PartRow[]>`
      SELECT
        part.position, part.thing_name AS "thingName", part.subject,
        encode(part.spki_sha256, 'hex') AS "spkiSha256", held.intent_id::text AS "issuanceId"
      FROM (
        SELECT * FROM lot_device WHERE list_id = ${listId}::uuid AND position > ${after}
        ORDER BY position LIMIT ${limit}
      ) AS part
      LEFT JOIN LATERAL (
        SELECT own.intent_id FROM certified_device AS own
        JOIN intent ON intent.id = own.intent_id AND intent.lot = ${lot}
        WHERE own.device_sha256 = part.device_sha256
          AND EXISTS (SELECT FROM issued WHERE issued.intent_id = own.intent_id)
          AND ${ofOwn}
        ORDER BY own.occurrence DESC LIMIT 1
      ) AS held ON true
      ORDER BY part.position`
  )
  // Behind the rows: those of a list that is past may be gone.
  const { deviceListId } = await runQuery(() => client.lot.findUniqueOrThrow({ where: { id: lot } }))
  if (deviceListId !== listId) return undefined
  return rows.map(({ position, thingName, subject, spkiSha256, issuanceId }) => ({
    position,
    ...(thingName !== null && { thingName }),
    ...(subject !== null && { subject }),
    ...(spkiSha256 !== null && { spkiSha256 }),
    issuanceId: issuanceId ?? undefined
  }))
}
