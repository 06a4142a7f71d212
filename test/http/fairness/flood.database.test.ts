import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificationRequest } from '../../support/certification-request.ts'
import { type HttpService, openService, someSubject } from '../service.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

async function makeStation(name: string) {
  const admin = service.as('admin')
  await admin.post('/v1/stations', { name, profiles: ['*'] })
  const made = await admin.post('/v1/tokens', { role: 'station', name: `${name}-token`, station: name })
  const authorization = `Bearer ${made.json<{ secret: string }>().secret}`
  return (payload: Uint8Array) =>
    service.send({
      method: 'POST',
      url: '/v1/issuances?profile=starter',
      headers: { authorization, 'content-type': 'application/pkcs10' },
      payload
    })
}

const makeBodies = (count: number) =>
  Array.from({ length: count }, () => makeCertificationRequest(someSubject()))

const connections = 64
const calmRequests = 9

/** Counted in turns and not in time, of which the machine has more or less. */
it('a station’s CSR is not held up by what another floods the service with', async () => {
  const calm = await makeStation('calm')
  const loud = await makeStation('loud')
  const bodies = makeBodies(1_500)
  for (const ask of [calm, loud]) expect((await ask(bodies.pop()!)).statusCode).toBe(201)
  let answered = 0
  let isOver = false
  const flood = Array.from({ length: connections }, async () => {
    while (!isOver && bodies.length > 0) {
      expect((await loud(bodies.pop()!)).statusCode).toBe(201)
      answered++
    }
  })
  await expect.poll(() => answered, { interval: 5, timeout: 20_000 }).toBeGreaterThan(connections)
  const answeredMeanwhile: number[] = []
  for (let sent = 0; sent < calmRequests; sent++) {
    const before = answered
    expect((await calm(bodies.pop()!)).statusCode).toBe(201)
    answeredMeanwhile.push(answered - before)
  }
  isOver = true
  await Promise.all(flood)
  // Whoever waits with the flood waits for all of it.
  const median = answeredMeanwhile.toSorted((a, b) => a - b)[Math.floor(calmRequests / 2)]
  expect(median).toBeLessThan(connections / 3)
})
