import Fastify from 'fastify'
import { afterAll, describe, expect, it } from 'vitest'
import { type Role, roles } from '../../src/access/principal.ts'
import { addAccess } from '../../src/http/plugins/access.ts'
import { problemOf } from './answer.ts'
import { bearer, createPort, createTestApp, job, profileDocument, record } from './port.ts'

const { app, asked } = await createTestApp()
afterAll(() => app.close())

/** Who may do what. A route that is not in this table fails the first test. */
const permissions: Readonly<Record<string, readonly Role[] | 'public'>> = {
  'POST /v1/issuances': ['station'],
  'GET /v1/issuances': ['auditor', 'admin'],
  'GET /v1/issuances/:id': ['auditor', 'admin'],
  'POST /v1/profiles': ['admin'],
  'GET /v1/profiles': ['auditor', 'admin'],
  'GET /v1/profiles/:name': ['auditor', 'admin'],
  'GET /v1/profiles/:name/versions': ['auditor', 'admin'],
  'GET /v1/profiles/:name/versions/:version': ['auditor', 'admin'],
  'POST /v1/profiles/:name/preview': ['station', 'auditor', 'admin'],
  'GET /v1/authorities': ['auditor', 'admin'],
  'POST /v1/authorities': ['admin'],
  'GET /v1/authorities/:name': ['auditor', 'admin'],
  'GET /v1/authorities/:name/plan': ['auditor', 'admin'],
  'GET /v1/authorities/:name/csr': ['auditor', 'admin'],
  'GET /v1/authorities/:name/certificate': 'public',
  'POST /v1/authorities/:name/certificate': ['admin'],
  'POST /v1/issuances/:id/void': ['admin'],
  'POST /v1/authorities/:name/activate': ['admin'],
  'POST /v1/authorities/:name/retire': ['admin'],
  'POST /v1/authorities/:name/compromise': ['admin'],
  'POST /v1/authorities/:name/cross-sign': ['admin'],
  'POST /v1/authorities/:name/aws-registrations': ['admin'],
  'GET /v1/authorities/:name/aws-registrations': ['auditor', 'admin'],
  'GET /v1/authorities/:name/aws-registrations/:id': ['auditor', 'admin'],
  'POST /v1/authorities/:name/aws-registrations/:id/sync': ['admin'],
  'POST /v1/authorities/:name/aws-registrations/:id/check': ['admin'],
  'GET /v1/trust-bundle': 'public',
  'POST /v1/tokens': ['admin'],
  'GET /v1/tokens': ['admin'],
  'DELETE /v1/tokens/:id': ['admin'],
  'GET /v1/jobs': ['auditor', 'admin'],
  'GET /v1/jobs/:id': ['auditor', 'admin'],
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'public',
  'GET /docs': 'public',
  'GET /docs/': 'public',
  'GET /docs/errors': 'public',
  'GET /docs/json': 'public',
  'GET /docs/yaml': 'public',
  'GET /docs/*': 'public',
  'GET /docs/static/index.html': 'public',
  'GET /docs/static/swagger-initializer.js': 'public'
}

const bodies: Readonly<Record<string, object>> = {
  'POST /v1/issuances': { csr: 'x', profile: 'starter' },
  'POST /v1/profiles': profileDocument,
  'POST /v1/profiles/:name/preview': { csr: 'x' },
  'POST /v1/authorities': {
    line: 'starter',
    key: { kind: 'local', keyType: 'P-256' },
    subject: { CommonName: 'Starter CA' },
    certificate: { kind: 'self-signed', days: 9125 }
  },
  'POST /v1/authorities/:name/certificate': { chain: 'x' },
  'POST /v1/issuances/:id/void': { reason: 'changed in the database' },
  'POST /v1/authorities/:name/activate': { reason: 'rotation' },
  'POST /v1/authorities/:name/retire': { reason: 'rotation' },
  'POST /v1/authorities/:name/compromise': { reason: 'rotation' },
  'POST /v1/authorities/:name/cross-sign': { authority: 'starter-g2', reason: 'rotation' },
  'POST /v1/authorities/:name/aws-registrations': {
    region: 'eu-central-1',
    certificateMode: 'SNI_ONLY',
    setAsActive: true,
    allowAutoRegistration: true
  },
  'POST /v1/tokens': { role: 'station', name: 'station-7' }
}

const idOf = (route: string) => {
  if (route.includes('jobs')) return job.id
  return route.includes('tokens') ? '019ab1ec-52c4-7d0a-8f36-3a2b5d1c9e70' : record.id
}

/** Every route of the app, read off its own tree; HEAD follows GET. */
function listRoutes(): readonly string[] {
  const path: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap(line => {
      const [, branch = '', url = '', methods = ''] = /^(.*?)([^\s│├└─]\S*) \((.+)\)$/.exec(line) ?? []
      if (url === '') return []
      path.length = branch.length / 4 - 1
      path.push(url)
      return methods
        .split(', ')
        .filter(method => method !== 'HEAD')
        .map(method => `${method} ${path.join('')}`)
    })
}

async function send(route: string, headers: Record<string, string>) {
  const [method = '', url = ''] = route.split(' ')
  const path = url.replace(':id', idOf(route)).replace(':name', 'starter').replace(':version', '3')
  const payload = bodies[route]
  const answer = await app.inject({
    method: method as 'GET',
    url: path,
    headers,
    ...(payload && { payload })
  })
  return { status: answer.statusCode, challenge: answer.headers['www-authenticate'], answer }
}

describe('the table of permissions', () => {
  it('has every route of the app and no other', () => {
    expect([...listRoutes()].sort()).toEqual(Object.keys(permissions).sort())
  })
})

const guarded = Object.entries(permissions).filter(([, access]) => access !== 'public')
const open = Object.keys(permissions).filter(route => permissions[route] === 'public' && !route.endsWith('*'))

describe.each(guarded)('%s', (route, allowed) => {
  it.each(roles)('with the role %s', async role => {
    const { status, answer, challenge } = await send(route, bearer(role))
    if (allowed.includes(role)) {
      expect(status).toBeLessThan(300)
      return
    }
    expect([status, problemOf(answer).code]).toEqual([403, 'role_forbidden'])
    expect(problemOf(answer).requiredRoles).toEqual(allowed)
    expect(challenge).toContain('error="insufficient_scope"')
  })

  it.each([
    ['no token', {}, 'token_missing'],
    ['another scheme', { authorization: 'Basic YWRtaW46YWRtaW4=' }, 'token_missing'],
    ['a mistyped token', { authorization: 'Bearer mintline_nobody' }, 'token_invalid'],
    ['a revoked token', bearer('revoked'), 'token_invalid'],
    ['two tokens in one header', { authorization: 'Bearer one two' }, 'token_invalid'],
    ['an empty token', { authorization: 'Bearer ' }, 'token_invalid']
  ])('with %s', async (_name, headers, code) => {
    const { status, answer, challenge } = await send(route, headers)
    expect([status, problemOf(answer).code]).toEqual([401, code])
    expect(challenge).toMatch(/^Bearer realm=/)
  })
})

describe('a public route', () => {
  it.each(open)('%s needs no token', async route => {
    expect((await send(route, {})).status).toBeLessThan(400)
  })
})

describe('access', () => {
  it('is refused before the body is read', async () => {
    const payload = 'x'.repeat(200_000)
    const answer = await app.inject({ method: 'POST', url: '/v1/issuances', payload })
    expect(problemOf(answer).code).toBe('token_missing')
  })

  it('takes the scheme in any case', async () => {
    const { authorization } = bearer('admin')
    const answer = await app.inject({
      url: '/v1/tokens',
      headers: { authorization: authorization.replace('B', 'b') }
    })
    expect(answer.statusCode).toBe(200)
  })

  it('guards HEAD as it guards GET', async () => {
    expect((await app.inject({ method: 'HEAD', url: '/v1/tokens' })).statusCode).toBe(401)
  })

  it('hands the principal to the service', async () => {
    const before = asked.revocations.length
    await send('DELETE /v1/tokens/:id', bearer('admin'))
    expect(asked.revocations.slice(before)).toMatchObject([{ act: { actor: 'admin/admin-1' } }])
  })

  it('must be declared: a route without it cannot be registered', () => {
    const bare = Fastify()
    addAccess(bare, createPort().services.tokens)
    expect(() => bare.get('/forgotten', async () => 'x')).toThrow(TypeError)
  })
})
