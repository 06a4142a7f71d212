import { generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { People } from '../../../src/access/oidc/people.ts'
import type { ProviderSettings } from '../../../src/access/oidc/provider/settings.ts'
import { isMintlineError, type MintlineError } from '../../../src/errors/mintline-error.ts'
import { expectWithin, measureCpu } from '../../support/time-limit.ts'
import { peopleOf } from './people.ts'
import { type Asked, type Forged, startProvider, type TestProvider } from './provider.ts'

let provider: TestProvider
let people: People

beforeAll(async () => {
  provider = await startProvider()
  people = peopleOf(provider.issuer)
})

afterAll(async () => {
  people.close()
  await provider.stop()
})

async function failureOf(authenticating: Promise<unknown>): Promise<MintlineError> {
  const outcome = await authenticating.catch((error: unknown) => error)
  if (isMintlineError(outcome)) return outcome
  throw new Error('It was taken, or failed otherwise', { cause: outcome })
}

/** Of the code, and the check that failed. */
async function refusalOf(authenticating: Promise<unknown>): Promise<string> {
  const { code, violations } = await failureOf(authenticating)
  return [code, ...violations.map(({ pointer }) => pointer)].join(' ')
}

describe('a token that the provider gave', () => {
  it.each(['ES256', 'RS256', 'PS256'])('is taken with %s', async alg => {
    const jwt = await provider.token({ alg, claims: { roles: ['quality'] } })
    expect(await people.authenticate(jwt)).toEqual({
      name: 'oidc:line-tool',
      subject: 'oidc:line-tool',
      role: 'auditor'
    })
  })

  const mapped: readonly [string, Asked['claims'], Partial<ProviderSettings>, object][] = [
    ['the role that may most', { roles: ['screen', 'foreman', 'quality'] }, {}, { role: 'operator' }],
    ['one value', { roles: 'boss' }, {}, { role: 'admin' }],
    ['values that mean nothing here', { roles: ['uma', 7, null, 'quality'] }, {}, { role: 'auditor' }],
    [
      'a claim by pointer',
      { realm_access: { roles: ['quality'] } },
      { roleClaim: '/realm_access/roles' },
      { role: 'auditor' }
    ],
    [
      'a claim whose name has slashes',
      { 'https://a.example/roles': ['quality'] },
      { roleClaim: 'https://a.example/roles' },
      { role: 'auditor' }
    ],
    [
      'a name of another claim',
      { roles: 'boss', email: 'ann@a.example' },
      { nameClaim: 'email' },
      { name: 'oidc:ann@a.example', subject: 'oidc:line-tool' }
    ],
    ['lines', { roles: 'quality', lines: ['A7', 'B2'] }, { linesClaim: 'lines' }, { lines: ['A7', 'B2'] }],
    [
      'one line',
      { roles: 'screen', lines: 'A7' },
      { linesClaim: 'lines' },
      { role: 'display', lines: ['A7'] }
    ],
    ['all lines', { roles: 'quality', lines: '*' }, { linesClaim: 'lines' }, { role: 'auditor' }],
    ['an administrator without lines', { roles: 'boss' }, { linesClaim: 'lines' }, { role: 'admin' }]
  ]
  it.each(mapped.map(([what, claims = {}, change, expected]) => ({ what, claims, change, expected })))(
    'gives $what',
    async ({ claims, change, expected }) => {
      const principal = await peopleOf(provider.issuer, change).authenticate(await provider.token({ claims }))
      expect(principal).toMatchObject(expected)
      expect(principal.lines).toEqual((expected as { lines?: string[] }).lines)
    }
  )

  const unmapped: readonly [string, Asked['claims'], Partial<ProviderSettings>][] = [
    ['no role claim', {}, {}],
    ['roles that are not listed', { roles: ['admin', 'toString', '__proto__', 'constructor'] }, {}],
    ['a role claim that is an object', { roles: { boss: true } }, {}],
    ['a pointer that leads to no text', { roles: ['boss'] }, { roleClaim: '/roles/length' }],
    ['a role claim of Object.prototype', {}, { roleClaim: '/constructor/name' }],
    ['no lines where they are asked for', { roles: 'quality' }, { linesClaim: 'lines' }],
    ['an empty list of lines', { roles: 'quality', lines: [] }, { linesClaim: 'lines' }],
    ['a line that is none', { roles: 'quality', lines: ['A7', ''] }, { linesClaim: 'lines' }],
    ['more lines than are heeded', { roles: 'quality', lines: many(101) }, { linesClaim: 'lines' }],
    ['an administrator held to lines', { roles: 'boss', lines: ['A7'] }, { linesClaim: 'lines' }],
    ['a display of all lines', { roles: 'screen', lines: '*' }, { linesClaim: 'lines' }],
    ['a display without a claim of lines', { roles: 'screen' }, {}]
  ]
  it.each(unmapped)('gives nothing with %s', async (_what, claims = {}, change) => {
    const jwt = await provider.token({ claims })
    expect(await refusalOf(peopleOf(provider.issuer, change).authenticate(jwt))).toBe('jwt_role_unknown')
  })

  it('is refused by an algorithm that is not listed', async () => {
    const jwt = await provider.token({ alg: 'RS256', claims: { roles: 'boss' } })
    const strict = peopleOf(provider.issuer, { algorithms: ['ES256'] })
    expect(await refusalOf(strict.authenticate(jwt))).toBe('jwt_refused /header/alg')
  })

  it('is refused when it is for another service', async () => {
    const jwt = await provider.token({ audience: 'https://other.test/api', claims: { roles: 'boss' } })
    expect(await refusalOf(people.authenticate(jwt))).toBe('jwt_refused /claims/aud')
  })

  it('is refused when it is of another provider, which is not asked for anything', async () => {
    const other = await startProvider()
    const jwt = await other.token({ claims: { roles: 'boss' } })
    const before = other.fetched.length
    expect(await refusalOf(people.authenticate(jwt))).toBe('jwt_refused /claims/iss')
    expect(other.fetched.length).toBe(before)
    await other.stop()
  })

  it('is taken of the clients alone that are listed', async () => {
    const jwt = await provider.token({ claims: { roles: 'boss' } })
    const some = peopleOf(provider.issuer, { clients: ['another-tool'] })
    expect(await refusalOf(some.authenticate(jwt))).toBe('jwt_refused /claims/client_id')
    const all = peopleOf(provider.issuer, { clients: ['another-tool', 'line-tool'] })
    expect(await all.authenticate(jwt)).toMatchObject({ role: 'admin' })
  })

  it('ends, with some tolerance, also once it has been seen', async () => {
    let time = Date.now()
    const clocked = peopleOf(provider.issuer, {}, { clock: () => new Date(time) })
    const jwt = await provider.token({ ttlSeconds: 60, claims: { roles: 'boss' } })
    await clocked.authenticate(jwt)
    time += 85_000
    await clocked.authenticate(jwt)
    time += 10_000
    expect(await refusalOf(clocked.authenticate(jwt))).toBe('token_expired')
  })

  it('costs little the first time', async () => {
    const claims = { roles: ['quality', ...many(400)] }
    const tokens = await Promise.all(Array.from({ length: 50 }, () => provider.token({ claims })))
    const spentMs = await measureCpu(async () => {
      for (const jwt of tokens) await people.authenticate(jwt)
    })
    expectWithin(spentMs / tokens.length, 2)
  })

  it('costs next to nothing once it has been seen', async () => {
    const jwt = await provider.token({ claims: { roles: ['quality'] } })
    await people.authenticate(jwt)
    const times = 2_000
    const spentMs = await measureCpu(async () => {
      for (let at = 0; at < times; at++) await people.authenticate(jwt)
    })
    expectWithin(spentMs / times, 0.05)
  })
})

function many(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `L${at}`)
}

describe('a token that is not as it should be', () => {
  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds
  const flaws: readonly [string, Forged, string][] = [
    ['of an ID token, by its type', { header: { typ: 'JWT' } }, 'jwt_refused /header/typ'],
    ['of a logout token', { header: { typ: 'logout+jwt' } }, 'jwt_refused /header/typ'],
    ['without a type', { header: { typ: undefined as never } }, 'jwt_refused /header/typ'],
    ['HS256', { header: { alg: 'HS256' }, key: new Uint8Array(32) }, 'jwt_refused /header/alg'],
    ['a key that nobody has', { header: { kid: 'nobody' } }, 'jwt_refused /header/kid'],
    ['a key of another kind', { header: { kid: 'first-RS256' } }, 'jwt_refused /header/kid'],
    ['no audience', { claims: { aud: undefined } }, 'jwt_refused /claims/aud'],
    [
      'an audience that begins alike',
      { claims: { aud: 'https://mintline.test/api/' } },
      'jwt_refused /claims/aud'
    ],
    ['no issuer', { claims: { iss: undefined } }, 'jwt_refused /claims/iss'],
    ['several issuers', { claims: { iss: ['x'] } }, 'jwt_refused /claims/iss'],
    ['no end', { claims: { exp: undefined } }, 'jwt_refused /claims/exp'],
    ['an end in words', { claims: { exp: '2099' } }, 'jwt_refused /claims/exp'],
    ['an end that is over', { claims: { exp: inSeconds(-31) } }, 'token_expired'],
    ['a beginning to come', { claims: { nbf: inSeconds(120) } }, 'jwt_refused /claims/nbf'],
    ['a beginning in words', { claims: { nbf: 'now' } }, 'jwt_refused /claims/nbf'],
    ['an issue to come', { claims: { iat: inSeconds(120) } }, 'jwt_refused /claims/iat'],
    ['nobody whom it is of', { claims: { sub: undefined } }, 'jwt_refused /claims/sub'],
    ['a name that is none', { claims: { sub: 'a\u202eb' } }, 'jwt_refused /claims/sub'],
    ['a name that is too long', { claims: { sub: 'a'.repeat(256) } }, 'jwt_refused /claims/sub'],
    ['a hash as an ID token has it', { claims: { at_hash: 'x' } }, 'jwt_refused /claims/at_hash'],
    ['a kind that Keycloak names', { claims: { typ: 'ID' } }, 'jwt_refused /claims/typ'],
    ['a key that it is bound to', { claims: { cnf: { jkt: 'x' } } }, 'jwt_refused /claims/cnf'],
    ['an extension that must be understood', { header: { crit: ['exp'], exp: 1 } }, 'jwt_refused']
  ]
  it.each(flaws)('is refused with %s', async (_what, forged, expected) => {
    expect(await refusalOf(people.authenticate(await provider.forge(forged)))).toBe(expected)
  })

  it('would be taken without the flaw', async () => {
    expect(await people.authenticate(await provider.forge())).toMatchObject({ name: 'oidc:alice' })
  })

  it('is refused with a signature by another key of the same name', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    expect(await refusalOf(people.authenticate(await provider.forge({ key: privateKey })))).toBe(
      'jwt_refused /signature'
    )
  })

  it('is refused with a public key as the secret of HMAC', async () => {
    const key = Buffer.from(JSON.stringify(await provider.publicKey('ES256')))
    const lenient = peopleOf(provider.issuer, { algorithms: ['HS256' as never, 'ES256'] })
    const jwt = await provider.forge({ header: { alg: 'HS256' }, key })
    expect(await refusalOf(lenient.authenticate(jwt))).toMatch(/^jwt_refused/)
  })

  it('is refused without a signature, or with claims that were changed', async () => {
    const [, claims, signature] = (await provider.forge()).split('.')
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
    expect(await refusalOf(people.authenticate(`${none}.${claims}.`))).toBe('jwt_refused /header/alg')
    const [header, own] = (await provider.forge({ claims: { roles: ['boss'] } })).split('.')
    expect(own).not.toBe(claims)
    expect(await refusalOf(people.authenticate(`${header}.${own}.${signature}`))).toBe(
      'jwt_refused /signature'
    )
    expect(await refusalOf(people.authenticate(`${header}.${own}.`))).toBe('jwt_refused /signature')
  })

  it.each([
    'eyJ.e30.',
    'eyJhbGciOiJFUzI1NiJ9.e30.e30',
    'eyJhbGciOiJFUzI1NiJ9.%%.',
    `eyJ${'x'.repeat(99)}.e30.`
  ])('is refused where it is cut off or garbled: %s', async jwt =>
    expect(await refusalOf(people.authenticate(jwt))).toMatch(/^jwt_refused/)
  )

  it('is not told again in what is said of it', async () => {
    const jwt = await provider.forge({ claims: { aud: 'x'.repeat(5_000) } })
    const { detail, violations } = await failureOf(people.authenticate(jwt))
    const said = detail + JSON.stringify(violations)
    expect(said.length).toBeLessThan(1_500)
    expect(jwt.split('.').filter(part => said.includes(part))).toEqual([])
  })

  it('is taken without a type where the settings say so, but no ID token', async () => {
    const lenient = peopleOf(provider.issuer, { tokenTypes: ['at+jwt', 'JWT'] })
    const untyped = await provider.forge({ header: { typ: undefined as never } })
    expect(await lenient.authenticate(untyped)).toMatchObject({ role: 'auditor' })
    expect(
      await lenient.authenticate(await provider.forge({ header: { typ: 'application/AT+JWT' } }))
    ).toMatchObject({
      role: 'auditor'
    })
    const identity = await provider.forge({ header: { typ: 'JWT' }, claims: { at_hash: 'x' } })
    expect(await refusalOf(lenient.authenticate(identity))).toBe('jwt_refused /claims/at_hash')
  })
})
