import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { StationReportView } from '../../../src/http/api/stations/schemas.ts'
import { starterProfile } from '../../../src/starter/starter-profile.ts'
import { subscribe } from '../../events/owed.ts'
import { problemOf } from '../../http/answer.ts'
import { type Answer, type HttpService, openService, someSubject } from '../../http/service.ts'
import { faultsOf } from '../../http/shared-schema.ts'
import { makeCertificationRequest, makeDeviceKey } from '../../support/certification-request.ts'
import { makeRsaRequest, makeSoundKey } from '../../support/weak-keys/weak-key.ts'

const keys = { ec: { curves: ['P-256'] }, rsa: { minimumBits: 2048, maximumBits: 4096 } }

let service: HttpService
beforeAll(async () => {
  service = await openService()
  for (const name of ['rsa', 'rsa-b'])
    await service.as('admin').post('/v1/profiles', { ...starterProfile, name, keys })
})
afterAll(() => service.stop())

const sound = makeSoundKey()
let weakKeys = 0n
/** A key that is weak by its exponent, each time another. */
const makeWeak = () => ({ ...sound, exponent: 65538n + 2n * ++weakKeys })
const weakRequest = (subject: object = someSubject()) => makeRsaRequest(subject, makeWeak())
const told = (answer: Answer) => [answer.statusCode, problemOf(answer).code]

let names = 0
async function makeStation() {
  const name = `faulty-${++names}`
  await service.as('admin').post('/v1/stations', { name, profiles: ['*'], line: 'A7' })
  const made = await service
    .as('admin')
    .post('/v1/tokens', { role: 'station', name: `${name}-token`, station: name })
  const headers = {
    authorization: `Bearer ${made.json<{ secret: string }>().secret}`,
    'content-type': 'application/pkcs10'
  }
  return {
    name,
    ask: (csr: Uint8Array, profile = 'rsa') =>
      service.send({ method: 'POST', url: `/v1/issuances?profile=${profile}`, headers, payload: csr }),
    report: async () => (await service.as('auditor').get(`/v1/stations/${name}`)).json<StationReportView>(),
    resume: (role: 'operator' | 'auditor' = 'operator') =>
      service.as(role).post(`/v1/stations/${name}/resume`, { reason: 'chip replaced' })
  }
}

type Station = Awaited<ReturnType<typeof makeStation>>
let station: Station
beforeEach(async () => {
  station = await makeStation()
})

async function sendWeak(count: number) {
  for (let i = 0; i < count; i++) expect(told(await station.ask(weakRequest()))).toEqual([422, 'key_refused'])
}

const eventsOf = (act: string) =>
  service.database.prisma.auditEvent.findMany({ where: { act, subject: `station/${station.name}` } })

describe('a station that sends weak keys', () => {
  it('is paused with the fourth, whatever it asks, and an operator lets it go on', async () => {
    const issued = makeCertificationRequest(someSubject())
    expect((await station.ask(issued)).statusCode).toBe(201)
    await sendWeak(4)
    const answer = await station.ask(issued)
    expect(told(answer)).toEqual([403, 'station_paused'])
    expect(problemOf(answer)).toMatchObject({ station: station.name })
    const paused = await station.report()
    expect(paused).toMatchObject({
      enabled: true,
      pauseReason: 'key_faults',
      issuedToday: 1,
      refusedToday: 4
    })
    expect(paused.pausedAt).toBeDefined()
    expect(await faultsOf('StationReport', paused)).toEqual([])

    expect(told(await station.resume('auditor'))).toEqual([403, 'role_forbidden'])
    const resumed = await station.resume()
    expect(resumed.statusCode).toBe(200)
    expect(resumed.json()).not.toHaveProperty('pausedAt')
    expect((await station.ask(issued)).statusCode).toBe(200)
    expect(await eventsOf('station.resume')).toMatchObject([
      { actor: 'operator/test-operator', reason: 'chip replaced', before: { state: 'paused' } }
    ])
    // Of one that is not paused nothing changes.
    expect((await station.resume()).statusCode).toBe(200)
    expect(await eventsOf('station.resume')).toHaveLength(1)
  })

  it('has as many again once it goes on', async () => {
    await sendWeak(4)
    await station.resume()
    await sendWeak(4)
    expect(told(await station.ask(weakRequest()))).toEqual([403, 'station_paused'])
  })

  it('counts the same request once, however often and under whatever profile it comes', async () => {
    const csr = weakRequest()
    for (let i = 0; i < 6; i++)
      expect(told(await station.ask(csr, i % 2 === 0 ? 'rsa' : 'rsa-b'))).toEqual([422, 'key_refused'])
    await sendWeak(2)
    expect(told(await station.ask(csr))).toEqual([422, 'key_refused'])
    await sendWeak(1)
    expect(told(await station.ask(csr))).toEqual([403, 'station_paused'])
  })

  it('counts what others send for others', async () => {
    await sendWeak(3)
    const first = station
    station = await makeStation()
    await sendWeak(3)
    expect(told(await first.ask(makeCertificationRequest(someSubject())))).toEqual([201, undefined])
  })

  it('is not paused for refusals that say nothing of its keys', async () => {
    const key = makeDeviceKey()
    for (let i = 0; i < 6; i++) {
      const csr = makeCertificationRequest({ CommonName: `no-country-${i}` }, key)
      expect(told(await station.ask(csr))).toEqual([422, 'subject_refused'])
      expect(told(await station.ask(Buffer.from(`rubbish ${i}`)))).toEqual([422, 'csr_malformed'])
    }
    expect((await station.ask(makeCertificationRequest(someSubject()))).statusCode).toBe(201)
  })

  it('forgets those of more than a day ago', async () => {
    await sendWeak(3)
    const { prisma } = service.owner
    await prisma.$executeRaw`ALTER TABLE station_key_fault DISABLE TRIGGER append_only`
    await prisma.$executeRaw`
      UPDATE station_key_fault SET created_at = station_key_fault.created_at - interval '24 hours'
      FROM station WHERE station.id = station_id AND station.name = ${station.name}`
    await prisma.$executeRaw`ALTER TABLE station_key_fault ENABLE ALWAYS TRIGGER append_only`
    await sendWeak(3)
    expect((await station.ask(makeCertificationRequest(someSubject()))).statusCode).toBe(201)
  })

  it('is paused once by a hundred at once, and no more is kept than is needed', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => station.ask(weakRequest())))
    const codes = new Set(answers.map(answer => problemOf(answer).code))
    expect([...codes].filter(code => !['key_refused', 'station_paused'].includes(code))).toEqual([])
    expect(await eventsOf('station.pause')).toHaveLength(1)
    expect((await station.report()).pausedAt).toBeDefined()
    const kept = await service.database.prisma.stationKeyFault.count({
      where: { station: { name: station.name } }
    })
    expect(kept).toBeGreaterThan(3)
    expect(kept).toBeLessThan(9)
  })

  it('has it on record for ever', async () => {
    await sendWeak(1)
    const { prisma } = service.owner
    await expect(prisma.$executeRaw`DELETE FROM station_key_fault`).rejects.toThrow(/refused/)
    await expect(prisma.$executeRaw`UPDATE station_key_fault SET kind = 'shared_key'`).rejects.toThrow(
      /refused/
    )
  })

  it('is not paused by a preview', async () => {
    for (let i = 0; i < 6; i++) {
      const csr = Buffer.from(weakRequest()).toString('base64')
      const preview = await service.as('admin').post('/v1/profiles/rsa/preview', { csr })
      expect(problemOf(preview).code).toBe('key_refused')
    }
  })
})

describe('a station that sends one key for several devices', () => {
  it('is paused with the fourth', async () => {
    const key = makeDeviceKey()
    const ask = () => station.ask(makeCertificationRequest(someSubject(), key))
    expect((await ask()).statusCode).toBe(201)
    for (let i = 0; i < 4; i++) {
      const answer = await ask()
      expect(told(answer)).toEqual([409, 'key_already_certified'])
      expect(problemOf(answer)).toMatchObject({ otherDevice: true })
    }
    expect(told(await ask())).toEqual([403, 'station_paused'])
    expect(await eventsOf('station.pause')).toMatchObject([{ after: { weakKeys: 0, sharedKeys: 4 } }])
  })

  it('is not paused for one device under several profiles, or again and again', async () => {
    const key = makeDeviceKey()
    const subject = someSubject()
    const csr = makeCertificationRequest(subject, key)
    expect((await station.ask(csr)).statusCode).toBe(201)
    for (let i = 0; i < 6; i++) {
      expect((await station.ask(csr)).statusCode).toBe(200)
      const other = makeCertificationRequest({ ...subject, OrganizationalUnit: `unit ${i}` }, key)
      const answer = await station.ask(other, 'rsa-b')
      if (answer.statusCode === 409) expect(problemOf(answer)).toMatchObject({ otherDevice: false })
    }
    expect(await eventsOf('station.pause')).toEqual([])
  })

  it('is paused for a key that is blocked as a duplicate, and not for a withdrawn one', async () => {
    const block = async (reason: string) => {
      const key = makeDeviceKey()
      const { createHash } = await import('node:crypto')
      const spkiSha256 = createHash('sha256').update(key.spkiDer).digest('hex')
      await service.as('admin').post('/v1/blocked-keys', { spkiSha256, reason })
      return () => station.ask(makeCertificationRequest(someSubject(), key))
    }
    const withdrawn = await block('withdrawn')
    for (let i = 0; i < 5; i++) expect(told(await withdrawn())).toEqual([422, 'key_blocked'])
    const duplicate = await block('duplicate_key')
    for (let i = 0; i < 4; i++) expect(told(await duplicate())).toEqual([422, 'key_blocked'])
    expect(told(await duplicate())).toEqual([403, 'station_paused'])
  })
})

describe('the event of a pause', () => {
  const owed = () => service.database.prisma.outgoingEvent.findMany()
  afterEach(() => subscribe(service.owner, []))

  it('is owed with it, and names what was found', async () => {
    await subscribe(service.owner, ['mintline.station.paused'])
    await sendWeak(4)
    const [event] = await eventsOf('station.pause')
    expect(event).toMatchObject({
      actor: 'system',
      after: { state: 'paused', pauseReason: 'key_faults', weakKeys: 4, weaknesses: ['exponent'], lots: [] }
    })
    expect(await owed()).toMatchObject([{ type: 'mintline.station.paused', recordId: event!.id }])
  })
})

describe('the lots of a station that is paused', () => {
  const lotOf = async (id: string) => {
    const answer = await service.as('auditor').get(`/v1/lots/${id}`)
    expect(await faultsOf('LotProgress', answer.json())).toEqual([])
    return answer.json<{ flags?: object[] }>()
  }
  const listed = async (query: string) =>
    (await service.as('auditor').get(`/v1/lots?profile=rsa&${query}`))
      .json<{ items: { id: string }[] }>()
      .items.map(({ id }) => id)

  it('are flagged, those alone that it sent faulty keys for, and say so when they are closed', async () => {
    await subscribe(service.owner, ['mintline.lot.changed'])
    const [faulty, other] = ['flag-faulty', 'flag-other']
    for (const id of [faulty, other])
      await service.as('operator').post('/v1/lots', { id, profile: 'rsa', quantity: 10 })
    await service.database.prisma.outgoingEvent.deleteMany()
    const ask = (lot: string) => station.ask(weakRequest(), `rsa&lot=${lot}`)
    for (const lot of [faulty, faulty, faulty, 'flag-of-nobody'])
      expect((await ask(lot)).statusCode).toBe(422)
    expect(told(await ask(other))).toEqual([403, 'station_paused'])

    const { pausedAt } = await station.report()
    const flag = { reason: 'key_faults', station: station.name, at: pausedAt }
    expect(await lotOf(faulty)).toMatchObject({ flags: [flag] })
    expect(await lotOf(other)).not.toHaveProperty('flags')
    expect(await listed('flagged=true')).toEqual([faulty])
    expect(await listed('flagged=false')).toEqual([other])
    const events = await service.database.prisma.auditEvent.findMany({ where: { act: 'lot.flag' } })
    expect(events).toMatchObject([
      { actor: 'system', subject: `lot/${faulty}`, after: { reason: 'key_faults', station: station.name } }
    ])
    expect(await service.database.prisma.outgoingEvent.findMany()).toMatchObject([
      { type: 'mintline.lot.changed', recordId: events[0]!.id }
    ])
    await subscribe(service.owner, [])

    const closed = await service.as('operator').post(`/v1/lots/${faulty}/close`)
    const [, payload = ''] = closed.json<{ statement: string }>().statement.split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ flags: [flag] })
    await expect(service.owner.prisma.lotFlag.deleteMany()).rejects.toThrow()
  })

  it('are flagged with each pause', async () => {
    const id = 'flag-twice'
    await service.as('operator').post('/v1/lots', { id, profile: 'rsa', quantity: 10 })
    for (const pauses of [1, 2]) {
      for (let i = 0; i < 4; i++) await station.ask(weakRequest(), `rsa&lot=${id}`)
      expect((await lotOf(id)).flags).toHaveLength(pauses)
      expect((await station.resume()).statusCode).toBe(200)
    }
  })
})

describe('another process on the same database', () => {
  it('counts along, also after a start', async () => {
    await sendWeak(2)
    const settings = { DATABASE_URL: service.connectionString, MINTLINE_DATA_DIR: service.dataDirectory }
    const { startService } = await import('../../../src/composition/service.ts')
    const { loadConfig } = await import('../../../src/config/config.ts')
    const { silentLog } = await import('../../support/silent-log.ts')
    const second = await startService(
      loadConfig({ ...settings, MINTLINE_PORT: '0', MINTLINE_LOG_LEVEL: 'silent' }),
      silentLog
    )
    try {
      const token = await service
        .as('admin')
        .post('/v1/tokens', { role: 'station', name: `${station.name}-second`, station: station.name })
      const ask = () =>
        fetch(`${second.url}/v1/issuances?profile=rsa`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${token.json<{ secret: string }>().secret}`,
            'content-type': 'application/pkcs10'
          },
          body: Buffer.from(weakRequest())
        })
      expect([(await ask()).status, (await ask()).status]).toEqual([422, 422])
      expect((await ask()).status).toBe(403)
      expect(told(await station.ask(makeCertificationRequest(someSubject())))).toEqual([
        403,
        'station_paused'
      ])
    } finally {
      await second.stop()
    }
  })
})
