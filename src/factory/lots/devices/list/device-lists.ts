import type { Act } from '../../../../audit/audit-event.ts'
import { MintlineError } from '../../../../errors/mintline-error.ts'
import type { Clock } from '../../../../sources/clock.ts'
import { newId } from '../../../../sources/identifier.ts'
import type { Page } from '../../../../sources/page.ts'
import type { RandomBytes } from '../../../../sources/random-bytes.ts'
import type { LotStore } from '../../lot-store.ts'
import { findOrRefuse, requireOpen } from '../../lots.ts'
import type { Arriving, ArrivingStore } from '../arriving-store.ts'
import { installList } from '../installation.ts'
import { atBeginning } from '../reading/list-reader.ts'
import { Receipt } from '../receipt.ts'
import { prepareList } from '../small-list.ts'
import {
  type BadRow,
  type DeviceListFacts,
  type DeviceLists,
  type DeviceUpload,
  type ExpectedDevice,
  type ExpectedQuery,
  type FindNaming,
  maximumBadRows,
  type Received,
  type UploadProgress
} from './device-list.ts'
import type { DeviceListStore } from './device-list-store.ts'
import { devicesInvalid, noList, noUpload, otherList, tooManyUploads, uploadConflict } from './errors.ts'

export interface DeviceListDependencies {
  readonly lotStore: Pick<LotStore, 'find'>
  readonly arriving: ArrivingStore
  readonly store: DeviceListStore
  readonly findNaming: FindNaming
  readonly clock: Clock
  readonly randomBytes: RandomBytes
}

/** In this process: each holds a block of rows, and a connection to the database now and then. */
const maximumReceipts = 4
/** In the database, with those that were cut off. */
const maximumArriving = 32
/** Then it makes room for others. */
const leftAfterMs = 10 * 60_000
/** What is looked at for one page, and at once. */
const lookedAt = 20_000
const lookedAtOnce = 1_000
const beginAnew = 'send the list from its beginning, without Content-Range'

export function createDeviceLists(dependencies: DeviceListDependencies): DeviceLists {
  const { lotStore, arriving, store } = dependencies
  let receipts = 0

  return {
    async receive(upload, act) {
      if (receipts >= maximumReceipts) throw tooManyUploads()
      receipts += 1
      try {
        return await receive(dependencies, upload, act)
      } finally {
        receipts -= 1
      }
    },
    async findUpload(lot, name) {
      const list = await arriving.find(lot, name)
      if (list === undefined) throw noUpload(lot, name)
      return progressOf(list)
    },
    async remove(id, act) {
      await installList(dependencies, { id, list: undefined }, act)
    },
    async list(id, query) {
      const { devices } = await findOrRefuse(lotStore, id)
      if (devices === null) throw noList(id)
      return readPage(store, { lot: id, listId: devices.id }, query)
    },
    prepare: (profile, rows) => prepareList(dependencies.findNaming, profile, rows)
  }
}

async function receive(
  dependencies: DeviceListDependencies,
  upload: DeviceUpload,
  act: Act
): Promise<Received> {
  const { arriving, findNaming } = dependencies
  const lot = await findOrRefuse(dependencies.lotStore, upload.lot)
  requireOpen(lot, 'lot.change')
  const naming = await findNaming(lot.profile)
  const begun =
    upload.range.start === 0
      ? await begin(dependencies, upload, { act, namingSha256: naming.sha256 })
      : await goOn(arriving, upload, naming.sha256)
  const receipt = new Receipt({ store: arriving, clock: dependencies.clock }, begun, naming)
  let isKept = upload.name !== undefined
  try {
    if (!(await receipt.read(upload))) return { kind: 'part', progress: progressOf(receipt.list) }
    // From here on sending the rest again does not help.
    isKept = false
    return { kind: 'whole', list: await finish(dependencies, receipt.list, act) }
  } catch (error) {
    isKept ||=
      error instanceof MintlineError && error.code === 'database_unavailable' && upload.name !== undefined
    // What is left of it all the same is past in a day.
    if (!isKept) await arriving.drop(begun.id).catch(() => undefined)
    throw error
  }
}

async function begin(
  { arriving, clock, randomBytes }: DeviceListDependencies,
  { lot: lotId, name: upload, kind, range: { total } }: DeviceUpload,
  { act, namingSha256 }: { readonly act: Act; readonly namingSha256: Uint8Array }
): Promise<Arriving> {
  const createdAt = clock()
  const list: Arriving = {
    id: newId(createdAt, randomBytes),
    lotId,
    upload,
    kind,
    total,
    reader: atBeginning,
    devices: 0,
    keys: 0,
    badRows: 0,
    faults: [],
    sha256: undefined,
    namingSha256,
    createdAt,
    createdBy: act.actor,
    changedAt: createdAt
  }
  const leftBefore = new Date(createdAt.getTime() - leftAfterMs)
  const begun = await arriving.begin(list, { maximum: maximumArriving, leftBefore })
  if (begun === 'full') throw tooManyUploads()
  if (begun === 'taken') throw uploadConflict(list, 'Another request begins it at this moment.')
  return list
}

async function goOn(
  arriving: ArrivingStore,
  { lot, name = '', kind, range: { start, total } }: DeviceUpload,
  namingSha256: Uint8Array
): Promise<Arriving> {
  const list = await arriving.find(lot, name)
  if (list === undefined) throw noUpload(lot, name)
  if (list.reader.offset !== start) throw uploadConflict(list, `The request goes on at ${start}.`)
  if (list.kind !== kind)
    throw uploadConflict(
      list,
      `They are ${list.kind}, and the request is ${kind}.`,
      `Send on as ${list.kind}, or ${beginAnew}.`
    )
  if (list.total !== undefined && total !== undefined && list.total !== total)
    throw uploadConflict(
      list,
      `It was ${list.total} octets in all, and is ${total} now: that is another file.`,
      `Send on the file that it was, or ${beginAnew}.`
    )
  if (Buffer.compare(list.namingSha256, namingSha256) !== 0)
    throw uploadConflict(
      list,
      'The profile names devices in another way by now.',
      `To go on does not help: ${beginAnew}.`
    )
  return list
}

/** A crash before the end of it leaves the list that the lot had. */
async function finish(
  dependencies: DeviceListDependencies,
  list: Arriving,
  act: Act
): Promise<DeviceListFacts> {
  const { arriving, findNaming, lotStore } = dependencies
  const { lotId, badRows: count } = list
  const bad = count > 0 ? list.faults : await judgeWhole(arriving, list)
  if (bad.length > 0) throw devicesInvalid(lotId, bad, Math.max(count, bad.length))
  const { profile } = await findOrRefuse(lotStore, lotId)
  const naming = await findNaming(profile)
  if (Buffer.compare(list.namingSha256, naming.sha256) !== 0)
    throw uploadConflict({ ...list, upload: undefined }, 'The profile was changed meanwhile.')
  return (await installList(dependencies, { id: lotId, list }, act))!
}

/** What no single row tells. */
async function judgeWhole(
  arriving: ArrivingStore,
  { id, devices, keys }: Arriving
): Promise<readonly BadRow[]> {
  if (devices === 0) {
    const message = 'A list without devices would stop the line. DELETE lets the lot take all devices.'
    return [
      { position: 1, faults: [{ pointer: '', expected: 'at least one device', found: 'none', message }] }
    ]
  }
  const repeats = keys > 1 ? await arriving.listKeyRepeats(id, maximumBadRows) : []
  return repeats.map(({ first, last }) => {
    const message = 'A key is that of one device. Correct one of the two.'
    return {
      position: last,
      faults: [
        { pointer: '/spkiSha256', expected: 'a key of its own', found: `that of line ${first}`, message }
      ]
    }
  })
}

function progressOf({
  upload = '',
  kind,
  reader,
  total,
  devices,
  badRows,
  changedAt
}: Arriving): UploadProgress {
  return { upload, kind, received: reader.offset, total, devices, badRows, changedAt }
}

async function readPage(
  store: Pick<DeviceListStore, 'readPart'>,
  { lot, listId }: { readonly lot: string; readonly listId: string },
  { limit, cursor, state }: ExpectedQuery
): Promise<Page<ExpectedDevice>> {
  const [ofList = listId, position = '0'] = cursor?.split('.') ?? []
  if (ofList !== listId) throw otherList(lot)
  const items: ExpectedDevice[] = []
  let after = Number(position)
  for (let looked = 0; looked < lookedAt; looked += lookedAtOnce) {
    const part = await store.readPart({ lot, listId, after, limit: lookedAtOnce })
    if (part === undefined) throw otherList(lot)
    for (const device of part) {
      if (items.length === limit) return { items, nextCursor: `${listId}.${after}` }
      after = device.position
      if (state === undefined || (state === 'issued') === (device.issuanceId !== undefined))
        items.push(device)
    }
    if (part.length < lookedAtOnce) return { items, nextCursor: undefined }
  }
  return { items, nextCursor: `${listId}.${after}` }
}
