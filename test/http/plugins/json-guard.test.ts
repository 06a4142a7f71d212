import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { addJsonGuard, maximumJsonValues } from '../../../src/http/plugins/json-guard.ts'

async function post(payload: string) {
  const app = Fastify()
  app.removeContentTypeParser('application/json')
  addJsonGuard(app)
  app.setErrorHandler((error: { code?: string }, _request, reply) =>
    reply.code(400).send({ code: error.code })
  )
  app.post('/', async ({ body }) => ({ body }))
  const answer = await app.inject({
    method: 'POST',
    url: '/',
    headers: { 'content-type': 'application/json' },
    payload
  })
  return { statusCode: answer.statusCode, ...answer.json<{ code?: string; body?: unknown }>() }
}

const listOf = (length: number, item = '0') => `[${Array<string>(length).fill(item).join()}]`

describe('a JSON body', () => {
  it('holds as many values as the limit says, and no more', async () => {
    expect((await post(listOf(maximumJsonValues))).statusCode).toBe(200)
    expect(await post(listOf(maximumJsonValues + 1))).toEqual({ statusCode: 400, code: 'request_invalid' })
  })

  it.each([
    ['lists', listOf(maximumJsonValues, '[]')],
    ['objects', listOf(maximumJsonValues, '{}')],
    ['depth', '['.repeat(maximumJsonValues + 1)],
    ['members', `{${Array.from({ length: maximumJsonValues + 1 }, (_, index) => `"${index}":0`).join()}}`],
    ['strings that end in a backslash', listOf(maximumJsonValues + 1, String.raw`"\\"`)]
  ])('is counted whatever it is made of: %s', async (_, payload) => {
    expect(await post(payload)).toEqual({ statusCode: 400, code: 'request_invalid' })
  })

  it('may hold in its strings what it likes', async () => {
    const texts = ['[{,'.repeat(maximumJsonValues), String.raw`a"b\",[[`, '\\', '']
    expect(await post(JSON.stringify(texts))).toEqual({ statusCode: 200, body: texts })
  })

  it.each(['', '{', '{"a":"', '{"__proto__": 1}'])('is parsed as before: %s', async payload => {
    expect((await post(payload)).statusCode).toBe(400)
  })
})
