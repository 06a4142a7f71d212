import type { Prisma } from '../../../database/database.ts'
import type { Lot } from '../lot.ts'
import { insertDevices, toRow } from './arriving-store.ts'
import type { PreparedList } from './list/device-list.ts'
import { atBeginning } from './reading/list-reader.ts'

/** The small list that comes with its lot, in the transaction of the lot. Its id is that of the lot's `devices`. */
export async function insertWholeList(
  transaction: Prisma.TransactionClient,
  { id: lotId, createdAt, createdBy, devices: facts }: Lot,
  { devices, sha256, namingSha256 }: PreparedList
): Promise<void> {
  const id = facts!.id
  const row = toRow({
    id,
    lotId,
    upload: undefined,
    kind: 'json',
    total: undefined,
    reader: atBeginning,
    devices: devices.length,
    keys: 0,
    badRows: 0,
    faults: [],
    sha256,
    namingSha256,
    createdAt,
    createdBy,
    changedAt: createdAt
  })
  await transaction.lotDeviceList.create({ data: { ...row, state: 'arriving' } })
  await insertDevices(transaction, id, devices)
  await transaction.lotDeviceList.update({ where: { id }, data: { state: 'current' } })
  await transaction.lot.update({ where: { id: lotId }, data: { deviceListId: id } })
}
