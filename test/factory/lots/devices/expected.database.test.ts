import { hash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyStatement } from '../../../../src/factory/lots/statement/verification.ts'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import { problemOf } from '../../../http/answer.ts'
import { type HttpService, openService } from '../../../http/service.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { listing, spkiSha256Of } from './listing.ts'

let service: HttpService
let lots: Awaited<ReturnType<typeof listing>>

beforeAll(async () => {
  service = await openService()
  lots = await listing(service)
})
afterAll(() => service.stop())

const csvOf = (...names: readonly string[]) => ['thingName', ...names, ''].join('\n')
const codeOf = (answer: { json<Body>(): Body; statusCode: number }) =>
  answer.statusCode < 300 ? answer.statusCode : problemOf(answer).code

describe('what a lot expects of a device', () => {
  it('is its key, where that is listed', async () => {
    const lot = await lots.openLot()
    const right = makeCertificationRequest({ Country: 'DE', CommonName: 'key-1' })
    await lots.put(lot, `thingName,spkiSha256\nkey-1,${spkiSha256Of(right)}\n`)
    const other = await lots.issueIn(lot, { CommonName: 'key-1' })
    expect(codeOf(other)).toBe('device_not_expected')
    expect(problemOf(other).violations?.[0]?.expected).toContain(spkiSha256Of(right))
    expect(codeOf(await lots.issueIn(lot, {}, { csr: right }))).toBe(201)
  })

  it('are the values of its subject that are listed, exactly', async () => {
    const lot = await lots.openLot()
    await lots.put(lot, 'thingName,SerialNumber\nsub-1,SN-1\nsub-2,\n')
    for (const more of [{}, { SerialNumber: 'SN-2' }]) {
      const other = await lots.issueIn(lot, { CommonName: 'sub-1', ...more })
      expect([codeOf(other), problemOf(other).violations?.[0]]).toEqual([
        'device_not_expected',
        expect.objectContaining({ pointer: '/subject/SerialNumber', expected: '"SN-1"' })
      ])
    }
    expect(codeOf(await lots.issueIn(lot, { CommonName: 'sub-1', SerialNumber: 'SN-1' }))).toBe(201)
    expect(codeOf(await lots.issueIn(lot, { CommonName: 'sub-2', SerialNumber: 'SN-9' }))).toBe(201)
  })

  it('is known by the fields that name it, in whatever case, and then written as listed', async () => {
    const lot = await lots.openLot({ profile: 'starter' })
    await lots.put(lot, 'CommonName\nDev-1\n')
    const other = await lots.issueIn(lot, { CommonName: 'dev-1' }, { profile: 'starter' })
    expect([codeOf(other), problemOf(other).violations?.[0]?.expected]).toEqual([
      'device_not_expected',
      '"Dev-1"'
    ])
    expect(codeOf(await lots.issueIn(lot, { CommonName: 'Dev-1' }, { profile: 'starter' }))).toBe(201)
    const thing = await lots.put(lot, csvOf('Dev-1'))
    expect(codeOf(thing)).toBe('devices_invalid')
  })

  it('is its key alone, where the profile knows nothing else', async () => {
    const lot = await lots.openLot({ profile: 'keys' })
    const csr = makeCertificationRequest({ Country: 'DE', CommonName: 'any' })
    expect(codeOf(await lots.put(lot, 'CommonName\nany\n'))).toBe('devices_invalid')
    expect(codeOf(await lots.put(lot, `spkiSha256\n${spkiSha256Of(csr)}\n`))).toBe(200)
    const other = await lots.issueIn(lot, { CommonName: 'any' }, { profile: 'keys' })
    expect([codeOf(other), problemOf(other).violations?.[0]?.pointer]).toEqual([
      'device_not_expected',
      '/csr'
    ])
    expect(codeOf(await lots.issueIn(lot, {}, { csr, profile: 'keys' }))).toBe(201)
  })

  it('is uploaded again once the profile names devices in another way', async () => {
    const { name: _, ...rest } = starterProfile
    const rules = { ...rest.subject, SerialNumber: { rule: 'required' } }
    const post = async (deviceIdentity: readonly string[]) => {
      const profile = { ...rest, subject: rules, name: 'renamed', deviceIdentity }
      expect((await service.as('admin').post('/v1/profiles', profile)).statusCode).toBe(201)
    }
    await post(['CommonName'])
    const lot = await lots.openLot({ profile: 'renamed' })
    await lots.put(lot, 'CommonName,SerialNumber\nre-1,SN-1\n')
    await post(['SerialNumber'])
    const subject = { CommonName: 're-1', SerialNumber: 'SN-1' }
    const refused = await lots.issueIn(lot, subject, { profile: 'renamed' })
    expect(codeOf(refused)).toBe('device_not_expected')
    expect(problemOf(refused).detail).toContain('uploads the list again')
    expect(codeOf(await lots.put(lot, 'CommonName,SerialNumber\nre-1,SN-1\n'))).toBe(200)
    expect(codeOf(await lots.issueIn(lot, subject, { profile: 'renamed' }))).toBe(201)
  })

  it('holds for no other lot, and not for who names none', async () => {
    const lot = await lots.openLot()
    await lots.put(lot, csvOf('only-1'))
    const other = await lots.openLot()
    expect(codeOf(await lots.issueIn(other, { CommonName: 'only-2' }))).toBe(201)
    expect(codeOf(await lots.issueIn(undefined, { CommonName: 'only-3' }))).toBe(201)
  })

  it('is on record where it was refused, and a retry of what was issued is not', async () => {
    const lot = await lots.openLot()
    const csr = makeCertificationRequest({ Country: 'DE', CommonName: 'rec-1' })
    await lots.put(lot, csvOf('rec-1'))
    expect(codeOf(await lots.issueIn(lot, {}, { csr }))).toBe(201)
    const refused = problemOf(await lots.issueIn(lot, { CommonName: 'rec-2' }))
    const record = await service.as('auditor').get(`/v1/issuances/${refused.issuanceId}`)
    expect(record.json<object>()).toMatchObject({ outcome: 'rejected', lot })
    // Another lot expects another device: a retry is a replay all the same.
    const other = await lots.openLot()
    await lots.put(other, csvOf('rec-9'))
    expect(codeOf(await lots.issueIn(other, {}, { csr }))).toBe(200)
  })
})

describe('a list that is replaced while devices are made', () => {
  it('has each device meet the old one or the new one, and loses none that is made', async () => {
    const lot = await lots.openLot()
    const names = Array.from({ length: 100 }, (_, index) => `race-${index}`)
    // Each device is in one of the two alone, but for those that are made by then.
    const [even, odd] = [0, 1].map(rest => names.filter((_, index) => index % 2 === rest)) as [
      string[],
      string[]
    ]
    await lots.put(lot, csvOf(...even))
    const { promise: refusedOnce, resolve } = Promise.withResolvers<void>()
    const issue = async (name: string) => {
      const csr = makeCertificationRequest({ Country: 'DE', CommonName: name })
      for (;;) {
        const code = codeOf(await lots.issueIn(lot, {}, { csr }))
        if (code === 201) return
        // A hundred at once may have to wait for their turn.
        if (code === 'overloaded') continue
        expect([code, odd]).toEqual(['device_not_expected', expect.arrayContaining([name])])
        resolve()
      }
    }
    const puts: unknown[] = []
    const replace = async () => {
      await refusedOnce
      for (let round = 0; round < 8; round++)
        puts.push(
          codeOf(
            await lots.put(
              lot,
              csvOf(...(round % 2 === 0 ? odd.slice(round * 5) : []), ...even, ...odd.slice(0, round * 5))
            )
          )
        )
      puts.push(codeOf(await lots.put(lot, csvOf(...names))))
    }
    await Promise.all([replace(), ...names.map(issue)])
    expect(new Set(puts)).toContain(200)
    expect(puts.every(code => code === 200 || code === 'devices_issued')).toBe(true)
    expect(puts.at(-1)).toBe(200)
    const { devices, issued } = await lots.read(lot)
    expect([devices?.expected, devices?.outstanding, issued]).toEqual([100, 0, 100])
  }, 60_000)

  it('of two that arrive at once is one or the other', async () => {
    const lot = await lots.openLot()
    const lists = [csvOf('two-1', 'two-2'), csvOf('two-3', 'two-4', 'two-5')]
    const answers = await Promise.all(lists.map(list => lots.put(lot, list)))
    expect(answers.map(codeOf)).toEqual([200, 200])
    const { devices } = await lots.read(lot)
    expect(answers.map(answer => answer.json<{ sha256: string }>().sha256)).toContain(devices?.sha256)
    const states = await service.database.prisma.lotDeviceList.findMany({ where: { lotId: lot } })
    expect(states.map(({ state }) => state).sort()).toEqual(['current', 'past'])
  })
})

describe('the statement of a lot', () => {
  it('names the list, and how many of it were made', async () => {
    const lot = await lots.openLot()
    await lots.put(lot, csvOf('st-1', 'st-2'))
    await lots.issueIn(lot, { CommonName: 'st-1' })
    const { devices } = await lots.read(lot)
    const { statement } = (await service.as('operator').post(`/v1/lots/${lot}/close`)).json<{
      statement: string
    }>()
    const { keys } = (await service.send({ url: '/.well-known/jwks.json' })).json<{ keys: object[] }>()
    expect(await verifyStatement(statement, keys)).toMatchObject({
      issued: 1,
      devices: { expected: 2, issued: 1, sha256: devices?.sha256 }
    })
    expect(devices?.sha256).toBe(
      hash(
        'sha256',
        Buffer.concat([hash('sha256', '{"thingName":"st-1"}', 'buffer'), Buffer.from('{"thingName":"st-2"}')])
      )
    )
  })
})
