import {
  type Database,
  isUniqueViolation,
  type Prisma,
  transactionLimits
} from '../../../database/database.ts'
import { describeRowBatch } from '../../../database/row-batch.ts'
import { runQuery } from '../../../database/run-query.ts'
import type { BadRow, IdentifiedDevice } from './list/device-list.ts'
import { maximumBadRows } from './list/device-list.ts'
import type { ListKind, ReaderState } from './reading/list-reader.ts'

/** A list that arrives, as far as it is here. */
export interface Arriving {
  readonly id: string
  readonly lotId: string
  readonly upload: string | undefined
  readonly kind: ListKind
  readonly total: number | undefined
  readonly reader: ReaderState
  readonly devices: number
  readonly keys: number
  readonly badRows: number
  /** The first of them. */
  readonly faults: readonly BadRow[]
  readonly sha256: Uint8Array | undefined
  readonly namingSha256: Uint8Array
  readonly createdAt: Date
  readonly createdBy: string
  readonly changedAt: Date
}

/** Some more of it. */
interface Block {
  readonly devices: readonly IdentifiedDevice[]
  readonly bad: readonly BadRow[]
  readonly reader: ReaderState
  /** With that of its devices. */
  readonly sha256: Uint8Array | undefined
  readonly changedAt: Date
  /** What is told of a device that is in the list already. */
  readonly repeated: (device: IdentifiedDevice, before: number) => BadRow
}

export interface ArrivingStore {
  find(lot: string, upload: string): Promise<Arriving | undefined>
  /**
   * One of that lot and name is past then. `full`: there are too many, none of which has been left for long. `taken`:
   * another request begins one of that name at this moment.
   */
  begin(
    list: Arriving,
    limits: { readonly maximum: number; readonly leftBefore: Date }
  ): Promise<'begun' | 'full' | 'taken'>
  /** Undefined: somebody else has gone on with it, or it is past. */
  append(list: Arriving, block: Block): Promise<Arriving | undefined>
  /** Devices of one key: a key belongs to one device. */
  listKeyRepeats(id: string, limit: number): Promise<readonly KeyRepeat[]>
  /** It will not be gone on with. */
  drop(id: string): Promise<void>
  /** Takes away what is past, in blocks; what arrives and was left before that time is past. @returns whether there is more. */
  sweep(leftBefore: Date, maximumRows: number): Promise<boolean>
}

interface KeyRepeat {
  readonly first: number
  readonly last: number
}

const batch = describeRowBatch<IdentifiedDevice & { readonly listId: string }>([
  { column: 'list_id', type: 'uuid', valueOf: device => device.listId },
  { column: 'device_sha256', type: 'bytea', valueOf: device => device.deviceSha256 },
  { column: 'position', type: 'int', valueOf: device => device.position },
  { column: 'thing_name', type: 'text', valueOf: ({ row }) => row.thingName ?? null },
  { column: 'subject', type: 'jsonb', valueOf: ({ row }) => row.subject ?? null },
  {
    column: 'spki_sha256',
    type: 'bytea',
    valueOf: ({ row }) => (row.spkiSha256 === undefined ? null : Buffer.from(row.spkiSha256, 'hex'))
  }
])

/** Those that are not added come back, with where the device stands before. */
const insertStatement = `
WITH input AS MATERIALIZED (
  SELECT * FROM ${batch.unnest} AS t(${batch.columnList})
),
added AS (
  INSERT INTO lot_device (${batch.columnList}) SELECT * FROM input
  ON CONFLICT (list_id, device_sha256) DO NOTHING
  RETURNING device_sha256
)
SELECT input.position, (
  SELECT earlier.position FROM lot_device AS earlier
  WHERE earlier.list_id = input.list_id AND earlier.device_sha256 = input.device_sha256
) AS before
FROM input WHERE NOT EXISTS (SELECT FROM added WHERE added.device_sha256 = input.device_sha256)`

export function createArrivingStore(database: Database): ArrivingStore {
  const client = database.prisma
  return {
    async find(lotId, upload) {
      const where = { lotId, upload, state: 'arriving' }
      const row = await runQuery(() => client.lotDeviceList.findFirst({ where }))
      return row === null ? undefined : toArriving(row)
    },
    begin: (list, limits) => runQuery(() => begin(client, list, limits)),
    append: (list, block) => runQuery(() => append(client, list, block)),
    listKeyRepeats: (id, limit) =>
      runQuery(
        () => client.$queryRaw<KeyRepeat[]>`
          SELECT min(position)::int AS first, max(position)::int AS last FROM lot_device
          WHERE list_id = ${id}::uuid AND spki_sha256 IS NOT NULL
          GROUP BY spki_sha256 HAVING count(*) > 1 ORDER BY 2 LIMIT ${limit}`
      ),
    drop: id => runQuery(() => dropAll(client, { id })),
    sweep: (leftBefore, maximumRows) => runQuery(() => sweep(client, leftBefore, maximumRows))
  }
}

type Client = Database['prisma']

async function begin(
  client: Client,
  list: Arriving,
  { maximum, leftBefore }: { readonly maximum: number; readonly leftBefore: Date }
): Promise<'begun' | 'full' | 'taken'> {
  const { lotId, upload } = list
  if (upload !== undefined) await dropAll(client, { lotId, upload })
  const arriving = { state: 'arriving' }
  if ((await client.lotDeviceList.count({ where: arriving })) >= maximum) {
    const left = { ...arriving, changedAt: { lt: leftBefore } }
    if ((await client.lotDeviceList.updateMany({ where: left, data: { state: 'past' } })).count === 0)
      return 'full'
  }
  try {
    await client.lotDeviceList.create({ data: { ...toRow(list), state: 'arriving' } })
    return 'begun'
  } catch (error) {
    if (isUniqueViolation(error)) return 'taken'
    throw error
  }
}

async function dropAll(client: Client, which: Prisma.LotDeviceListWhereInput): Promise<void> {
  await client.lotDeviceList.updateMany({ where: { ...which, state: 'arriving' }, data: { state: 'past' } })
}

/** A crash leaves all of the block or nothing: the list says how far it is. */
async function append(client: Client, list: Arriving, block: Block): Promise<Arriving | undefined> {
  const { changedAt, reader, sha256 } = block
  const own = { id: list.id, state: 'arriving', receivedOctets: list.reader.offset }
  return client.$transaction(async transaction => {
    // Locks it: of two that go on with it at once, the second finds that it has gone on.
    const { count } = await transaction.lotDeviceList.updateMany({ where: own, data: { changedAt } })
    if (count === 0) return undefined
    const repeats = await insertDevices(transaction, list.id, block.devices)
    const bad = [...block.bad, ...repeats.map(([device, before]) => block.repeated(device, before))]
    const isTold = bad.length > 0 && list.faults.length < maximumBadRows
    const added = block.devices.length - repeats.length
    const keys = block.devices.filter(({ row }) => row.spkiSha256 !== undefined).length
    const after = {
      ...list,
      reader,
      sha256,
      changedAt,
      devices: list.devices + added,
      keys: list.keys + keys,
      badRows: list.badRows + bad.length,
      faults: isTold ? [...list.faults, ...bad].sort(byPosition).slice(0, maximumBadRows) : list.faults
    }
    // What has grown to its bound is not written again with each block.
    const { faults, ...progress } = progressOf(after)
    const data = { ...progress, ...(isTold && { faults }) }
    await transaction.lotDeviceList.update({ where: { id: list.id }, data })
    return after
  }, transactionLimits)
}

const byPosition = (one: BadRow, other: BadRow) => one.position - other.position

/** @returns those that are in the list already, and where. */
export async function insertDevices(
  transaction: Pick<Prisma.TransactionClient, '$queryRawUnsafe'>,
  listId: string,
  devices: readonly IdentifiedDevice[]
): Promise<readonly (readonly [IdentifiedDevice, number])[]> {
  if (devices.length === 0) return []
  const rows = await transaction.$queryRawUnsafe<{ position: number; before: number }[]>(
    insertStatement,
    ...batch.parametersOf(devices.map(device => ({ ...device, listId })))
  )
  const found = new Map(devices.map(device => [device.position, device]))
  return rows.map(({ position, before }) => [found.get(position)!, before])
}

/** By its key alone a list is found again: its rows go first, so that a crash leaves none without it. */
async function sweep(client: Client, leftBefore: Date, maximumRows: number): Promise<boolean> {
  await client.lotDeviceList.updateMany({
    where: { state: 'arriving', changedAt: { lt: leftBefore } },
    data: { state: 'past' }
  })
  const past = await client.lotDeviceList.findFirst({
    where: { state: 'past' },
    orderBy: { changedAt: 'asc' }
  })
  if (past === null) return false
  const count = await client.$executeRaw`
    DELETE FROM lot_device WHERE list_id = ${past.id}::uuid AND position IN (
      SELECT position FROM lot_device WHERE list_id = ${past.id}::uuid ORDER BY position LIMIT ${maximumRows}
    )`
  if (count < maximumRows) await client.lotDeviceList.deleteMany({ where: { id: past.id, state: 'past' } })
  return true
}

type Row = Prisma.LotDeviceListGetPayload<object>

const progressOf = ({ reader, devices, keys, badRows, faults, sha256, changedAt }: Arriving) => ({
  receivedOctets: reader.offset,
  reader: { ...reader } as unknown as Prisma.InputJsonObject,
  devices,
  keys,
  badRows,
  faults: faults as unknown as Prisma.InputJsonArray,
  sha256: sha256 === undefined ? null : Buffer.from(sha256),
  changedAt
})

export function toRow(list: Arriving) {
  const { id, lotId, upload, kind, total, namingSha256, createdAt, createdBy } = list
  return {
    id,
    lotId,
    upload: upload ?? null,
    mediaType: kind,
    totalOctets: total ?? null,
    namingSha256: Buffer.from(namingSha256),
    createdAt,
    createdBy,
    ...progressOf(list)
  }
}

function toArriving({ upload, mediaType, totalOctets, reader, faults, sha256, ...row }: Row): Arriving {
  return {
    ...row,
    upload: upload ?? undefined,
    kind: mediaType as ListKind,
    total: totalOctets === null ? undefined : Number(totalOctets),
    reader: reader as unknown as ReaderState,
    faults: faults as unknown as readonly BadRow[],
    sha256: sha256 ?? undefined
  }
}
