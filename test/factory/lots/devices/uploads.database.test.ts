import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createArrivingStore } from '../../../../src/factory/lots/devices/arriving-store.ts'
import { sweepDeviceLists } from '../../../../src/factory/lots/devices/sweep.ts'
import type { LotUploadView } from '../../../../src/http/api/lots/devices/schemas.ts'
import { problemOf } from '../../../http/answer.ts'
import { type HttpService, openService } from '../../../http/service.ts'
import { expectWithin } from '../../../support/time-limit.ts'
import { badRowsOf, listing } from './listing.ts'

let service: HttpService
let lots: Awaited<ReturnType<typeof listing>>

beforeAll(async () => {
  service = await openService()
  lots = await listing(service)
})
afterAll(() => service.stop())

const count = 10_000
const list = Buffer.from(`thingName\n${Array.from({ length: count }, (_, index) => `u-${index}\n`).join('')}`)

const findUpload = (lot: string, name: string) =>
  service.send({ url: `/v1/lots/${lot}/devices/uploads/${name}`, headers: service.bearer('operator') })
const rangeOf = (start: number, end = list.length, total: number | string = list.length) => ({
  'content-range': `bytes ${start}-${end - 1}/${total}`
})

/** Sends the first octets of the list, and breaks the connection once some of it is kept. */
async function cutOff(lot: string, name: string, octets: number): Promise<LotUploadView> {
  const sent = request(`${service.url}/v1/lots/${lot}/devices?upload=${name}`, {
    method: 'PUT',
    headers: { ...service.bearer('operator'), 'content-type': 'text/csv', 'content-length': list.length }
  })
  sent.on('error', () => undefined)
  sent.write(list.subarray(0, octets))
  let upload: LotUploadView | undefined
  while ((upload?.received ?? 0) < octets / 2) {
    await delay(20)
    const answer = await findUpload(lot, name)
    if (answer.statusCode === 200) upload = answer.json<LotUploadView>()
  }
  sent.destroy()
  await new Promise(resolve => sent.once('close', resolve))
  // What was read when the connection broke is kept a moment later.
  for (let tries = 0; tries < 250 && upload!.received < octets - 20; tries++) {
    await delay(20)
    upload = (await findUpload(lot, name)).json<LotUploadView>()
  }
  return upload!
}

describe('an upload', () => {
  it('goes on where it was cut off, and is the same then', async () => {
    const [lot, whole] = [await lots.openLot(), await lots.openLot()]
    await lots.put(lot, 'thingName\nold\n')
    const upload = await cutOff(lot, 'cut', 60_000)
    // What was read to the end of a row is kept.
    expect(upload).toMatchObject({ lot, upload: 'cut', total: list.length, badRows: 0 })
    expect([list[upload.received - 1], upload.received > 59_980]).toEqual([0x0a, true])
    // Until then the old one holds.
    expect(await lots.read(lot)).toMatchObject({ devices: { expected: 1 } })
    const rest = await lots.put(lot, list.subarray(upload.received), {
      query: '?upload=cut',
      headers: rangeOf(upload.received)
    })
    expect([rest.statusCode, rest.json<object>()]).toEqual([
      200,
      expect.objectContaining({ expected: count })
    ])
    const { sha256 } = (await lots.put(whole, list)).json<{ sha256: string }>()
    expect(rest.json<{ sha256: string }>().sha256).toBe(sha256)
    expect((await findUpload(lot, 'cut')).statusCode).toBe(404)
  })

  it('may come in parts of any size, whatever the form', async () => {
    for (const [type, text] of [
      ['text/csv', 'thingName,CommonName\nx-1,"x-1"\nx-2,\n'],
      ['application/x-ndjson', '{"thingName":"x-1"}\n{"thingName":"x-2"}'],
      ['application/json', '[{"thingName":"x-1"}, {"thingName":"x-2"}]']
    ] as const) {
      const lot = await lots.openLot()
      const bytes = Buffer.from(text)
      const put = (start: number, end: number) =>
        lots.put(lot, bytes.subarray(start, end), {
          type,
          query: '?upload=parts',
          headers: rangeOf(start, end, bytes.length)
        })
      let start = 0
      for (
        let end = Math.min(40, bytes.length);
        start < bytes.length;
        end = Math.min(start + 40, bytes.length)
      ) {
        const answer = await put(start, end)
        if (answer.statusCode === 200) {
          expect(answer.json<object>()).toMatchObject({ expected: 2 })
          break
        }
        expect(answer.statusCode).toBe(202)
        start = answer.json<LotUploadView>().received
      }
      expect(await lots.read(lot)).toMatchObject({ devices: { expected: 2 } })
    }
  })

  it('is taken when only that is left to say', async () => {
    const lot = await lots.openLot()
    const bytes = 'thingName\ny-1\n'
    const headers = { 'content-range': `bytes 0-${bytes.length - 1}/${bytes.length + 1}` }
    expect((await lots.put(lot, bytes, { query: '?upload=rest', headers })).statusCode).toBe(202)
    const { id } = await service.database.prisma.lotDeviceList.findFirstOrThrow({ where: { lotId: lot } })
    await service.owner.prisma.lotDeviceList.update({ where: { id }, data: { totalOctets: bytes.length } })
    const end = { 'content-range': `bytes */${bytes.length}` }
    expect((await lots.put(lot, '', { query: '?upload=rest', headers: end })).statusCode).toBe(200)
  })

  it.each<[string, [Record<string, string>, string], [number, string]]>([
    [
      'at another octet',
      [{ 'content-range': 'bytes 7-19/99' }, '?upload=odd'],
      [409, 'devices_upload_conflict']
    ],
    [
      'of another file',
      [{ 'content-range': 'bytes 14-26/77' }, '?upload=odd'],
      [409, 'devices_upload_conflict']
    ],
    [
      'as another form',
      [{ 'content-range': 'bytes 14-26/99', 'content-type': 'application/x-ndjson' }, '?upload=odd'],
      [409, 'devices_upload_conflict']
    ],
    [
      'that nobody began',
      [{ 'content-range': 'bytes 14-26/99' }, '?upload=none'],
      [404, 'devices_not_found']
    ],
    ['without a name', [{ 'content-range': 'bytes 14-26/99' }, ''], [400, 'request_invalid']],
    ['by nonsense', [{ 'content-range': 'bytes 26-14/99' }, '?upload=odd'], [400, 'request_invalid']],
    ['by other units', [{ 'content-range': 'rows 14-26/99' }, '?upload=odd'], [400, 'request_invalid']],
    ['shorter than it says', [{ 'content-range': 'bytes 14-90/99' }, '?upload=odd'], [400, 'request_invalid']]
  ])('does not go on %s', async (_name, [headers, query], expected) => {
    const lot = await lots.openLot()
    const first = { query: '?upload=odd', headers: { 'content-range': 'bytes 0-13/99' } }
    expect((await lots.put(lot, 'thingName\nz-1\n', first)).json<object>()).toMatchObject({ received: 14 })
    const answer = await lots.put(lot, 'z-2\nz-3\nz-4\nz', { query, headers })
    expect([answer.statusCode, problemOf(answer).code]).toEqual(expected)
  })

  it('remembers the rows that are at fault', async () => {
    const lot = await lots.openLot()
    const bytes = Buffer.from('thingName\nb 1\nb-2\nb 3\nb-2\n')
    const part = { query: '?upload=bad', headers: { 'content-range': `bytes 0-17/${bytes.length}` } }
    const { received } = (await lots.put(lot, bytes.subarray(0, 18), part)).json<LotUploadView>()
    const rest = {
      query: '?upload=bad',
      headers: { 'content-range': `bytes ${received}-${bytes.length - 1}/${bytes.length}` }
    }
    const answer = await lots.put(lot, bytes.subarray(received), rest)
    expect([answer.statusCode, badRowsOf(answer)]).toEqual([422, ['2/thingName', '4/thingName', '5']])
    expect((await findUpload(lot, 'bad')).statusCode).toBe(404)
  })

  it('that is begun anew by another leaves the first with nothing to go on with', async () => {
    const lot = await lots.openLot()
    const answers = await Promise.all([1, 2, 3].map(() => lots.put(lot, list, { query: '?upload=both' })))
    const codes = answers.map(answer => (answer.statusCode === 200 ? 200 : problemOf(answer).code))
    expect(codes).toContain(200)
    expect(codes.every(code => code === 200 || code === 'devices_upload_conflict')).toBe(true)
    expect(await lots.read(lot)).toMatchObject({ devices: { expected: count, outstanding: count } })
  })

  it('that was left is swept away, and a list that has passed; what holds is not', async () => {
    const lot = await lots.openLot()
    await lots.put(lot, 'thingName\nw-1\n')
    await lots.put(lot, 'thingName\nw-2\n')
    await cutOff(lot, 'left', 60_000)
    const { prisma } = service.database
    const sweep = (clock: () => Date) =>
      sweepDeviceLists({ store: createArrivingStore(service.database), clock }, new AbortController().signal)
    await sweep(() => new Date())
    expect(
      (await prisma.lotDeviceList.findMany({ where: { lotId: lot } })).map(({ state }) => state).sort()
    ).toEqual(['arriving', 'current'])
    await sweep(() => new Date(Date.now() + 25 * 3_600_000))
    const left = await prisma.lotDeviceList.findMany({ where: { lotId: lot } })
    expect(left.map(({ state }) => state)).toEqual(['current'])
    const rows = await prisma.$queryRaw<object[]>`
      SELECT FROM lot_device WHERE list_id NOT IN (SELECT id FROM lot_device_list)`
    expect(rows).toHaveLength(0)
  })

  it('keeps nobody waiting', async () => {
    const lot = await lots.openLot()
    const rows = Array.from({ length: 50_000 }, (_, index) => `thing-${index},SN-${index}\n`).join('')
    let longestMs = 0
    let last = performance.now()
    const cpuOf = () => process.threadCpuUsage().user / 1_000
    let lastCpu = cpuOf()
    const watch = setInterval(() => {
      longestMs = Math.max(longestMs, Math.min(performance.now() - last, cpuOf() - lastCpu))
      ;[last, lastCpu] = [performance.now(), cpuOf()]
    }, 1)
    const before = process.memoryUsage.rss()
    const put = await lots.put(lot, `thingName,SerialNumber\n${rows}`)
    clearInterval(watch)
    expect(put.statusCode).toBe(200)
    console.log(
      `RSS of 50,000 devices: ${Math.round((process.memoryUsage.rss() - before) / 1_048_576)} MB more`
    )
    expectWithin(longestMs, 50)
  }, 120_000)
})
