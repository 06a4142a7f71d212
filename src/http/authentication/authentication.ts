import type { FastifyRequest } from 'fastify'
import type { Principal } from '../../access/principal.ts'
import type { HttpServices } from '../services.ts'
import { parseBearer } from './bearer.ts'
import { presentedBy } from './connection.ts'
import { type CertificateProxies, createProxies } from './proxies.ts'

/**
 * Whom a request comes from: by its token or JWT, or, without one, by its client certificate. Both together must fit.
 *
 * @param options `afresh`: not from memory. @throws MintlineError `token_missing`, `token_invalid`,
 *   `client_certificate_refused`, and others of 401 and 403.
 */
export type Authenticate = (
  request: FastifyRequest,
  options: { readonly afresh: boolean }
) => Promise<Principal>

export function createAuthentication(
  { tokens, clientCertificates }: Pick<HttpServices, 'tokens' | 'clientCertificates'>,
  proxies: CertificateProxies | undefined
): Authenticate {
  const authenticateToken = (request: FastifyRequest, options: { readonly afresh: boolean }) =>
    tokens.authenticate(parseBearer(request.headers.authorization), options)
  if (clientCertificates === undefined) return authenticateToken
  const handedOn = proxies && createProxies(proxies)
  return async (request, options) => {
    const { raw, headers } = request
    const presented = handedOn?.isProxy(raw.socket) ? handedOn.read(raw) : presentedBy(raw.socket)
    if (presented === undefined) return authenticateToken(request, options)
    if (headers.authorization === undefined) return clientCertificates.authenticate(presented)
    const principal = await authenticateToken(request, options)
    await clientCertificates.assertBeside(presented, principal)
    return principal
  }
}
