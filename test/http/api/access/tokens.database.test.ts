import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TokenResource } from '../../../../src/http/api/tokens/schemas.ts'
import { pointersOf, problemOf } from '../../answer.ts'
import { type HttpService, openService } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

let service: HttpService
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.stop())

type NewToken = TokenResource & { readonly secret: string }

const make = async (role: string, name: string) =>
  (await service.as('admin').post('/v1/tokens', { role, name })).json<NewToken>()

const list = async () =>
  (await service.as('admin').get('/v1/tokens')).json<{ items: readonly TokenResource[] }>().items

/** What a request with the secret is answered, where any auditor may ask. */
const statusWith = async (secret: string) =>
  (await service.send({ url: '/v1/jobs', headers: { authorization: `Bearer ${secret}` } })).statusCode

describe('tokens', () => {
  it('are made with their secret, which opens what their role may see', async () => {
    const answer = await service.as('admin').post('/v1/tokens', { role: 'auditor', name: 'quality' })
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toMatchObject({
      role: 'auditor',
      name: 'quality',
      createdBy: 'admin/starter-admin'
    })
    expect(await faultsOf('NewToken', answer.json())).toEqual([])
    const { secret } = answer.json<NewToken>()
    expect(await statusWith(secret)).toBe(200)
    expect(await statusWith((await make('station', 'line-4')).secret)).toBe(403)
  })

  it('are listed without it', async () => {
    const { id, secret } = await make('auditor', 'listed')
    const { id: revoked } = await make('auditor', 'revoked')
    await service.as('admin').delete(`/v1/tokens/${revoked}`)
    const answer = await service.as('admin').get('/v1/tokens')
    expect(answer.body).not.toContain('secret')
    expect(answer.body).not.toContain(secret)
    const { items } = answer.json<{ items: TokenResource[] }>()
    const isRevoked = (wanted: string) => 'revokedAt' in items.find(token => token.id === wanted)!
    expect([id, revoked].map(isRevoked)).toEqual([false, true])
    expect(await faultsOf('TokenList', answer.json())).toEqual([])
  })

  it('are revoked once, and open nothing from then on', async () => {
    const { id, secret } = await make('auditor', 'lost')
    expect(await statusWith(secret)).toBe(200)
    const url = `/v1/tokens/${id}`
    const answer = await service.as('admin').delete(url)
    expect([answer.statusCode, answer.body]).toEqual([204, ''])
    expect(await service.audited('token.revoke', answer.headers['x-request-id'])).toMatchObject([
      {
        actor: 'admin/starter-admin',
        subject: `token/${id}`,
        reason: null,
        before: { name: 'lost', role: 'auditor' },
        after: { name: 'lost', role: 'auditor', revokedAt: expect.any(String) as string }
      }
    ])
    expect(await statusWith(secret)).toBe(401)
    expect((await list()).find(token => token.id === id)).toHaveProperty('revokedAt')
    for (const other of [url, '/v1/tokens/019ab1ec-52c4-7d0a-8f36-3a2b5d1c9e71']) {
      const unknown = await service.as('admin').delete(other)
      expect(problemOf(unknown).code).toBe('token_not_found')
    }
  })

  it.each([
    [{ role: 'root', name: 'x' }, ['/role']],
    [{ role: 'admin' }, ['/name']],
    [{ role: 'admin', name: 'a b', secret: 'mine' }, ['/name', '/secret']]
  ])('are refused for %o, and not made', async (payload, pointers) => {
    const before = await list()
    const answer = await service.as('admin').post('/v1/tokens', payload)
    expect(problemOf(answer).code).toBe('request_invalid')
    expect(pointersOf(answer)).toEqual(pointers)
    expect(await list()).toEqual(before)
  })
})
