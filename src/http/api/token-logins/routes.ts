import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { actOf } from '../../plugins/access.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import { LoginPermit, LoginPermitBody } from './schemas.ts'

const permitTokenLogin = {
  operationId: 'permitTokenLogin',
  tags: ['Authorities'],
  summary: 'Have the PIN tried once at a PKCS#11 token',
  description:
    'A token locks itself after a few wrong PINs. So a PIN that it has refused is not tried again, nor is its last try spent: the line stays unavailable, and `/readyz` says why. With this act the PIN that is in the PIN file is tried once all the same, within the hour, by the first process that needs it. It takes a reason and is in the audit.',
  body: LoginPermitBody,
  response: { 200: { description: 'It will be tried.', content: jsonContent(LoginPermit) } }
}

export const tokenLoginRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { loginPermits } }
) => {
  app.post('/v1/token-logins', { config: { access: ['admin'] }, schema: permitTokenLogin }, async request => {
    const { tokenLabel, reason } = request.body
    const permit = await loginPermits.permit(tokenLabel, { ...actOf(request), reason })
    return { ...permit, expiresAt: permit.expiresAt.toISOString() }
  })
}
