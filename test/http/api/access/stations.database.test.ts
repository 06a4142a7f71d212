import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokenStore } from '../../../../src/access/token/token-store.ts'
import { createStationStore } from '../../../../src/factory/stations/station-store.ts'
import type { Issuance } from '../../../../src/http/api/issuances/schemas.ts'
import type { StationReportView, StationView } from '../../../../src/http/api/stations/schemas.ts'
import { newId } from '../../../../src/sources/identifier.ts'
import { createRandomSource } from '../../../../src/sources/random-bytes.ts'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { pointersOf, problemOf } from '../../answer.ts'
import { type Answer, type HttpService, openService, someSubject } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

const document = { name: 'a-1', line: 'A7', site: 'Graz', profiles: ['pumps'], hourlyTarget: 240 }

let service: HttpService
beforeAll(async () => {
  service = await openService()
  for (const name of ['pumps', 'valves'])
    await service.as('admin').post('/v1/profiles', { ...starterProfile, name })
})
afterAll(() => service.stop())

const get = (url: string) => service.as('admin').get(url)
const post = (payload: object) => service.as('admin').post('/v1/stations', payload)
const patch = (name: string, payload: object) =>
  service.send({ method: 'PATCH', url: `/v1/stations/${name}`, headers: service.bearer('admin'), payload })
const told = (answer: Answer) => [answer.statusCode, problemOf(answer).code]

let names = 0
/** A station of its own with a token. */
async function makeStation(settings: object = {}) {
  const name = `station-${++names}`
  await post({ name, profiles: ['*'], ...settings })
  const made = await service
    .as('admin')
    .post('/v1/tokens', { role: 'station', name: `${name}-token`, station: name })
  const { id: tokenId, secret } = made.json<{ id: string; secret: string }>()
  const headers = { authorization: `Bearer ${secret}` }
  return {
    name,
    tokenId,
    read: (url: string) => service.send({ url, headers }),
    ask: (profile = 'starter', csr: Uint8Array = makeCertificationRequest(someSubject())) =>
      service.send({
        method: 'POST',
        url: `/v1/issuances?profile=${profile}`,
        headers: { ...headers, 'content-type': 'application/pkcs10' },
        payload: csr
      })
  }
}

/** Seven refusals that were counted and not recorded. */
function countOf(station: string, time: Date) {
  const id = newId(time, createRandomSource())
  const at = { createdAt: time, windowStart: time, lastAt: time }
  return { id, ...at, reason: 'station_limit', station, code: 'csr_malformed', count: 7 }
}

describe('stations', () => {
  it('are made once, and answered with their place', async () => {
    const answer = await post(document)
    expect([answer.statusCode, answer.headers['location']]).toEqual([201, '/v1/stations/a-1'])
    expect(answer.json()).toMatchObject({ ...document, enabled: true, createdBy: 'admin/starter-admin' })
    expect(await faultsOf('Station', answer.json())).toEqual([])
    const again = await post(document)
    expect([again.statusCode, again.json<StationView>().id]).toEqual([200, answer.json<StationView>().id])
    expect(told(await post({ ...document, line: 'A8' }))).toEqual([409, 'station_exists'])
  })

  it('are on record with who made and changed them', async () => {
    const made = await post({ name: 'audited', profiles: ['*'] })
    const changed = await patch('audited', { enabled: false, reason: 'moved' })
    const [creation] = await service.audited('station.create', made.headers['x-request-id'])
    expect(creation).toMatchObject({ actor: 'admin/starter-admin', subject: 'station/audited' })
    const [change] = await service.audited('station.change', changed.headers['x-request-id'])
    expect(change).toMatchObject({ reason: 'moved', before: { enabled: true }, after: { enabled: false } })
  })

  it('are changed member by member, and null takes away', async () => {
    await post({ ...document, name: 'changing', lots: ['lot-1'], requestsPerMinute: 60 })
    const first = await patch('changing', { line: 'A8', requestsPerMinute: 90 })
    expect(first.json()).toMatchObject({ line: 'A8', site: 'Graz', requestsPerMinute: 90, lots: ['lot-1'] })
    const second = (
      await patch('changing', {
        line: null,
        site: null,
        requestsPerMinute: null,
        hourlyTarget: null,
        lots: null
      })
    ).json<StationReportView>()
    for (const member of ['line', 'site', 'requestsPerMinute', 'hourlyTarget', 'lots'])
      expect(second).not.toHaveProperty(member)
    expect(second.profiles).toEqual(['pumps'])
    expect(await faultsOf('StationReport', second)).toEqual([])
  })

  it('change one after the other, also when asked at once', async () => {
    await post({ name: 'crowded', profiles: ['*'] })
    const lines = Array.from({ length: 8 }, (_, index) => `L${index}`)
    const answers = await Promise.all(lines.map(line => patch('crowded', { line })))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(lines.map(() => 200))
    const events = await service.database.prisma.auditEvent.findMany({
      where: { subject: 'station/crowded', act: 'station.change' },
      orderBy: { createdAt: 'asc' }
    })
    expect(events).toHaveLength(8)
    expect(new Set(events.map(({ before }) => (before as { line: string | null }).line)).size).toBe(8)
  })

  it.each([
    ['a profile that there is not', { name: 'x', profiles: ['pumps', 'none'] }, 422, ['/profiles/1']],
    ['all profiles and one', { name: 'x', profiles: ['*', 'pumps'] }, 422, ['/profiles']],
    ['no profile', { name: 'x', profiles: [] }, 400, ['/profiles']],
    ['no name', { profiles: ['*'] }, 400, ['/name']],
    ['a name with a slash', { name: 'a/b', profiles: ['*'] }, 400, ['/name']],
    ['a line end in its line', { name: 'x', profiles: ['*'], line: 'a\nb' }, 400, ['/line']],
    ['a limit of none', { name: 'x', profiles: ['*'], requestsPerMinute: 0 }, 400, ['/requestsPerMinute']],
    ['an unknown member', { name: 'x', profiles: ['*'], secret: 's' }, 400, ['/secret']]
  ] as const)('are not made with %s', async (...[, payload, status, pointers]) => {
    const answer = await post(payload)
    expect([answer.statusCode, pointersOf(answer)]).toEqual([status, pointers])
  })

  it.each([
    ['none', { enabled: false }, [404, 'station_not_found']],
    ['a-1', { profiles: ['none'] }, [422, 'station_invalid']],
    ['a-1', { name: 'other' }, [400, 'request_invalid']]
  ] as const)('%s is not changed to %o', async (name, change, expected) => {
    expect(told(await patch(name, change))).toEqual(expected)
  })

  it('tell what they have done today, and when they were seen', async () => {
    const station = await makeStation()
    await station.ask()
    await station.ask()
    await station.ask('starter', new Uint8Array([1, 2, 3]))
    const read = async () => (await get(`/v1/stations/${station.name}`)).json<StationReportView>()
    expect(await read()).toMatchObject({ issuedToday: 2, refusedToday: 1 })
    // What a minute of the service would come to.
    const time = new Date()
    await service.database.prisma.refusalCount.create({ data: countOf(station.name, time) })
    await createTokenStore(service.database).noteUse(new Map([[station.tokenId, time]]))
    const report = await read()
    expect(report).toMatchObject({ issuedToday: 2, refusedToday: 8, lastSeenAt: time.toISOString() })
    expect(await faultsOf('StationReport', report)).toEqual([])
  })

  it('tell nothing of the days before', async () => {
    const station = await makeStation()
    await station.ask()
    await station.ask('starter', new Uint8Array([1, 2, 3]))
    const { name } = station
    await service.database.prisma.refusalCount.create({ data: countOf(name, new Date()) })
    const { activity } = createStationStore(service.database)
    const [earlier, later] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)]
    expect(await activity(name, earlier)).toMatchObject({ issued: 1, refused: 8 })
    expect(await activity(name, later)).toMatchObject({ issued: 0, refused: 0 })
  })
})

describe('a station', () => {
  it('stands on record with line, site and the token that let it in', async () => {
    const station = await makeStation({ line: 'A7', site: 'Graz' })
    const facts = { station: station.name, line: 'A7', site: 'Graz', credential: station.tokenId }
    const { id } = (await station.ask()).json<Issuance>()
    expect((await get(`/v1/issuances/${id}`)).json()).toMatchObject(facts)
    const { issuanceId } = problemOf(await station.ask('starter', new Uint8Array([4, 5, 6])))
    expect((await get(`/v1/issuances/${issuanceId}`)).json()).toMatchObject(facts)
    // What is on record is where it stood then.
    await patch(station.name, { line: 'B1', site: null })
    expect((await get(`/v1/issuances/${id}`)).json()).toMatchObject(facts)
    const later = (await station.ask()).json<Issuance>()
    const moved = (await get(`/v1/issuances/${later.id}`)).json<object>()
    expect(moved).toMatchObject({ line: 'B1' })
    expect(moved).not.toHaveProperty('site')
  })

  it('gets certificates of its profiles alone, from the next request on', async () => {
    const station = await makeStation({ profiles: ['starter', 'pumps'] })
    expect((await station.ask('pumps')).statusCode).toBe(201)
    const refused = await station.ask('valves')
    expect(told(refused)).toEqual([403, 'profile_not_allowed'])
    const { issuanceId } = problemOf(refused)
    expect((await get(`/v1/issuances/${issuanceId}`)).json()).toMatchObject({
      outcome: 'rejected',
      code: 'profile_not_allowed',
      station: station.name,
      profile: 'valves'
    })
    const csr = makeCertificationRequest(someSubject())
    expect((await station.ask('pumps', csr)).statusCode).toBe(201)
    await patch(station.name, { profiles: ['valves'] })
    // Nor does it get again what it got.
    expect(told(await station.ask('pumps', csr))).toEqual([403, 'profile_not_allowed'])
    expect((await station.ask('valves')).statusCode).toBe(201)
  })

  it('learns no more of a profile that it may not use by a preview', async () => {
    const station = await makeStation({ profiles: ['pumps'] })
    const made = await service.as('admin').post('/v1/tokens', {
      role: 'station',
      name: `${station.name}-preview`,
      station: station.name
    })
    const answer = await service.send({
      method: 'POST',
      url: '/v1/profiles/valves/preview',
      headers: {
        authorization: `Bearer ${made.json<{ secret: string }>().secret}`,
        'content-type': 'application/pkcs10'
      },
      payload: makeCertificationRequest(someSubject())
    })
    expect(told(answer)).toEqual([403, 'profile_not_allowed'])
  })

  it('that is disabled is refused at once, and comes back', async () => {
    const station = await makeStation()
    expect((await station.ask()).statusCode).toBe(201)
    await patch(station.name, { enabled: false })
    expect(told(await station.ask())).toEqual([403, 'station_disabled'])
    await patch(station.name, { enabled: true })
    expect((await station.ask()).statusCode).toBe(201)
  })

  it('reads its own issuances and refusals, and nothing of others', async () => {
    const [own, other] = [await makeStation(), await makeStation()]
    const { id } = (await own.ask()).json<Issuance>()
    const refused = problemOf(await own.ask('starter', new Uint8Array([7, 8, 9])))
    const foreign = (await other.ask()).json<Issuance>()
    expect((await own.read(`/v1/issuances/${id}`)).json()).toMatchObject({ id, outcome: 'issued' })
    // The record of a refusal is where its answer says.
    expect((await own.read(refused.instance!)).json()).toMatchObject({ outcome: 'rejected' })
    expect(told(await own.read(`/v1/issuances/${foreign.id}`))).toEqual([404, 'issuance_not_found'])
    const listed = async (query: string) =>
      (await own.read(`/v1/issuances${query}`)).json<{ items: { station: string }[] }>().items
    expect((await listed('')).map(({ station }) => station)).toEqual([own.name, own.name])
    expect(await listed(`?station=${other.name}`)).toEqual([])
    expect(await listed(`?serialNumber=${foreign.serialNumber}`)).toEqual([])
    expect(await listed(`?certificateId=${foreign.certificateId}`)).toEqual([])
    expect(await listed(`?station=${own.name}`)).toHaveLength(2)
  })
})

it('a token of a station is made with what it is named, and is listed with it', async () => {
  const made = await service.as('admin').post('/v1/tokens', { role: 'station', name: 'lone-station' })
  expect(made.statusCode).toBe(201)
  expect(made.json()).toMatchObject({ station: 'lone-station', warnings: [expect.any(String)] })
  expect(await faultsOf('NewToken', made.json())).toEqual([])
  expect((await get('/v1/stations/lone-station')).json()).toMatchObject({ profiles: ['*'] })
  const { id } = made.json<{ id: string }>()
  const rotated = await service.as('admin').post(`/v1/tokens/${id}/rotate`, { overlapSeconds: 60 })
  expect(rotated.json()).toMatchObject({
    id,
    name: 'lone-station',
    previousSecretUntil: expect.any(String) as string
  })
  expect(await faultsOf('NewToken', rotated.json())).toEqual([])
})

describe('who is held to some lines', () => {
  async function held(role: 'auditor' | 'operator' | 'display', lines: readonly string[]) {
    const made = await service
      .as('admin')
      .post('/v1/tokens', { role, name: `held-${crypto.randomUUID()}`, lines })
    expect(made.json()).toMatchObject({ role, lines })
    expect(await faultsOf('NewToken', made.json())).toEqual([])
    const headers = { authorization: `Bearer ${made.json<{ secret: string }>().secret}` }
    return {
      read: (url: string) => service.send({ url, headers }),
      post: (payload: object) => service.send({ method: 'POST', url: '/v1/stations', headers, payload }),
      patch: (name: string, payload: object) =>
        service.send({ method: 'PATCH', url: `/v1/stations/${name}`, headers, payload })
    }
  }

  it('reads the records of these lines alone, issued, refused and listed', async () => {
    const [own, other, nowhere] = [
      await makeStation({ line: 'H1' }),
      await makeStation({ line: 'H2' }),
      await makeStation()
    ]
    const ids: string[] = []
    for (const station of [own, other, nowhere]) {
      ids.push((await station.ask()).json<Issuance>().id)
      ids.push(problemOf(await station.ask('starter', new Uint8Array([ids.length]))).issuanceId!)
    }
    const auditor = await held('auditor', ['H1', 'H3'])
    const statuses = await Promise.all(
      ids.map(async id => (await auditor.read(`/v1/issuances/${id}`)).statusCode)
    )
    expect(statuses).toEqual([200, 200, 404, 404, 404, 404])
    const listed = async (query: string) =>
      (await auditor.read(`/v1/issuances${query}`))
        .json<{ items: { id: string }[] }>()
        .items.map(({ id }) => id)
    expect((await listed('')).sort()).toEqual(ids.slice(0, 2).sort())
    expect(await listed(`?station=${other.name}`)).toEqual([])
    expect(await listed(`?station=${own.name}&outcome=rejected`)).toEqual([ids[1]])
  })

  it('sees the stations of these lines alone, with what they do today', async () => {
    const own = await makeStation({ line: 'D1' })
    const other = await makeStation({ line: 'D2' })
    const display = await held('display', ['D1'])
    const { items } = (await display.read('/v1/stations')).json<{ items: StationView[] }>()
    expect(items.map(({ name }) => name)).toEqual([own.name])
    expect((await display.read(`/v1/stations/${own.name}`)).json()).toMatchObject({ issuedToday: 0 })
    expect(told(await display.read(`/v1/stations/${other.name}`))).toEqual([404, 'station_not_found'])
    expect(told(await display.read('/v1/issuances'))).toEqual([403, 'role_forbidden'])
  })

  it('looks after the stations of these lines, and moves none to or from another', async () => {
    const operator = await held('operator', ['O1', 'O2'])
    const other = await makeStation({ line: 'O3' })
    expect((await operator.post({ name: 'o-1', line: 'O1', profiles: ['*'] })).statusCode).toBe(201)
    expect((await operator.patch('o-1', { line: 'O2', hourlyTarget: 9 })).json()).toMatchObject({
      line: 'O2'
    })
    for (const line of ['O3', null])
      expect(told(await operator.patch('o-1', { line }))).toEqual([403, 'lines_forbidden'])
    expect(told(await operator.post({ name: 'o-2', profiles: ['*'] }))).toEqual([403, 'lines_forbidden'])
    expect(told(await operator.patch(other.name, { line: 'O1' }))).toEqual([404, 'station_not_found'])
    // Nor does it learn from a repeat what stands elsewhere.
    expect(told(await operator.post({ name: other.name, line: 'O1', profiles: ['*'] }))).toEqual([
      409,
      'station_exists'
    ])
  })

  it.each([
    ['display', undefined],
    ['admin', ['A7']],
    ['station', ['A7']],
    ['auditor', []]
  ])('is no %s with the lines %o', async (role, lines) => {
    const answer = await service
      .as('admin')
      .post('/v1/tokens', { role, name: 'never', ...(lines && { lines }) })
    expect([answer.statusCode, pointersOf(answer)]).toEqual([400, ['/lines']])
  })
})
