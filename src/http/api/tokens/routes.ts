import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import type { TokenView } from '../../../access/token.ts'
import { actOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import {
  defaultTokenLimit,
  NewToken,
  TokenBody,
  TokenList,
  TokenListQuerystring,
  TokenParams,
  type TokenResource
} from './schemas.ts'

const tags = ['Tokens']
const config = { access: ['admin'] } as const

const createToken = {
  operationId: 'createToken',
  tags,
  summary: 'Make a token for a station, an auditor or an administrator',
  description: 'The answer holds the secret. It is shown this once and cannot be read again.',
  body: TokenBody,
  response: { 201: { description: 'The token and its secret.', content: jsonContent(NewToken) } }
}

const listTokens = {
  operationId: 'listTokens',
  tags,
  summary: 'List all tokens',
  description:
    'Revoked tokens are listed too. Secrets are not. Newest first; `nextCursor` leads to older ones.',
  querystring: TokenListQuerystring,
  response: { 200: { description: 'One page.', content: jsonContent(TokenList) } }
}

const revokeToken = {
  operationId: 'revokeToken',
  tags,
  summary: 'Revoke a token',
  description: 'The token stays on record. What it was used for remains valid.',
  params: TokenParams,
  response: {
    204: Type.Null({ description: 'Revoked.' }),
    ...problemResponses({ 404: 'There is no such token, or it is revoked already.' })
  }
}

export const tokenRoutes: FastifyPluginAsyncTypebox<{ services: HttpServices }> = async (
  app,
  { services: { tokens } }
) => {
  app.post('/v1/tokens', { config, schema: createToken }, async (request, reply) => {
    const { token, secret } = await tokens.create(request.body, actOf(request))
    return reply.code(201).send({ ...viewToken(token), secret })
  })

  app.get(
    '/v1/tokens',
    { config, preValidation: coerceIntegers('query', ['limit']), schema: listTokens },
    async ({ query: { limit = defaultTokenLimit, cursor } }) =>
      viewPage(await tokens.list({ limit, cursor }), viewToken)
  )

  app.delete('/v1/tokens/:id', { config, schema: revokeToken }, async (request, reply) => {
    await tokens.revoke(request.params.id, actOf(request))
    return reply.code(204).send(null)
  })
}

function viewToken({ id, name, role, createdAt, createdBy, revokedAt }: TokenView): TokenResource {
  return {
    id,
    name,
    role,
    createdAt: createdAt.toISOString(),
    createdBy,
    ...(revokedAt !== undefined && { revokedAt: revokedAt.toISOString() })
  }
}
