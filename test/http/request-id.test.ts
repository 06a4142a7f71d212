import { afterAll, describe, expect, it } from 'vitest'
import { createTestApp } from './port.ts'

const { app } = await createTestApp()
afterAll(() => app.close())

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const idFor = async (given: string) =>
  (await app.inject({ url: '/healthz', headers: { 'x-request-id': given } })).headers['x-request-id']

describe('the request id', () => {
  it.each(['station-7-000451', 'a', 'A.b_c-9', 'x'.repeat(64)])('is the given %s', async given => {
    expect(await idFor(given)).toBe(given)
  })

  it.each([
    ['empty', ''],
    ['65 characters long', 'x'.repeat(65)],
    ['with a space', 'a b'],
    ['with a quote', 'a"b'],
    ['with a line break for the log', 'a\\n{"level":50}']
  ])('is a random one where the given is %s', async (_name, given) => {
    expect(await idFor(given)).toMatch(uuid)
  })

  it('differs from request to request', async () => {
    const ids = await Promise.all(
      [1, 2].map(async () => (await app.inject('/healthz')).headers['x-request-id'])
    )
    expect(new Set(ids).size).toBe(2)
  })
})
