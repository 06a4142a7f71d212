import { afterAll, describe, expect, it } from 'vitest'
import { pointersOf, problemOf } from '../answer.ts'
import { bearer, createTestApp } from '../port.ts'
import { faultsOf } from '../shared-schema.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())

const liveTokenId = '019ab1ec-52c4-7d0a-8f36-3a2b5d1c9e70'
const admin = bearer('admin')
const get = (url: string) => app.inject({ url, headers: admin })
const post = (url: string, payload: object) => app.inject({ method: 'POST', url, headers: admin, payload })

describe('tokens', () => {
  it('are made with their secret', async () => {
    const answer = await post('/v1/tokens', { role: 'auditor', name: 'quality' })
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toMatchObject({ role: 'auditor', name: 'quality', secret: 'mintline_new' })
    expect(await faultsOf('NewToken', answer.json())).toEqual([])
  })

  it('are listed without it', async () => {
    const answer = await get('/v1/tokens')
    expect(answer.body).not.toContain('secret')
    const { items } = answer.json<{ items: object[] }>()
    expect(items.map(token => 'revokedAt' in token)).toEqual([false, true])
    expect(await faultsOf('TokenList', answer.json())).toEqual([])
  })

  it('are revoked once', async () => {
    const url = `/v1/tokens/${liveTokenId}`
    const answer = await app.inject({ method: 'DELETE', url, headers: admin })
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    const requestId = answer.headers['x-request-id']
    const act = { actor: 'admin/admin-1', reason: undefined, requestId }
    expect(asked.revocations).toEqual([{ id: liveTokenId, act }])
    const unknown = await app.inject({ method: 'DELETE', url: url.replace('9e70', '9e71'), headers: admin })
    expect(problemOf(unknown).code).toBe('token_not_found')
  })

  it.each([
    [{ role: 'root', name: 'x' }, ['/role']],
    [{ role: 'admin' }, ['/name']],
    [{ role: 'admin', name: 'a b', secret: 'mine' }, ['/name', '/secret']]
  ])('are refused for %o', async (payload, pointers) => {
    const answer = await post('/v1/tokens', payload)
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(pointersOf(answer)).toEqual(pointers)
  })
})
