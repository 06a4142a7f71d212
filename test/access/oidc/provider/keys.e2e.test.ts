import { generateKeyPairSync } from 'node:crypto'
import * as http from 'node:http'
import https, { createServer, type Server } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { People } from '../../../../src/access/oidc/people.ts'
import { fetchKeys } from '../../../../src/access/oidc/provider/document.ts'
import {
  freshMs,
  maximumWaiting,
  pauseAfterFailureMs,
  pauseMs,
  trustedMs
} from '../../../../src/access/oidc/provider/keys.ts'
import { useHttpsProxy } from '../../../../src/config/environment/proxy.ts'
import { isMintlineError } from '../../../../src/errors/mintline-error.ts'
import { needs } from '../../../support/needs/needs.ts'
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/temporary-directory.ts'
import { type MadePair, makePair } from '../../../tls/pairs.ts'
import { manualStopwatch, peopleOf } from '../people.ts'
import { startProvider, type TestProvider } from '../provider.ts'

let provider: TestProvider
let people: People
let pass: (ms: number) => void

beforeEach(async () => {
  provider = await startProvider()
  const watch = manualStopwatch()
  pass = watch.pass
  people = peopleOf(provider.issuer, {}, { stopwatch: watch.stopwatch })
})

afterEach(async () => {
  people.close()
  await provider.stop()
})

/** `taken`, or the code of the refusal. */
function outcomeOf(jwt: string, by = people): Promise<string> {
  return by.authenticate(jwt).then(
    () => 'taken',
    (error: unknown) => (isMintlineError(error) ? error.code : String(error))
  )
}

const someToken = () => provider.token({ claims: { roles: 'boss' } })
const keyFetches = () => provider.fetched.filter(path => path === '/jwks').length

describe('keys of the provider', () => {
  it('are fetched once for a hundred tokens at once', async () => {
    const tokens = await Promise.all(Array.from({ length: 100 }, someToken))
    expect(new Set(await Promise.all(tokens.map(each => outcomeOf(each))))).toEqual(new Set(['taken']))
    expect(keyFetches()).toBe(1)
  })

  it('are fetched anew for a token of a new one, and the old one is no longer taken', async () => {
    const old = await someToken()
    expect(await outcomeOf(old)).toBe('taken')
    await provider.rotate('second')
    const renewed = await someToken()
    // Too soon: by a flood of made-up keys it would be asked all the time.
    expect(await outcomeOf(renewed)).toBe('jwt_refused')
    pass(pauseMs)
    expect(await outcomeOf(renewed)).toBe('taken')
    expect(await outcomeOf(old)).toBe('jwt_refused')
    expect(keyFetches()).toBe(2)
  })

  it('are not fetched for each token of a key that nobody has', async () => {
    await people.prepare()
    for (let round = 0; round < 3; round++) {
      pass(pauseMs)
      const forged = Array.from({ length: 100 }, (_, at) =>
        provider.forge({ header: { kid: `none-${round}-${at}` } }).then(each => outcomeOf(each))
      )
      expect(new Set(await Promise.all(forged))).toEqual(new Set(['jwt_refused']))
    }
    expect(keyFetches()).toBe(4)
  })

  it('are gone by while the provider is away, for an hour, and not those of seen tokens for longer', async () => {
    const jwt = await provider.token({ ttlSeconds: 86_400, claims: { roles: 'boss' } })
    expect(await outcomeOf(jwt)).toBe('taken')
    provider.answer((_request, response) => void response.writeHead(502).end())
    pass(trustedMs - 1)
    expect(await outcomeOf(jwt)).toBe('taken')
    expect(await outcomeOf(await provider.forge())).toBe('taken')
    await expect.poll(() => people.examine().ok).toBe(false)
    expect(await outcomeOf(await provider.forge({ header: { kid: 'new' } }))).toBe(
      'identity_provider_unavailable'
    )
    pass(1)
    expect(await outcomeOf(jwt)).toBe('identity_provider_unavailable')
    provider.recover()
    pass(pauseAfterFailureMs)
    expect(await outcomeOf(jwt)).toBe('taken')
    expect(people.examine()).toEqual({ ok: true, detail: '3 keys are known' })
  })

  it('are fetched anew beside the requests, once they are old', async () => {
    const jwt = await someToken()
    await people.prepare()
    pass(freshMs)
    let asked = false
    provider.answer(() => (asked = true))
    // Nobody answers, and nobody waits for it.
    expect(await outcomeOf(jwt)).toBe('taken')
    await expect.poll(() => asked).toBe(true)
  })

  it('are asked for at most every five seconds while the provider is away', async () => {
    const jwt = await provider.forge()
    provider.answer((_request, response) => void response.writeHead(500).end())
    for (let at = 0; at < 20; at++) expect(await outcomeOf(jwt)).toBe('identity_provider_unavailable')
    expect(provider.fetched).toHaveLength(1)
    pass(pauseAfterFailureMs)
    expect(await outcomeOf(jwt)).toBe('identity_provider_unavailable')
    expect(provider.fetched).toHaveLength(2)
  })

  it('are waited for by so many requests and no more', async () => {
    const waiting = Promise.withResolvers<never>()
    const bounded = peopleOf(provider.issuer, {}, { fetch: () => waiting.promise })
    const jwt = await provider.forge()
    const outcomes = Array.from({ length: maximumWaiting + 10 }, () => outcomeOf(jwt, bounded))
    const first = await Promise.race(outcomes.map((each, at) => each.then(() => at)))
    expect(first).toBe(maximumWaiting)
    waiting.reject(new Error('over'))
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['identity_provider_unavailable']))
  })
})

describe('a provider', () => {
  const json = (document: unknown) => (path: string) =>
    path === '/jwks' ? JSON.stringify(document) : undefined
  const metadata = (change: object) => (path: string) =>
    path === '/jwks' ? undefined : JSON.stringify({ issuer: provider.issuer, ...change })
  const faults: readonly [string, (path: string) => string | undefined][] = [
    ['has no JSON', () => '<html>'],
    ['has null', () => 'null'],
    ['has no keys', json({ keys: [] })],
    ['has no list of keys', json({ keys: { length: 1 } })],
    ['has keys that are none', json({ keys: [1] })],
    ['has more keys than can be meant', json({ keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) })],
    ['has more than is read', () => `"${'x'.repeat(300_000)}"`],
    ['is another', metadata({ issuer: 'https://other.example' })],
    ['names no keys', metadata({})],
    ['has keys in clear elsewhere', metadata({ jwks_uri: 'http://keys.example/jwks' })],
    ['has keys in a file', metadata({ jwks_uri: 'file:///etc/passwd' })]
  ]
  it.each(faults)('that %s is told as away', async (_what, answerTo) => {
    const jwt = await someToken()
    provider.answer((request, response) => {
      const { url = '' } = request
      const whole = JSON.stringify({ issuer: provider.issuer, jwks_uri: `${provider.issuer}/jwks` })
      response.end(answerTo(url) ?? whole)
    })
    expect(await outcomeOf(jwt)).toBe('identity_provider_unavailable')
    expect(people.examine().ok).toBe(false)
  })

  it('that sends elsewhere is not followed', async () => {
    const jwt = await someToken()
    provider.answer((_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end())
    expect(await outcomeOf(jwt)).toBe('identity_provider_unavailable')
    expect(provider.fetched).toEqual(['/.well-known/openid-configuration'])
  })

  it('that is not there is told of at once', async () => {
    const jwt = await someToken()
    await provider.stop()
    const failure = await people.authenticate(jwt).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'identity_provider_unavailable', retryAfterSeconds: 5 })
  })

  it.each([
    ['does not answer', () => undefined],
    ['stops in the middle', (write: (text: string) => void) => write('{')]
  ])('that %s is not waited for beyond the deadline', async (_what, begin) => {
    provider.answer((_request, response) => begin(text => response.write(text)))
    const outcome = await fetchKeys({ issuer: provider.issuer }, AbortSignal.timeout(200)).catch(String)
    expect(outcome).toBe(
      `Error: ${provider.issuer}/.well-known/openid-configuration does not answer in time.`
    )
  })

  const ownKey = async () => ({ ...(await provider.publicKey('RS256')), kid: 'first-RS256', alg: 'RS256' })
  const shortKey = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey.export({ format: 'jwk' })
  it.each([
    ['a private key', 'identity_provider_unavailable', async () => ({ ...(await ownKey()), d: 'AAAA' })],
    ['a short key', 'identity_provider_unavailable', async () => ({ ...(await ownKey()), ...shortKey })],
    ['what is no key', 'identity_provider_unavailable', async () => ({ ...(await ownKey()), n: 7 })],
    ['its key', 'taken', ownKey]
  ])('that publishes %s is told as %s', async (_what, expected, makeKey) => {
    const jwt = await provider.token({ alg: 'RS256', claims: { roles: 'boss' } })
    const key = await makeKey()
    provider.answer((request, response) => {
      const whole = { issuer: provider.issuer, jwks_uri: `${provider.issuer}/jwks` }
      response.end(JSON.stringify(request.url === '/jwks' ? { keys: [key] } : whole))
    })
    expect(await outcomeOf(jwt)).toBe(expected)
  })
})

describe('a provider of a private CA', needs('openssl'), () => {
  let directory: TemporaryDirectory
  let pair: MadePair
  let server: Server
  let issuer: string
  beforeEach(async () => {
    directory = await createTemporaryDirectory()
    pair = makePair(directory.path, 'provider')
    server = createServer({ cert: pair.certificatePem, key: pair.keyPem })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    issuer = `https://127.0.0.1:${portOf(server)}`
    const keys = [await provider.publicKey('ES256')]
    server.on('request', (request, response) =>
      response.end(
        JSON.stringify(request.url === '/jwks' ? { keys } : { issuer, jwks_uri: `${issuer}/jwks` })
      )
    )
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await directory.remove()
  })
  const heard = (caPem?: string) =>
    fetchKeys({ issuer, caPem }, AbortSignal.timeout(5_000)).then(({ count }) => count, String)

  it('is heard by its CA, and by no other', async () => {
    expect(await heard(pair.certificatePem)).toBe(1)
    const other = makePair(directory.path, 'other')
    expect(await heard(other.certificatePem)).toMatch(/cannot be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
    expect(await heard()).toMatch(/cannot be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
  })

  it('is heard through the proxy of the process', async () => {
    const asked: string[] = []
    const proxy = http.createServer().on('connect', ({ url = '' }, socket: Duplex) => {
      asked.push(url)
      const through = connect(portOf(server), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(through).pipe(socket)
      })
      for (const each of [socket, through]) each.on('error', () => undefined)
    })
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
    const agent = https.globalAgent
    try {
      useHttpsProxy({ HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` })
      expect(await heard(pair.certificatePem)).toBe(1)
      expect(await heard()).toMatch(/cannot be reached/)
      expect(new Set(asked)).toEqual(new Set([`127.0.0.1:${portOf(server)}`]))
    } finally {
      https.globalAgent = agent
      proxy.closeAllConnections()
      proxy.close()
    }
  })
})

function portOf(server: Server | http.Server): number {
  return (server.address() as AddressInfo).port
}
