import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { createTestApp } from '../port.ts'

const { app } = await createTestApp()
afterAll(() => app.close())

const url = '/docs/static/swagger-ui-bundle.js'
const octets = await readFile(
  fileURLToPath(import.meta.resolve('@fastify/swagger-ui/static/swagger-ui-bundle.js'))
)
const last = octets.length - 1

it('answers each of those who ask at once, and later, with the whole file', async () => {
  const atOnce = await Promise.all(Array.from({ length: 5 }, () => app.inject(url)))
  for (const answer of [...atOnce, await app.inject(url)]) {
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-length']).toBe(String(octets.length))
    expect(answer.rawPayload.equals(octets)).toBe(true)
  }
})

it.each([
  ['bytes=0-0', 0, 0],
  ['bytes=65535-65536', 65_535, 65_536],
  ['bytes=100000-', 100_000, last],
  ['bytes=-7', last - 6, last]
])('answers %s with that part', async (range, from, to) => {
  const answer = await app.inject({ url, headers: { range } })
  expect(answer.statusCode).toBe(206)
  expect(answer.headers['content-range']).toBe(`bytes ${from}-${to}/${octets.length}`)
  expect(answer.rawPayload.equals(octets.subarray(from, to + 1))).toBe(true)
})

it('sends nothing where nothing is wanted', async () => {
  const head = await app.inject({ url, method: 'HEAD' })
  expect([head.statusCode, head.rawPayload.length]).toEqual([200, 0])
  const known = await app.inject({ url, headers: { 'if-none-match': String(head.headers.etag) } })
  expect([known.statusCode, known.rawPayload.length]).toEqual([304, 0])
})
