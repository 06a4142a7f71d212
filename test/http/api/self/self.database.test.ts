import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Self } from '../../../../src/http/api/self/schemas.ts'
import { starterProfile } from '../../../../src/starter/starter-profile.ts'
import { makeGeneration } from '../../generations.ts'
import { type HttpService, openService } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService({ MINTLINE_STATION_REQUESTS_PER_MINUTE: '600' })
})
afterAll(() => service.stop())

async function makeStation(
  settings: { readonly name: string; readonly [member: string]: unknown },
  more: object = {}
) {
  const admin = service.as('admin')
  await admin.post('/v1/stations', settings)
  const token = { role: 'station', name: `${settings.name}-token`, station: settings.name, ...more }
  const made = (await admin.post('/v1/tokens', token)).json<{ id: string; secret: string }>()
  const self = async () => {
    const headers = { authorization: `Bearer ${made.secret}` }
    return (await service.send({ url: '/v1/self', headers })).json<Self>()
  }
  return { ...made, self }
}

describe('GET /v1/self', () => {
  it('tells a station all that it has to know at the start of a shift', async () => {
    const expiresAt = '2099-01-31T18:00:00.000Z'
    const settings = {
      name: 'station-9',
      line: 'A7',
      site: 'Graz',
      profiles: ['starter'],
      requestsPerMinute: 120
    }
    const { id, self } = await makeStation(settings, { expiresAt })
    const told = await self()
    expect(told).toEqual({
      role: 'station',
      name: 'station-9',
      credential: { id, name: 'station-9-token', expiresAt },
      station: {
        line: 'A7',
        site: 'Graz',
        requestsPerMinute: 120,
        profiles: [{ name: 'starter', version: 1, authority: 'starter', ready: true }],
        lots: [],
        ready: true,
        reasons: []
      }
    })
    expect(await faultsOf('Self', told)).toEqual([])
  })

  it('names the lots that it may make now, and no others', async () => {
    const { self } = await makeStation({
      name: 'station-lots',
      profiles: ['starter'],
      lots: ['own', 'paused']
    })
    for (const id of ['own', 'paused', 'not-its-own'])
      await service.as('operator').post('/v1/lots', { id, profile: 'starter', quantity: 7 })
    await service.as('operator').post('/v1/lots/paused/pause')
    expect((await self()).station?.lots).toEqual([{ id: 'own', profile: 'starter', remaining: 7 }])
  })

  it('has the limit of the settings where the station has none of its own', async () => {
    const { self } = await makeStation({ name: 'station-10', profiles: ['starter'] })
    expect((await self()).station).toMatchObject({ requestsPerMinute: 600, ready: true })
  })

  it.each(['auditor', 'admin', 'operator'] as const)('tells a token of the role %s its role', async role => {
    const told = (await service.as(role).get('/v1/self')).json<Self>()
    expect(told.role).toBe(role)
    expect(told.credential?.name).toBe(told.name)
    expect(told.station).toBeUndefined()
  })

  it('names the line that cannot sign, and why, and the others all the same', async () => {
    await makeGeneration(service, 'pumps', 'staged')
    await service.as('admin').post('/v1/profiles', { ...starterProfile, name: 'pump', authority: 'pumps' })
    const { self } = await makeStation({ name: 'station-11', profiles: ['*'] })
    const { station } = await self()
    expect(station?.ready).toBe(false)
    expect(station?.profiles.map(({ name, ready }) => [name, ready])).toEqual([
      ['pump', false],
      ['starter', true]
    ])
    expect(station?.reasons).toEqual([station?.profiles[0]?.reason])
    expect(station?.reasons[0]).toContain('pumps')
    const other = await makeStation({ name: 'station-12', profiles: ['starter'] })
    expect((await other.self()).station?.ready).toBe(true)
  })

  it('issues nothing', async () => {
    const { self } = await makeStation({ name: 'station-13', profiles: ['starter'] })
    const before = await service.countRecords()
    await self()
    expect(await service.countRecords()).toBe(before)
  })
})
