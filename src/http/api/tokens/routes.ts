import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import type { NewToken as NewTokenView, TokenView } from '../../../access/token/token.ts'
import { parseInstant } from '../../listing/times.ts'
import { actOf } from '../../plugins/access.ts'
import { coerceIntegers } from '../../plugins/coercion.ts'
import { viewPage } from '../../schemas/page.ts'
import { problemResponses } from '../../schemas/problem.ts'
import { jsonContent } from '../../schemas/reference.ts'
import type { HttpServices } from '../../services.ts'
import {
  defaultOverlapSeconds,
  defaultTokenLimit,
  NewToken,
  RotateBody,
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
  summary: 'Make a token',
  description: 'The answer holds the secret. It is shown this once and cannot be read again.',
  body: TokenBody,
  response: {
    201: { description: 'The token and its secret.', content: jsonContent(NewToken) },
    ...problemResponses({
      404: 'There is no such station.',
      409: 'There is a valid token of this name.'
    })
  }
}

const rotateToken = {
  operationId: 'rotateToken',
  tags,
  summary: 'Give a token another secret',
  description:
    'Name, id and station stay. For `overlapSeconds` the secret that there is is taken as well, so that nothing stops while the new one is brought to where it is used.',
  params: TokenParams,
  body: RotateBody,
  response: {
    200: { description: 'The token and its new secret.', content: jsonContent(NewToken) },
    ...problemResponses({ 404: 'There is no such token, or it is over.' })
  }
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
    const { expiresAt, ...asked } = request.body
    const created = await tokens.create({ ...asked, ...endOf(expiresAt) }, actOf(request))
    return reply.code(201).send(viewNew(created))
  })

  app.post('/v1/tokens/:id/rotate', { config, schema: rotateToken }, async request => {
    const { overlapSeconds = defaultOverlapSeconds, expiresAt, reason } = request.body
    const rotation = { overlapSeconds, ...endOf(expiresAt) }
    return viewNew(await tokens.rotate(request.params.id, rotation, actOf(request, reason)))
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

function endOf(text: string | undefined): { expiresAt?: Date } {
  return text === undefined ? {} : { expiresAt: parseInstant(text, '/expiresAt') }
}

function viewNew({ token, secret, warnings }: NewTokenView): Static<typeof NewToken> {
  return { ...viewToken(token), secret, warnings: [...warnings] }
}

function viewToken(token: TokenView): TokenResource {
  const { id, name, role, createdAt, createdBy, revokedAt } = token
  const { station, lines, expiresAt, lastUsedAt, previousSecretUntil } = token
  return {
    id,
    name,
    role,
    createdAt: createdAt.toISOString(),
    createdBy,
    ...(station !== undefined && { station }),
    ...(lines.length > 0 && { lines: [...lines] }),
    ...(expiresAt !== undefined && { expiresAt: expiresAt.toISOString() }),
    ...(lastUsedAt !== undefined && { lastUsedAt: lastUsedAt.toISOString() }),
    ...(previousSecretUntil !== undefined && { previousSecretUntil: previousSecretUntil.toISOString() }),
    ...(revokedAt !== undefined && { revokedAt: revokedAt.toISOString() })
  }
}
