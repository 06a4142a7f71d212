import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  exportJWK,
  generateKeyPair,
  type GenerateKeyPairResult,
  type JWTHeaderParameters,
  SignJWT
} from 'jose'
import { type Adapter, type JWK, Provider } from 'oidc-provider'

export const audience = 'https://mintline.test/api'

const client = { client_id: 'line-tool', client_secret: 'a-secret-of-the-test' }

export interface Asked {
  /** Besides those that the provider writes. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly audience?: string
  readonly alg?: string
  readonly ttlSeconds?: number
}

export interface Forged {
  readonly header?: Partial<JWTHeaderParameters>
  /** In the place of those of a good token; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly key?: CryptoKey | Uint8Array
}

export type TestProvider = Awaited<ReturnType<typeof startProvider>>

/** A real identity provider (oidc-provider) on a port of this machine. */
export async function startProvider() {
  let listener: RequestListener = (_request, response) => void response.writeHead(503).end()
  let asked: Asked = {}
  const fetched: string[] = []
  const server = createServer((request, response) => {
    if (request.method === 'GET') fetched.push(request.url ?? '')
    listener(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const token = async (request: Asked = {}): Promise<string> => {
    asked = request
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        resource: request.audience ?? audience,
        scope: 'api'
      })
    })
    const body = (await response.json()) as { access_token?: string }
    if (body.access_token === undefined) throw new Error(JSON.stringify(body))
    return body.access_token
  }
  let keys = await firstKeys
  const serve = () => (listener = createProvider(issuer, keys, () => asked))
  serve()

  return {
    issuer,
    token,
    /** Paths that were asked for with GET. */
    fetched,
    /** Signs a token with the provider's own key, which it would not give. */
    forge: ({ header, claims, key }: Forged = {}) =>
      forge(
        { header: { alg: 'ES256', kid: 'first-ES256', typ: 'at+jwt', ...header }, claims, issuer },
        key ?? keys['ES256']!.privateKey
      ),
    publicKey: (alg: string) => exportJWK(keys[alg]!.publicKey),
    async rotate(name: string) {
      keys = await makeKeys(name)
      serve()
    },
    /** Answers like this until `recover`. */
    answer(next: (request: IncomingMessage, response: ServerResponse) => void) {
      listener = next
    },
    recover: serve,
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** Keys of RSA take long to make. */
const firstKeys = makeKeys('first')

type Keys = Readonly<Record<string, GenerateKeyPairResult & { readonly jwk: JWK }>>

async function makeKeys(name: string): Promise<Keys> {
  const made = ['ES256', 'RS256', 'PS256'].map(async alg => {
    const pair = await generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await exportJWK(pair.privateKey)), kid: `${name}-${alg}`, alg, use: 'sig' } as JWK
    return [alg, { ...pair, jwk }] as const
  })
  return Object.fromEntries(await Promise.all(made))
}

function createProvider(issuer: string, keys: Keys, asked: () => Asked): RequestListener {
  const provider = new Provider(issuer, {
    jwks: { keys: Object.values(keys).map(({ jwk }) => jwk) },
    scopes: ['api'],
    clients: [
      {
        ...client,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256'
      }
    ],
    // Neither a client's tokens nor anything else that the tests ask for is kept.
    adapter: () => nothingKept,
    ttl: { ClientCredentials: () => asked().ttlSeconds ?? 600 },
    cookies: { keys: ['of the test'] },
    extraTokenClaims: () => ({ ...asked().claims }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'api',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: (asked().alg ?? 'ES256') as 'ES256' } }
        })
      }
    }
  })
  const answer = provider.callback()
  return (request, response) => void answer(request, response)
}

const nothingKept: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUserCode: async () => undefined,
  findByUid: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined
}

interface ForgedParts {
  readonly header: JWTHeaderParameters
  readonly claims: Readonly<Record<string, unknown>> | undefined
  readonly issuer: string
}

function forge({ header, claims, issuer }: ForgedParts, key: CryptoKey | Uint8Array): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  const good = {
    iss: issuer,
    aud: audience,
    sub: 'alice',
    client_id: client.client_id,
    iat: now,
    exp: now + 600
  }
  return new SignJWT({ ...good, roles: ['quality'], ...claims })
    .setProtectedHeader(header)
    .sign(key, { crit: { exp: true } })
}
