import type { FastifyInstance, FastifyRequest } from 'fastify'
import { hasToken, type Principal, type Role, type StationPrincipal } from '../../access/principal.ts'
import type { RefusedAccess } from '../../access/refused/refused-access.ts'
import { type Act, actorOf } from '../../audit/audit-event.ts'
import { MintlineError } from '../../errors/mintline-error.ts'
import type { Authenticate } from '../authentication/authentication.ts'
import { documentationPath } from './documentation.ts'
import type { Access, RouteRight } from './route-access.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    /** That its handler shows whoever is held to some lines nothing of others. Without it, nobody who is gets in. */
    heedsLines?: boolean
    /** That its handler shows a station what it asked for itself alone, and certifies for its profiles alone. */
    heedsStation?: boolean
  }
  interface FastifyInstance {
    /** Of each route that is registered so far. */
    rights: RouteRight[]
    /** Whom a request comes from. */
    authenticate: Authenticate
  }
  interface FastifyRequest {
    /** Whom the token proved; null on a public route. Read it with `principalOf`. */
    principal: Principal | null
    /** As the audit names them, whether they may do that or not; null while nobody is proven. */
    proven: Proven | null
  }
}

type Proven = Pick<RefusedAccess, 'actor' | 'credential'>

/**
 * Guards every route that is registered after it. A route that does not declare `config.access`, or lets stations in and
 * does not heed whose it is what they ask for, fails at registration. The token is checked before the body is read.
 */
export function addAccess(app: FastifyInstance, authenticate: Authenticate): void {
  app.decorateRequest('principal', null)
  app.decorateRequest('proven', null)
  app.decorate('rights', [])
  app.decorate('authenticate', authenticate)
  app.addHook('onRoute', route => {
    // The documentation's routes are made by its plugin and cannot declare anything.
    if (isDocumentation(route.url)) route.config = { ...route.config, access: 'public' }
    const { access, heedsLines = false, heedsStation = false } = route.config ?? {}
    const name = `${String(route.method)} ${route.url}`
    if (access === undefined) throw new TypeError(`Route ${name} does not say who may use it`)
    if (access.includes('station') && !heedsStation)
      throw new TypeError(`Route ${name} lets stations in and does not say that it heeds which`)
    app.rights.push({ name, access, heedsLines, heedsStation })
  })
  app.addHook('onRequest', async request => {
    if (request.is404) return
    const { access } = request.routeOptions.config
    if (access === 'public') return
    request.principal = await authorize(request, access ?? [], authenticate)
  })
}

/** @throws TypeError on a public route, where there is nobody to name. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new TypeError('A public route has no principal')
  return request.principal
}

/** Who asks for a certificate. @throws TypeError on a route that is not for stations. */
export function stationOf(request: FastifyRequest): StationPrincipal {
  const principal = principalOf(request)
  if (!hasToken(principal)) throw new TypeError('No station signs in elsewhere')
  return principal
}

/** The administrative act that a request is, for the audit. @throws TypeError on a public route. */
export function actOf(request: FastifyRequest, reason?: string): Act {
  const principal = principalOf(request)
  const { tokenId, subject } = principal
  return { actor: actorOf(principal), tokenId, credential: tokenId ?? subject, reason, requestId: request.id }
}

/** For a stream that outlasts its token, or the rights of it. @throws MintlineError as the request would now. */
export async function authorizeAgain(request: FastifyRequest): Promise<void> {
  const { access } = request.routeOptions.config
  const { authenticate } = request.server
  if (access !== 'public') request.principal = await authorize(request, access ?? [], authenticate)
}

async function authorize(
  request: FastifyRequest,
  access: readonly Role[],
  authenticate: Authenticate
): Promise<Principal> {
  const { method } = request.raw
  const afresh =
    method !== 'GET' && method !== 'HEAD' && request.routeOptions.config.access?.includes('station') !== true
  const principal = await authenticate(request, { afresh })
  const { tokenId, subject } = principal
  request.proven = { actor: actorOf(principal), credential: tokenId ?? subject }
  if (access.includes(principal.role)) return heldTo(principal, request)
  throw new MintlineError(
    'role_forbidden',
    `This needs a token of the role ${access.join(' or ')}; this token is of the role ${principal.role}.`,
    { members: { requiredRoles: access } }
  )
}

/** @throws MintlineError `lines_forbidden` for who is held to some lines, where the route knows of none. */
function heldTo(principal: Principal, request: FastifyRequest): Principal {
  const { heedsLines } = request.routeOptions.config
  if (principal.lines === undefined || heedsLines === true) return principal
  throw new MintlineError(
    'lines_forbidden',
    `This token is for the lines ${principal.lines.join(', ')} alone, and this is of all lines. Ask the administrator for a token without lines.`
  )
}

function isDocumentation(url: string): boolean {
  return url === documentationPath || url.startsWith(`${documentationPath}/`)
}
