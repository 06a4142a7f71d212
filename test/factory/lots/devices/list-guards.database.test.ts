import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../../../src/sources/identifier.ts'
import { createRandomSource } from '../../../../src/sources/random-bytes.ts'
import { type HttpService, openService } from '../../../http/service.ts'
import { listing } from './listing.ts'

let service: HttpService
let lots: Awaited<ReturnType<typeof listing>>

beforeAll(async () => {
  service = await openService()
  lots = await listing(service)
})
afterAll(() => service.stop())

const randomBytes = createRandomSource()
const time = new Date()

function rowOf(lotId: string, more: object) {
  const digest = new Uint8Array(32)
  const common = { mediaType: 'text/csv', reader: {}, createdAt: time, createdBy: 'hand', changedAt: time }
  return {
    id: newId(time, randomBytes),
    lotId,
    ...common,
    devices: 1,
    sha256: digest,
    namingSha256: digest,
    state: 'arriving',
    ...more
  }
}

describe('by hand', () => {
  it('no list is made that holds at once', async () => {
    const lot = await lots.openLot()
    const data = rowOf(lot, { state: 'current' })
    await expect(service.owner.prisma.lotDeviceList.create({ data })).rejects.toThrow(
      /arrives before it holds/
    )
  })

  it('no list comes to hold that has other devices than it says', async () => {
    const { prisma } = service.owner
    const lot = await lots.openLot()
    const { id } = await prisma.lotDeviceList.create({ data: rowOf(lot, {}) })
    const hold = () => prisma.lotDeviceList.update({ where: { id }, data: { state: 'current' } })
    await expect(hold()).rejects.toThrow(/other devices than it says/)
    await prisma.lotDevice.create({ data: { listId: id, deviceSha256: new Uint8Array(32), position: 1 } })
    expect((await hold()).state).toBe('current')
  })

  it('no lot is made with the list of another', async () => {
    const { prisma } = service.owner
    const lot = await lots.openLot()
    expect((await lots.put(lot, 'thingName\nguarded-1\n')).statusCode).toBe(200)
    const { id, ...other } = await prisma.lot.findUniqueOrThrow({ where: { id: lot } })
    const data = { ...other, id: `${id}-copy` }
    await expect(prisma.lot.create({ data })).rejects.toThrow(/given its list once it is there/)
  })
})
