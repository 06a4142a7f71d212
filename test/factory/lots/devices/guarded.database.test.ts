import { generateKeyPairSync, hash } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemOf } from '../../../http/answer.ts'
import { type HttpService, openService } from '../../../http/service.ts'
import { listing } from './listing.ts'

let service: HttpService
let lots: Awaited<ReturnType<typeof listing>>

beforeAll(async () => {
  service = await openService()
  lots = await listing(service)
})
afterAll(() => service.stop())

const rows = (count: number) => Array.from({ length: count }, (_, index) => `row-${index}\n`).join('')

describe('a list with a private key in it', () => {
  it.each([
    ['at its beginning', 0, 0],
    ['in the middle', 9_000, 9_000],
    ['at its end', 4_000, 0]
  ])('%s is refused, and nothing of the key is kept', async (_name, before, after) => {
    const lot = await lots.openLot()
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const list = `thingName\n${rows(before)}${pem}${rows(after)}`
    const answer = await lots.put(lot, list, { query: '?upload=pasted' })
    expect([answer.statusCode, problemOf(answer).code]).toEqual([422, 'key_blocked'])
    const spki = hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'buffer')
    const { prisma } = service.database
    expect(await prisma.blockedKey.count({ where: { spkiSha256: Uint8Array.from(spki) } })).toBe(1)
    const kept = await prisma.$queryRaw<{ text: string }[]>`
      SELECT thing_name AS text FROM lot_device UNION ALL SELECT faults::text FROM lot_device_list`
    const lines = pem.split('\n').filter(line => line !== '')
    expect(kept.filter(({ text }) => lines.some(line => text.includes(line.slice(0, 20))))).toEqual([])
    expect(lines.some(line => answer.body.includes(line.slice(0, 20)))).toBe(false)
  })

  it('is told of a line of one by its length', async () => {
    const lot = await lots.openLot()
    // Of the middle: without what is before it nobody can tell what it is.
    const line = 'q7Zt0vWmX3bK9yLc'.repeat(4).slice(1)
    const answer = await lots.put(lot, `thingName\n${line}+\n`)
    expect(problemOf(answer).code).toBe('devices_invalid')
    expect(answer.body).toContain('a text of 64 characters')
    expect(answer.body).not.toContain(line)
  })
})

describe('a list whose sender loses its token meanwhile', () => {
  it('changes nothing', async () => {
    const lot = await lots.openLot()
    const made = await service
      .as('admin')
      .post('/v1/tokens', { role: 'operator', name: 'leaves', expiresAt: '2099-12-31T00:00:00Z' })
    const { id, secret } = made.json<{ id: string; secret: string }>()
    const sent = request(`${service.url}/v1/lots/${lot}/devices?upload=late`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'text/csv' }
    })
    const answered = new Promise<number | undefined>((resolve, reject) =>
      sent.once('response', response => resolve(response.resume().statusCode)).once('error', reject)
    )
    sent.write(`thingName\n${rows(8_000)}`)
    const arriving = { lotId: lot, state: 'arriving' }
    while ((await service.database.prisma.lotDeviceList.count({ where: arriving })) === 0) await delay(20)
    expect((await service.as('admin').delete(`/v1/tokens/${id}`)).statusCode).toBeLessThan(300)
    sent.end('row-last\n')
    expect(await answered).toBe(401)
    expect(await lots.read(lot)).not.toHaveProperty('devices')
  })
})
