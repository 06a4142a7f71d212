import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { problemOf } from '../answer.ts'
import { type HttpService, openService, someSubject } from '../service.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService({ MINTLINE_STATION_REQUESTS_PER_MINUTE: '4' })
})
afterAll(() => service.stop())

async function makeStation(name: string, settings: object = {}) {
  const admin = service.as('admin')
  await admin.post('/v1/stations', { name, profiles: ['*'], ...settings })
  const made = await admin.post('/v1/tokens', { role: 'station', name: `${name}-token`, station: name })
  const headers = { authorization: `Bearer ${made.json<{ secret: string }>().secret}` }
  return {
    ask: () =>
      service.send({
        method: 'POST',
        url: '/v1/issuances?profile=starter',
        headers: { ...headers, 'content-type': 'application/pkcs10' },
        payload: makeCertificationRequest(someSubject())
      }),
    read: () => service.send({ url: '/v1/issuances?limit=1', headers })
  }
}

it('a station is told what it has left, and 429 with a pause when it has sent too much', async () => {
  const { ask, read } = await makeStation('usual')
  for (const remaining of ['3', '2', '1']) {
    const answer = await ask()
    expect([
      answer.statusCode,
      answer.headers['ratelimit-limit'],
      answer.headers['ratelimit-remaining']
    ]).toEqual([201, '4', remaining])
  }
  // Whatever it asks for counts.
  expect((await read()).headers['ratelimit-remaining']).toBe('0')
  const records = await service.countRecords()
  const refused = await ask()
  expect([refused.statusCode, problemOf(refused).code]).toEqual([429, 'station_limit_reached'])
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(15)
  expect(Number(refused.headers['ratelimit-reset'])).toBeGreaterThan(30)
  expect(await service.countRecords()).toBe(records)
})

it('a limit of its own goes before the setting, and may be raised while it runs', async () => {
  const { ask } = await makeStation('own', { requestsPerMinute: 1 })
  expect((await ask()).statusCode).toBe(201)
  expect((await ask()).statusCode).toBe(429)
  await service.send({
    method: 'PATCH',
    url: '/v1/stations/own',
    headers: service.bearer('admin'),
    payload: { requestsPerMinute: 60_000 }
  })
  await new Promise(resolve => setTimeout(resolve, 50))
  const raised = await ask()
  expect([raised.statusCode, raised.headers['ratelimit-limit']]).toEqual([201, '60000'])
})

it('one station’s limit is not another’s, and people have none', async () => {
  const { ask } = await makeStation('next-to-it')
  expect((await ask()).statusCode).toBe(201)
  const answer = await service.as('auditor').get('/v1/issuances?limit=1')
  expect(answer.headers).not.toHaveProperty('ratelimit-limit')
})
