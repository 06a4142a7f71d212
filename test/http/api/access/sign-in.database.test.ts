import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audience, startProvider, type TestProvider } from '../../../access/oidc/provider.ts'
import { makeCertificationRequest } from '../../../support/certification-request.ts'
import { pointersOf, problemOf } from '../../answer.ts'
import { type Answer, type HttpService, openService, type Request, someSubject } from '../../service.ts'
import { faultsOf } from '../../shared-schema.ts'

let provider: TestProvider
let service: HttpService
beforeAll(async () => {
  provider = await startProvider()
  service = await openService({
    MINTLINE_OIDC_ISSUER: provider.issuer,
    MINTLINE_OIDC_AUDIENCE: audience,
    MINTLINE_OIDC_ROLES: 'boss=admin,foreman=operator,quality=auditor,screen=display',
    MINTLINE_OIDC_NAME_CLAIM: 'email',
    MINTLINE_OIDC_LINES_CLAIM: 'lines'
  })
})
afterAll(async () => {
  await service.stop()
  await provider.stop()
})

const ann = { email: 'ann@a.example', lines: '*' }
const signIn = (claims: Readonly<Record<string, unknown>>) =>
  provider.token({ claims: { ...ann, ...claims } })

async function send(request: Request, jwt: string): Promise<Answer> {
  return service.send({ ...request, headers: { ...request.headers, authorization: `Bearer ${jwt}` } })
}

const told = (answer: Answer) => [answer.statusCode, problemOf(answer).code]

describe('who signs in', () => {
  it('acts by their role, on record with name and subject', async () => {
    const jwt = await signIn({ roles: 'boss' })
    const payload = { name: 'made-by-ann', profiles: ['*'] }
    const made = await send({ method: 'POST', url: '/v1/stations', payload }, jwt)
    expect([made.statusCode, made.json<{ createdBy: string }>().createdBy]).toEqual([
      201,
      'admin/oidc:ann@a.example'
    ])
    const [event] = await service.audited('station.create', made.headers['x-request-id'])
    expect(event).toMatchObject({ actor: 'admin/oidc:ann@a.example', credential: 'oidc:line-tool' })
    expect(JSON.stringify(event)).not.toContain(jwt.split('.')[1])
  })

  it('may not do what the role may not', async () => {
    const jwt = await signIn({ roles: 'quality' })
    expect((await send({ url: '/v1/issuances' }, jwt)).statusCode).toBe(200)
    const payload = { role: 'admin', name: 'mine' }
    const answer = await send({ method: 'POST', url: '/v1/tokens', payload }, jwt)
    expect(told(answer)).toEqual([403, 'role_forbidden'])
    expect(answer.headers['www-authenticate']).toContain('insufficient_scope')
  })

  it('is on record with a private key that is sent by mistake, once and then by count', async () => {
    const jwt = await signIn({ roles: 'boss' })
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const payload = { name: privateKey.export({ format: 'pem', type: 'pkcs8' }) }
    const post = () => send({ method: 'POST', url: '/v1/profiles', payload }, jwt)
    const first = await post()
    expect(told(first)).toEqual([422, 'key_blocked'])
    const [event] = await service.audited('key.disclose', first.headers['x-request-id'])
    expect(event).toMatchObject({ actor: 'admin/oidc:ann@a.example', credential: 'oidc:line-tool' })
    const second = await post()
    expect(told(second)).toEqual([422, 'key_blocked'])
    expect(await service.audited('key.disclose', second.headers['x-request-id'])).toEqual([])
    const counts = async () =>
      (await send({ url: '/v1/refusal-counts' }, jwt)).json<{ items: object[] }>().items
    await expect
      .poll(counts, { timeout: 30_000 })
      .toContainEqual(expect.objectContaining({ station: 'oidc:ann@a.example', reason: 'repeat' }))
  })

  it('never asks for a certificate', async () => {
    const jwt = await signIn({ roles: 'boss' })
    const csr = makeCertificationRequest(someSubject())
    const headers = { 'content-type': 'application/pkcs10' }
    const asked = { method: 'POST', url: '/v1/issuances?profile=starter', headers, payload: csr }
    expect(told(await send(asked, jwt))).toEqual([403, 'role_forbidden'])
  })

  it('sees the lines alone that the token names', async () => {
    const lineOf = async (name: string, line: string) => {
      await service.as('admin').post('/v1/stations', { name, line, profiles: ['*'] })
      const payload = { role: 'station', name: `${name}-token`, station: name }
      const made = await service.as('admin').post('/v1/tokens', payload)
      const authorization = `Bearer ${made.json<{ secret: string }>().secret}`
      const issued = await service.send({
        method: 'POST',
        url: '/v1/issuances?profile=starter',
        headers: { authorization, 'content-type': 'application/pkcs10' },
        payload: makeCertificationRequest(someSubject())
      })
      return issued.json<{ id: string }>().id
    }
    const [a, b] = [await lineOf('station-a', 'A7'), await lineOf('station-b', 'B2')]
    const jwt = await signIn({ roles: 'quality', lines: ['A7'] })
    const listed = (await send({ url: '/v1/issuances' }, jwt)).json<{ items: { id: string }[] }>()
    expect(listed.items.map(({ id }) => id)).toEqual([a])
    expect((await send({ url: `/v1/issuances/${a}` }, jwt)).statusCode).toBe(200)
    expect(told(await send({ url: `/v1/issuances/${b}` }, jwt))).toEqual([404, 'issuance_not_found'])
    expect(told(await send({ url: '/v1/profiles' }, jwt))[0]).not.toBe(200)
    const stations = (
      await send({ url: '/v1/stations' }, await signIn({ roles: 'screen', lines: 'B2' }))
    ).json<{
      items: { name: string }[]
    }>()
    expect(stations.items.map(({ name }) => name)).toEqual(['station-b'])
  })

  it('is told which check failed, in words and by RFC 6750', async () => {
    const jwt = await provider.token({ audience: 'https://other.test/', claims: { ...ann, roles: 'boss' } })
    const answer = await send({ url: '/v1/stations' }, jwt)
    expect([...told(answer), ...pointersOf(answer)]).toEqual([401, 'jwt_refused', '/claims/aud'])
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="mintline", error="invalid_token", error_description="the check of /claims/aud failed"'
    )
    expect(answer.body).not.toContain(audience)
  })

  it('is told that the role, or the lines, are missing', async () => {
    expect(told(await send({ url: '/v1/stations' }, await signIn({})))).toEqual([403, 'jwt_role_unknown'])
    const jwt = await signIn({ roles: 'quality', lines: [] })
    expect(told(await send({ url: '/v1/stations' }, jwt))).toEqual([403, 'jwt_role_unknown'])
  })

  it('may have a token of eight thousand characters, and no longer one', async () => {
    const groups = (count: number) =>
      Array.from({ length: count }, (_, at) => `group-${String(at).padStart(8, '0')}`)
    const long = await signIn({ roles: ['boss', ...groups(300)] })
    expect(long.length).toBeGreaterThan(7_000)
    expect((await send({ url: '/v1/stations' }, long)).statusCode).toBe(200)
    const longer = await signIn({ roles: ['boss', ...groups(400)] })
    expect(longer.length).toBeGreaterThan(8_192)
    expect(told(await send({ url: '/v1/stations' }, longer))).toEqual([401, 'token_invalid'])
  })

  it('is seen a hundred times at once', async () => {
    const jwt = await signIn({ roles: 'boss' })
    const answers = await Promise.all(Array.from({ length: 100 }, () => send({ url: '/v1/stations' }, jwt)))
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
  })

  it('is told apart from a provider that is away, which stations and readiness do not need', async () => {
    const ready = await service.send({ url: '/readyz' })
    expect(ready.json()).toMatchObject({ ready: true, checks: { identityProvider: { ok: true } } })
    expect(await faultsOf('Readiness', ready.json())).toEqual([])
    expect((await service.issue()).id).toBeDefined()
  })
})

it('a provider that is away at the start keeps nobody else out', async () => {
  const away = await startProvider()
  const jwt = await away.token({ claims: { roles: 'boss' } })
  await away.stop()
  const started = await openService({
    MINTLINE_OIDC_ISSUER: away.issuer,
    MINTLINE_OIDC_AUDIENCE: audience,
    MINTLINE_OIDC_ROLES: 'boss=admin'
  })
  const answer = await started.send({ url: '/v1/stations', headers: { authorization: `Bearer ${jwt}` } })
  expect(told(answer)).toEqual([503, 'identity_provider_unavailable'])
  expect(answer.headers['retry-after']).toBe('5')
  const ready = await started.send({ url: '/readyz' })
  expect(ready.json()).toMatchObject({ ready: true, checks: { identityProvider: { ok: false } } })
  expect((await started.issue()).id).toBeDefined()
  await started.stop()
})

it('a JWT is refused in words where nobody signs in elsewhere', async () => {
  const plain = await openService()
  const jwt = await signIn({ roles: 'boss' })
  const answer = await plain.send({ url: '/v1/stations', headers: { authorization: `Bearer ${jwt}` } })
  expect(told(answer)).toEqual([401, 'jwt_refused'])
  expect((await plain.send({ url: '/readyz' })).body).not.toContain('identityProvider')
  await plain.stop()
})
